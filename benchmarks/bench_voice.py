"""How well the voice is understood and how fast it is: `silverline voice bench` for each persona.

The sentences (`data/voice_sentences.tsv`) are ones that an answer would contain, a third of them
with numbers, written for this project and split in two for good: the phoneme table, the styles
and the marks may be tuned on `tuning`, figures are reported on `held_out`.
"""

from __future__ import annotations

import argparse
import json

from bot.cli.speaking import PERSONAS, voice
from bot.settings import ROOT
from media.decode import decode
from media.hear.whisper import WhisperRecogniser
from media.personas import persona_names
from media.speak.judge import error_rate, score

RECORDINGS = ROOT.parent / "shared" / "data" / "speech_ko"


def on_recordings() -> None:
    """Print what the same judge makes of recordings of people, where their words are known."""
    judge = WhisperRecogniser()
    scores = []
    for name, truth in json.loads((RECORDINGS / "transcripts.json").read_text()).items():
        if truth["text"]:
            scores.append(score(truth["text"], judge.recognise(decode(RECORDINGS / name)).text))
            print(f"{name:45s} {scores[-1].edits} of {scores[-1].characters}")
    if scores:
        rate, low, high = error_rate(scores)
        print(f"recordings of people: CER {rate:.3f} [{low:.3f}, {high:.3f}]")


def main() -> None:
    """Run the bench on the held-out half."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=int, default=0, help="only so many sentences a persona")
    parser.add_argument("--persona", action="append", help="default: all of them")
    parser.add_argument("--recordings", action="store_true", help="only recordings of people")
    given = parser.parse_args()
    if given.recordings:
        on_recordings()
        return
    limit = ["--limit", str(given.limit)] if given.limit else []
    for name in given.persona or persona_names(PERSONAS):
        print(f"== {name}")
        voice(["bench", "--persona", name, *limit], standalone_mode=False)


if __name__ == "__main__":
    main()
