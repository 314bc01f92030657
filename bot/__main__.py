"""`python -m bot` is the command `silverline`."""

from bot.cli import main

if __name__ == "__main__":
    main(prog_name="silverline")
