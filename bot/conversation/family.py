"""Families: a daughter links by six digits that her mother reads to her, sees what she may.

What is asked here is asked of the house itself, on any channel, as a whole turn: a code, to end a
link, to see the mother's questions; and the digits. Everything else is for the articles.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.asked import wants_video
from bot.conversation.columns import now
from bot.conversation.database import start_write
from bot.conversation.inbox import InboundMessage, begin_turn, identity_of
from bot.conversation.kin import FamilyCode, FamilyLink, FamilyTry
from bot.conversation.models import Conversation, Identity, State, Turn
from bot.knowledge.dialogue import Act, act_of
from bot.knowledge.morphemes import squeeze
from bot.knowledge.types import Answer, Outcome

WORDING = "2026-11"
"""The version of what a senior is told before a code; it changes with `TOLD`."""
GOOD_FOR = timedelta(minutes=10)
OWN_TRIES, ALL_TRIES = 5, 50
"""Wrong codes in an hour, of one person and of all, until none is taken any more."""
SHOWN = 3
CODE, UNLINK, SEEN = "family_code", "family_unlink", "family_seen"
"""Dialogue acts of what this module answers."""

TOLD = (
    "가족이 이 숫자를 카카오톡이나 왓츠앱에서 보내면, 물어보신 것과 답을 가족도 볼 수 있어요. "
    "숫자는 {digits}. 다시 한번, {digits}. 십 분 동안 쓸 수 있어요. "
    "앞으로 답을 가족에게도 보내 드릴까요? 네, 또는 아니요라고 말씀해 주세요."
)
_WILL_SEND = "네, 가족이 연결되면 답을 가족에게도 보내 드릴게요."
_WILL_NOT = "네, 보내지 않을게요. 가족은 물어볼 때만 볼 수 있어요."
_LINKED = "가족과 연결됐어요. ‘엄마가 뭐 물어봤어’라고 보내시면 최근에 물어보신 것을 볼 수 있어요."
_SENT_TOO = " 앞으로 답도 함께 보내 드릴게요."
_WRONG = "그 숫자로는 연결할 수 없어요. 가족에게 새 숫자를 물어봐 주세요."
_TOO_MANY = "잘못된 숫자를 너무 많이 보내셨어요. 한 시간 뒤에 다시 해 주세요."
_OWN = "이 숫자는 가족이 보내야 해요. 가족에게 알려 주세요."
_ENDED = "네, 가족과의 연결을 끊었어요. 이제 가족은 볼 수 없어요."
_NOBODY = "지금 연결된 가족이 없어요."
_NOTHING_ASKED = "아직 물어보신 것이 없어요."

_DIGITS = "영일이삼사오육칠팔구"
_WHO = (
    "(?:우리|제|내)?(?:가족|딸|아들|며느리|사위|자식|자녀|손자|손녀|보호자|엄마|어머니|아빠|아버지|부모님)"
    "(?:들)?(?:이랑|랑|하고|과의|와의|과|와|한테|에게|을|를|의)?"
)
_DO = (
    "(?:좀|를|을|이|하고|싶어요?|싶은데요?|할게요?|할래요?|할|수|있는|해|줘요?|주세요|알려|불러|만들어"
    "|시켜|받을래요?)*"
)
_ASKS_CODE = re.compile(f"{_WHO}(?:연결|등록){_DO}(?:번호|숫자|코드)?{_DO}")
_ENDS = re.compile(
    f"{_WHO}(?:연결|등록)(?:된것|한것)?(?:을|를|좀)?(?:끊|해제|취소|그만|풀|없애|빼|지워).{{0,12}}"
)
_LOOKS = re.compile(
    "(?:우리)?(?:가족|엄마|어머니|어머님|아빠|아버지|아버님|할머니|할아버지|부모님)(?:께서|이|가|은|는)?"
    "(?:요즘|오늘|어제|최근에)?(?:뭐|뭘|무엇을|어떤것을|무슨질문을)?(?:를|을)?"
    "(?:물어|여쭤|질문)(?:봤|보셨|했|하셨|본|보신|한|하신).{0,12}"
)
_CODE = re.compile(r"\d{6}")


def respond(
    sessions: sessionmaker[Session], channel: str, address: str, text: str
) -> Answer | None:
    """Return the answer to what `address` asks about family links; None where it is nothing such.

    May be called again for the same turn: a link is made once, and said again.
    """
    plain = squeeze(text)
    code = _CODE.fullmatch(re.sub(r"[\s.,-]", "", text))
    act = act_of(text)
    if not (code or act in (Act.YES, Act.NO) or any(p.fullmatch(plain) for p in _PATTERNS)):
        return None
    with sessions() as session:
        start_write(session)
        identity = identity_of(session, channel, address)
        answer = _answer(session, identity, plain, code.group() if code else "", act)
        session.commit()
        return answer


def share(session: Session, turn: Turn) -> int:
    """Let linked family members receive the delivered answer of `turn`; return how many.

    Their copies are turns of their own, in the same transaction, and delivered like any other.
    """
    if turn.failure or turn.outcome != Outcome.ANSWERED or turn.act or not wants_video(turn):
        return 0
    links = session.scalars(
        select(FamilyLink).where(
            FamilyLink.senior_id == turn.identity.person_id,
            FamilyLink.ended_at.is_(None),
            FamilyLink.receives.is_(True),
        )
    ).all()
    for link in links:
        begin_turn(session, _copy_for(turn, link.identity), lambda copy: _fill(copy, turn))
    return len(links)


def _copy_for(turn: Turn, identity: Identity) -> InboundMessage:
    return InboundMessage(
        channel=identity.channel,
        key=f"family:{turn.key}:{identity.id}",
        sender=identity.address,
        kind="text",
        text=f"(가족이 물어봤어요) {turn.text}",
    )


def _fill(copy: Turn, turn: Turn) -> None:
    for name in (
        "outcome", "answer", "lines", "article_id", "article_title", "source_name", "source_url",
        "checked", "score", "contact_name", "contact_number", "speech_id", "timings_id",
        "video_id", "poster_id",
    ):  # fmt: skip
        setattr(copy, name, getattr(turn, name))
    copy.act = SEEN
    copy.state = State.RENDERED


def _answer(
    session: Session, identity: Identity, plain: str, code: str, act: Act | None
) -> Answer | None:
    person = identity.person_id
    if code:
        return _redeem(session, identity, code)
    if act in (Act.YES, Act.NO):
        return _decide(session, person, act is Act.YES)
    if _ENDS.fullmatch(plain):
        return _end(session, person)
    if _LOOKS.fullmatch(plain):
        return _show(session, person)
    return _give(session, person)


def _give(session: Session, person: int) -> Answer:
    """Give out a new code; older ones of the same senior are worth nothing any more."""
    moment = now()
    for old in session.scalars(
        select(FamilyCode).where(FamilyCode.senior_id == person, FamilyCode.used_at.is_(None))
    ):
        old.expires_at = min(old.expires_at, moment)
    digits = f"{secrets.randbelow(1_000_000):06d}"
    session.add(
        FamilyCode(
            senior_id=person, digest=_digest(digits), wording=WORDING, expires_at=moment + GOOD_FOR
        )
    )
    said = " ".join(_DIGITS[int(digit)] for digit in digits[:3])
    said += ", " + " ".join(_DIGITS[int(digit)] for digit in digits[3:])
    lines = (f"가족 연결 숫자: {digits[:3]} {digits[3:]}", "10분 동안 쓸 수 있어요")
    return Answer(Outcome.CLARIFIED, TOLD.format(digits=said), act=CODE, lines=lines)


def _decide(session: Session, person: int, receives: bool) -> Answer | None:
    """Take the answer to the question that came with a code, if that was the last thing said."""
    last = session.scalar(
        select(Turn.act)
        .join(Conversation)
        .where(Conversation.person_id == person, Turn.act != "")
        .where(Turn.answer != "")
        .order_by(Turn.id.desc())
        .limit(1)
    )
    code = session.scalar(
        select(FamilyCode)
        .where(FamilyCode.senior_id == person, FamilyCode.created_at > now() - GOOD_FOR)
        .order_by(FamilyCode.id.desc())
        .limit(1)
    )
    if last != CODE or code is None:
        return None
    code.receives = receives
    for link in session.scalars(select(FamilyLink).where(FamilyLink.code_id == code.id)):
        link.receives = receives
    text = _WILL_SEND if receives else _WILL_NOT
    return Answer(Outcome.CLARIFIED, text, act="family_consent", lines=(text,))


def _redeem(session: Session, identity: Identity, digits: str) -> Answer:
    moment = now()
    if _tries(session, identity.person_id) >= OWN_TRIES or _tries(session) >= ALL_TRIES:
        return _said(_TOO_MANY)
    code = session.scalar(
        select(FamilyCode)
        .where(FamilyCode.digest == _digest(digits), FamilyCode.expires_at > moment)
        .order_by(FamilyCode.id.desc())
        .limit(1)
        .with_for_update()
    )
    link = code and session.scalar(select(FamilyLink).where(FamilyLink.code_id == code.id))
    if code is None or (link and link.member_id != identity.person_id):
        session.add(FamilyTry(person_id=identity.person_id))
        return _said(_WRONG)
    if code.senior_id == identity.person_id:
        return _said(_OWN)
    if link is None:
        code.used_at = moment
        for old in session.scalars(_going(code.senior_id, identity.person_id)):
            old.ended_at = moment
        session.add(
            FamilyLink(
                senior_id=code.senior_id,
                member_id=identity.person_id,
                identity_id=identity.id,
                code_id=code.id,
                receives=bool(code.receives),
            )
        )
    return _said(_LINKED + (_SENT_TOO if code.receives else ""))


def _end(session: Session, person: int) -> Answer:
    """End every link of a person, whichever side they are on."""
    links = session.scalars(
        select(FamilyLink).where(
            (FamilyLink.senior_id == person) | (FamilyLink.member_id == person),
            FamilyLink.ended_at.is_(None),
        )
    ).all()
    for link in links:
        link.ended_at = now()
    return _said(_ENDED if links else _NOBODY, UNLINK)


def _show(session: Session, person: int) -> Answer:
    """Show what the linked seniors asked lately."""
    seniors = select(FamilyLink.senior_id).where(
        FamilyLink.member_id == person, FamilyLink.ended_at.is_(None)
    )
    if session.scalar(seniors.limit(1)) is None:
        return _said(_NOBODY)
    turns = session.scalars(
        select(Turn)
        .join(Conversation)
        .where(Conversation.person_id.in_(seniors))
        .where(Turn.outcome == Outcome.ANSWERED, Turn.act == "")
        .order_by(Turn.id.desc())
        .limit(SHOWN)
    ).all()
    if not turns:
        return _said(_NOTHING_ASKED)
    text = " ".join(f"{turn.text.rstrip('.?!')}. {turn.answer}" for turn in turns)
    lines = tuple(f"{turn.article_title or turn.text}: {_first(turn.lines)}" for turn in turns)
    return Answer(Outcome.ANSWERED, text, act=SEEN, lines=lines)


def _first(lines: list[str]) -> str:
    return lines[0] if lines else ""


def _said(text: str, act: str = "family") -> Answer:
    return Answer(Outcome.CLARIFIED, text, act=act, lines=(text,))


def _going(senior: int, member: int) -> Select[FamilyLink]:
    return select(FamilyLink).where(
        FamilyLink.senior_id == senior,
        FamilyLink.member_id == member,
        FamilyLink.ended_at.is_(None),
    )


def _tries(session: Session, person: int | None = None) -> int:
    since: datetime = now() - timedelta(hours=1)
    query = select(func.count()).select_from(FamilyTry).where(FamilyTry.at > since)
    if person is not None:
        query = query.where(FamilyTry.person_id == person)
    return int(session.scalar(query) or 0)


def _digest(digits: str) -> str:
    return hashlib.sha256(f"silverline.family:{digits}".encode()).hexdigest()


_PATTERNS = (_ASKS_CODE, _ENDS, _LOOKS)
