"""Spoken questions: our voice through a telephone into the recogniser, against the same typed.

Asks COUNT questions of each of two sets of fresh paraphrases, which nothing was fitted on. Slow:
two to five seconds a question. Run: `.venv/bin/python benchmarks/bench_spoken.py [COUNT]`.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from bot.knowledge.answer import Answerer  # noqa: E402
from bot.knowledge.evaluate import Case, evaluate, read_cases  # noqa: E402
from media.hear.score import character_error_rate  # noqa: E402
from media.hear.whisper import WhisperRecogniser  # noqa: E402
from media.personas import load_persona  # noqa: E402
from media.speak.telephone import telephone  # noqa: E402

SETS = ROOT / "tests" / "knowledge_sets"
NAMES = ("paraphrases_fresh.csv", "paraphrases_fresh_3.csv")
COUNT = 100


def main(count: int) -> None:
    """Print how often the right article is first for typed and for spoken questions."""
    cases: list[Case] = []
    for name in NAMES:
        known = read_cases(SETS / name)
        cases += known[:: max(1, len(known) // count)][:count]
    voice = load_persona(ROOT / "config" / "personas", "sunny").voice
    recogniser = WhisperRecogniser()
    heard: list[Case] = []
    errors: list[float] = []
    for done, case in enumerate(cases, 1):
        text = recogniser.recognise(telephone(voice.speak(case.question).audio)).text
        errors.append(character_error_rate(case.question, text))
        heard.append(Case(text, case.expected))
        print(f"{done}/{len(cases)}", end="\r", file=sys.stderr)
    answerer = Answerer.from_folder(ROOT / "config" / "knowledge")
    typed, spoken = (evaluate(answerer.answer, some) for some in (cases, heard))
    print(f"{len(cases)} questions, character error rate {sum(errors) / len(errors):.3f}")
    for name, report in (("typed", typed), ("spoken", spoken)):
        print(f"{name:7} first {report.hit_at_1:.3f}, in three {report.hit_at_3:.3f}")
    print(f"spoken / typed {spoken.hit_at_1 / typed.hit_at_1:.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
