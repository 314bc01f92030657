"""How many emergencies of a set are caught at once, and how many other sentences are taken for one.

Usage: bench_danger.py [ENDING] [--show] (default `_held_out_14`).
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from bot.knowledge.answer import Answerer  # noqa: E402
from bot.knowledge.safety import EMERGENCIES  # noqa: E402

SETS = ROOT / "tests" / "knowledge_sets"


def main(ending: str, show: bool) -> None:
    """Print the counts of one set; with `show` the sentences that went wrong too."""
    answerer = Answerer.from_folder(ROOT / "config" / "knowledge", data_dir=ROOT / "var")
    for name in (f"emergencies{ending}", f"not_emergencies{ending}"):
        with (SETS / f"{name}.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        answers = [(row, answerer.answer(row["question"])) for row in rows]
        caught = [(row, found) for row, found in answers if found.act == "emergency"]
        print(f"{name}: {len(rows)}, number at once {len(caught)}")
        danger = name.startswith("emergencies")
        if danger:
            numbers = (EMERGENCIES[row["kind"]].number for row, _ in caught)
            right = sum(
                found.contact_number == n for (_, found), n in zip(caught, numbers, strict=True)
            )
            print(f"  with the kind's own number {right}")
        for row, found in answers:
            if show and (found.act == "emergency") != danger:
                print(f"  {row['question']}")


if __name__ == "__main__":
    arguments = [a for a in sys.argv[1:] if a != "--show"]
    main(arguments[0] if arguments else "_held_out_14", "--show" in sys.argv)
