from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.columns import now
from bot.conversation.models import DeliveryKind, Identity, MediaFile, Turn
from bot.conversation.record import (
    context_now,
    context_of,
    reply_of,
    store_answer,
    store_transcript,
    stored_answer,
)
from bot.knowledge.types import Answer, Candidate, Context, Outcome
from media.types import Transcript, Word
from tests.bot.conversation.pipeline import ARTICLE, ask, change

NUMBER = "900101-1234567"


def test_masked_numbers_are_in_no_word_either() -> None:
    words = tuple(Word(text, 0, 1, 0.5) for text in ("제", "번호는", NUMBER, "이에요"))
    turn = Turn()
    store_transcript(turn, Transcript(f"제 번호는 {NUMBER} 이에요", words, confidence=0.7))
    assert NUMBER not in turn.text + str(turn.words)
    assert [word["text"] for word in turn.words] == ["제", "번호는", "", "이에요"]
    assert (turn.confidence, turn.unheard) == (0.7, "")


def test_an_unheard_recording_has_a_reason() -> None:
    turn = Turn()
    store_transcript(turn, Transcript("", heard=False))
    assert (turn.text, turn.unheard, turn.confidence) == ("", "unclear", None)


def test_an_answer_survives_the_row() -> None:
    answer = Answer(
        Outcome.CLARIFIED,
        "어느 쪽이세요?",
        article=ARTICLE,
        score=0.5,
        candidates=(Candidate(ARTICLE, 0.5),),
        choices=("a", "b"),
        act="choose",
        contact_name="공단",
        contact_number="1355",
        lines=("하나", "둘"),
        end=True,
    )
    turn = Turn()
    store_answer(turn, answer)
    again = stored_answer(turn)
    for name in ("outcome", "text", "score", "choices", "act", "contact_number", "lines", "end"):
        assert getattr(again, name) == getattr(answer, name)
    assert (turn.article_title, turn.source_name) == (ARTICLE.title, ARTICLE.source_name)


def test_an_early_text_promises_the_watch_page_and_carries_no_file() -> None:
    turn = Turn(
        id=7, key="abc", reply_to={"t": "1"}, answer="네.", lines=["네."], outcome="answered"
    )
    turn.identity = Identity(channel="kakao", address="u1")
    turn.video = MediaFile(key="v.mp4", kind="video", content_type="video/mp4", bytes=3, seconds=1)
    early, whole = reply_of(turn, DeliveryKind.TEXT), reply_of(turn, DeliveryKind.VIDEO)
    assert early.video is None and whole.video is not None and whole.video.bytes == 3
    assert (early.key, whole.key) == ("abc-text", "abc-video")
    assert early.watch_path == whole.watch_path == "/watch/abc"
    assert whole.text == "네."


def test_what_was_asked_on_the_telephone_is_understood_in_the_messenger(
    sessions: sessionmaker[Session],
) -> None:
    first = ask(sessions, "k1", "기초연금이 뭐예요?", "+821012345678", channel="phone")
    change(sessions, first, outcome="answered", answer="이래요.", article_id="basic-pension")
    with sessions() as session:
        session.get_one(Turn, first).conversation.ended_at = now()
        session.commit()
    second = ask(sessions, "k2", "어디서 해요?", "whatsapp:+821012345678", channel="whatsapp")
    stranger = ask(sessions, "k3", "어디서 해요?", "whatsapp:+821099999999", channel="whatsapp")
    with sessions() as session:
        context = context_of(session, session.get_one(Turn, second))
        assert context.article_ids == ("basic-pension",) and context.last_answer == "이래요."
        assert context_of(session, session.get_one(Turn, stranger)) == Context()
        assert context_now(session, "whatsapp", "whatsapp:+821012345678").article_ids
        assert context_now(session, "whatsapp", "whatsapp:+820000000000") == Context()
    change(sessions, first, created_at=now() - timedelta(hours=7))
    with sessions() as session:
        assert context_of(session, session.get_one(Turn, second)) == Context()
