from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, inspect, select
from sqlalchemy.orm import Session

from bot.conversation import schema
from bot.conversation.accounts import Access, Account, Role
from bot.conversation.calls import Call, CallPicture, Consent, Prompt, RecordingConsent
from bot.conversation.casework import Case, Handover, Pronunciation, Remark
from bot.conversation.columns import Base, now
from bot.conversation.database import engine
from bot.conversation.kin import FamilyCode, FamilyLink, FamilyTry
from bot.conversation.models import (
    Conversation,
    Delivery,
    DeliveryKind,
    Identity,
    InboundEvent,
    MediaFile,
    Person,
    Question,
    Turn,
    TurnStep,
)
from bot.conversation.reviews import Review, Verdict
from bot.conversation.summaries import DaySummary, MonthSummary
from tests.bot.servers import postgres_database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        made = engine(f"sqlite:///{tmp_path}/test.db")
        yield made
        made.dispose()
        return
    with postgres_database() as url:
        made = engine(url)
        yield made
        made.dispose()


def fill(database: Engine) -> None:
    """Put a row into every table."""
    with Session(database) as session:
        person = Person(display_name="김순자")
        identity = Identity(person=person, channel="kakao", address="u1")
        conversation = Conversation(person=person, channel="kakao", state={"warned": True})
        turn = Turn(
            conversation=conversation,
            identity=identity,
            number=1,
            kind=Question.RECORDING,
            text="기초연금이 뭐예요",
            words=[{"text": "기초연금이"}],
            recording=MediaFile(
                key="a.ogg", kind="recording", content_type="audio/ogg", bytes=1, sha256="0"
            ),
        )
        call = Call(sid="CA1", identity=identity, mode="recorded")
        session.add_all([turn, call])
        session.flush()
        session.add_all(
            [
                RecordingConsent(
                    person_id=person.id,
                    call_id=call.id,
                    channel="phone",
                    wording="1",
                    answer=Consent.REFUSED,
                    means="key",
                ),
                Prompt(digest="0", file_id=turn.recording_id),
                CallPicture(call_id=call.id, file_id=turn.recording_id),
                TurnStep(
                    turn_id=turn.id,
                    step="hear",
                    started_at=now(),
                    finished_at=now(),
                    seconds=0.5,
                    worker="w",
                ),
                InboundEvent(channel="kakao", key="k", kind="recording", turn_id=turn.id),
                Delivery(
                    turn_id=turn.id,
                    channel="kakao",
                    address="u1",
                    kind=DeliveryKind.VIDEO,
                    key=f"{turn.key}-video",
                ),
            ]
        )
        code = FamilyCode(senior_id=person.id, digest="0", wording="1", expires_at=now())
        session.add_all([code, FamilyTry(person_id=person.id)])
        session.flush()
        session.add(
            FamilyLink(
                senior_id=person.id,
                member_id=person.id,
                identity_id=identity.id,
                code_id=code.id,
                receives=True,
            )
        )
        account = Account(
            email="kim@office.example", role=Role.VIEWER, password_hash="0", totp_secret="0"
        )
        session.add_all(
            [
                Review(turn=turn, account=account, verdict=Verdict.RIGHT),
                Handover(turn=turn, conversation=conversation),
                Case(turn=turn, opened_by=account),
                Remark(turn_id=turn.id, account=account, text="?"),
                Pronunciation(word="인기", sounds="인끼", account=account),
                DaySummary(day=date(2026, 3, 2), counts={}),
                MonthSummary(month=date(2026, 3, 1), counts={}),
                Access(number=1, at=now(), origin="::1", what="login", previous="0", hash="1"),
            ]
        )
        session.commit()


def test_up_and_down_with_data_in_every_table(database: Engine) -> None:
    schema.upgrade(database)
    fill(database)
    with Session(database) as session:
        for table in Base.metadata.sorted_tables:
            assert session.scalar(select(func.count()).select_from(table)) == 1, table.name
    for revision in reversed(schema.revisions()[:-1]):
        schema.downgrade(database, revision)
        assert schema.current(database) == revision
        with Session(database) as session:
            assert session.execute(select(Turn.text, Turn.words, Turn.state)).one() == (
                "기초연금이 뭐예요",
                [{"text": "기초연금이"}],
                "received",
            )
    schema.upgrade(database)
    with Session(database) as session:
        assert session.scalars(select(Conversation)).one().state == {"warned": True}
        assert session.scalars(select(Delivery)).all() == []
    schema.downgrade(database, "base")
    assert set(inspect(database).get_table_names()) <= {"alembic_version"}
    schema.upgrade(database)
    fill(database)


def test_the_models_are_what_the_migrations_make(database: Engine) -> None:
    schema.upgrade(database)
    assert schema.current(database) == schema.head()
    assert schema.differences(database) == []


def test_the_comparison_sees_a_difference(database: Engine) -> None:
    schema.upgrade(database, schema.revisions()[0])
    added = {found[1].name for found in schema.differences(database) if found[0] == "add_table"}
    assert added == {
        "deliveries",
        "calls",
        "recording_consents",
        "prompts",
        "accounts",
        "access_trail",
        "reviews",
        "articles",
        "article_versions",
        "article_stamp",
        "handovers",
        "cases",
        "remarks",
        "pronunciations",
        "day_summaries",
        "month_summaries",
        "call_pictures",
        "family_codes",
        "family_links",
        "family_tries",
    }
