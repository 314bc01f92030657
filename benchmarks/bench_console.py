"""How long the console's list, search, queue and dashboard take with 100,000 conversations.

Each has two turns with the words, runners-up, steps and deliveries that real ones have.

    python benchmarks/bench_console.py [postgresql://…/EMPTY_DATABASE]

Without an address it uses SQLite in a temporary folder. The goal is a p95 of 300 ms.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from bot.admin.browse import find
from bot.admin.figures import figures, roll_up, unanswered
from bot.admin.filters import Filters
from bot.admin.review import queue
from bot.conversation import schema, search
from bot.conversation.database import engine
from bot.conversation.models import (
    Conversation,
    Delivery,
    DeliveryKind,
    Identity,
    Person,
    Question,
    Sending,
    State,
    Turn,
    TurnStep,
)

CONVERSATIONS = 100_000
PEOPLE = CONVERSATIONS // 5
PORTION = 10_000
RUNS = 20
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
LAST = (BEGIN + timedelta(minutes=5 * CONVERSATIONS)).date()
WORDS = [
    "기초연금",
    "지하철",
    "무료",
    "주민센터",
    "신청",
    "어디서",
    "노인",
    "일자리",
    "틀니",
    "보청기",
    "난방비",
    "임플란트",
    "병원",
    "국민연금",
    "장기요양",
    "서류",
    "신분증",
    "통장",
    "언제",
    "얼마",
    "받아요",
    "해요",
    "되나요",
]
CASES = {
    "list": Filters(),
    "common word": Filters(q="연금"),
    "rare word": Filters(q="귀낱말"),
    "no such word": Filters(q="없는말"),
    "one letter": Filters(q="틀"),
    "letters, all pairs": Filters(q="요금연"),
    "two words": Filters(q="연금 귀낱"),
    "channel, refused": Filters(channel="phone", outcome="refused"),
    "emergency": Filters(flag="emergency"),
    "failed": Filters(flag="failed"),
    "slow": Filters(flag="slow"),
    "unheard": Filters(flag="unheard"),
    "bad rating": Filters(rating="bad"),
    "common, refused": Filters(q="연금", outcome="refused"),
    "common, emergency": Filters(q="연금", flag="emergency"),
    "a month, common": Filters(q="연금", since=date(2025, 3, 1), until=date(2025, 3, 31)),
    "article": Filters(article="틀니"),
    "person": Filters(person=77),
}


def fill(session: Session) -> None:
    """Put people, conversations and turns into empty tables."""
    people = range(1, PEOPLE + 1)
    session.execute(insert(Person), [{"id": number} for number in people])
    identities = [{"id": n, "person_id": n, "channel": "kakao", "address": str(n)} for n in people]
    session.execute(insert(Identity), identities)
    for start in range(0, CONVERSATIONS, PORTION):
        part = range(start, start + PORTION)
        session.execute(insert(Conversation), [conversation(i) for i in part])
        turns = [turn(i, n) for i in part for n in (1, 2)]
        session.execute(insert(Turn), turns)
        session.execute(insert(TurnStep), [step for one in turns for step in steps(one)])
        session.execute(insert(Delivery), [delivery(one) for one in turns])
        session.commit()


def conversation(i: int) -> dict[str, Any]:
    """Return the `i`th conversation's row."""
    moment = BEGIN + timedelta(minutes=5 * i)
    return {
        "id": i + 1,
        "person_id": i % PEOPLE + 1,
        "channel": random.choice(["kakao", "phone"]),
        "started_at": moment,
        "last_activity_at": moment,
    }


def turn(i: int, number: int) -> dict[str, Any]:
    """Return the row of turn `number` of the `i`th conversation."""
    rare = ["희귀낱말"] if i % 20_000 == 7 else []
    moment = BEGIN + timedelta(minutes=5 * i)
    said = random.choices(WORDS, k=6) + rare
    return {
        "id": 2 * i + number,
        "key": f"{2 * i + number:032x}",
        "created_at": moment,
        "finished_at": moment + timedelta(seconds=9),
        "seconds": random.lognormvariate(2, 0.6),
        "helpful": random.choice([None] * 18 + [True, False]),
        "words": [{"text": w, "start": 0.1, "end": 0.5, "confidence": 0.9} for w in said],
        "candidates": [{"id": w, "title": w * 3, "score": 0.5} for w in random.choices(WORDS, k=3)],
        "lines": random.choices(WORDS, k=3),
        "article_title": "기초연금은 어떻게 신청하나요",
        "source_name": "보건복지부",
        "source_url": "https://www.bokjiro.go.kr/ssis-tbu/index.do",
        "conversation_id": i + 1,
        "identity_id": i % PEOPLE + 1,
        "number": number,
        "state": State.DELIVERED,
        "kind": Question.TEXT,
        "text": " ".join(said),
        "answer": " ".join(random.choices(WORDS, k=25)),
        "outcome": random.choice(["answered"] * 9 + ["refused"]),
        "article_id": random.choice(WORDS),
        "score": 0.9,
        "act": "emergency" if i % 5000 == 3 else "",
    }


def steps(turn: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a turn's steps."""
    moment = turn["created_at"]
    return [
        {
            "turn_id": turn["id"],
            "step": name,
            "started_at": moment,
            "finished_at": moment,
            "seconds": random.lognormvariate(0, 0.7),
            "worker": "bench",
        }
        for name in ("hear", "think", "voice", "render", "deliver")
    ]


def delivery(turn: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a turn's delivery."""
    return {
        "turn_id": turn["id"],
        "channel": "kakao",
        "address": "u",
        "kind": DeliveryKind.VIDEO,
        "key": turn["key"],
        "state": Sending.SENT,
    }


def dashboard(session: Session, days: int) -> None:
    """Read what the dashboard of the last `days` shows."""
    since = LAST - timedelta(days=days - 1)
    figures(session, since, LAST, LAST)
    unanswered(session, since, LAST)


def measure(name: str, action: Callable[[], object]) -> None:
    """Print p50 and p95 of `action`."""
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    seconds.sort()
    p50, p95 = seconds[RUNS // 2] * 1000, seconds[RUNS * 19 // 20] * 1000
    print(f"{name:<20} p50 {p50:6.1f} ms  p95 {p95:6.1f} ms")


def main(url: str) -> None:
    """Fill the database at `url` and measure."""
    random.seed(1)
    database = engine(url)
    schema.upgrade(database)
    with Session(database) as session:
        fill(session)
        session.commit()
        begun = time.perf_counter()
        search.rebuild(session.connection())
        session.commit()
        print(f"index of words made in {time.perf_counter() - begun:.0f} s")
        begun = time.perf_counter()
        made = roll_up(session, LAST, most=1000)
        session.commit()
        print(f"{made} days summarised in {time.perf_counter() - begun:.0f} s")
    with database.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    with Session(database) as session:
        for name, filters in CASES.items():
            measure(name, partial(find, session, filters))
        measure("queue", partial(queue, session))
        for days in (7, 30, 365):
            measure(f"dashboard, {days} days", partial(dashboard, session, days))
    database.dispose()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(f"sqlite:///{folder}/bench.db")
