"""Judging turns, the queue of those that deserve a look, and who looks at which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from bot.admin.filters import CONSOLE, EMERGENCY
from bot.conversation.accounts import Account
from bot.conversation.casework import Case, Remark
from bot.conversation.models import ENDS, Conversation, State, Turn
from bot.conversation.reviews import Review, Verdict
from bot.knowledge.mask import mask

LOW_SCORE = 0.5
ROWS = 30
MOST_LETTERS = 2000


@dataclass
class Work:
    """What was done about a turn: its reviews, newest first, remarks, and who is to look."""

    reviews: list[Review] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    case: Case | None = None


def queue(session: Session, before: int | None = None, rows: int = ROWS) -> tuple[list[Turn], bool]:
    """Return turns that deserve a look and had none, the newest first, and whether more follow."""
    reviewed = select(Review.id).where(Review.turn_id == Turn.id).exists()
    resolved = (
        select(Case.id).where(Case.turn_id == Turn.id, Case.resolved_at.is_not(None)).exists()
    )
    query = (
        select(Turn)
        .join(Turn.conversation)
        .where(
            Turn.state.in_(ENDS),
            Conversation.channel != CONSOLE,
            or_(
                Turn.outcome.in_(("refused", "not_heard", "failed")),
                Turn.failure > "",
                Turn.state == State.FAILED,
                Turn.act == EMERGENCY,
                Turn.helpful.is_(False),
                and_(Turn.outcome == "answered", Turn.score < LOW_SCORE),
                _asked_again(),
            ),
            ~reviewed,
            ~resolved,
        )
        .options(joinedload(Turn.conversation))
        .order_by(Turn.id.desc())
        .limit(rows + 1)
    )
    if before is not None:
        query = query.where(Turn.id < before)
    found = list(session.scalars(query))
    return found[:rows], len(found) > rows


def mine(session: Session, account: Account) -> list[Case]:
    """Return the open cases of `account`, the oldest first."""
    query = (
        select(Case)
        .where(Case.assignee_id == account.id, Case.resolved_at.is_(None))
        .options(joinedload(Case.turn).joinedload(Turn.conversation))
        .order_by(Case.opened_at)
    )
    return list(session.scalars(query))


def reasons(turn: Turn) -> list[str]:
    """Return why `turn` is in the queue, the gravest first."""
    found = []
    if turn.act == EMERGENCY:
        found.append("emergency")
    if turn.failure or turn.state is State.FAILED:
        found.append("failed")
    if turn.outcome in ("refused", "not_heard"):
        found.append(turn.outcome)
    if turn.helpful is False:
        found.append("bad_rating")
    if turn.outcome == "answered" and turn.score is not None and turn.score < LOW_SCORE:
        found.append("low_score")
    return found or ["asked_again"]


def judge(
    session: Session,
    turn: Turn,
    account: Account,
    verdict: Verdict,
    text: str,
    comment: str,
    article_id: str = "",
) -> Review:
    """Add a review of `turn`; personal numbers in `text` and `comment` are masked."""
    corrected = mask(text.strip()[:MOST_LETTERS])
    made = Review(
        turn_id=turn.id,
        account_id=account.id,
        verdict=verdict,
        text="" if corrected == turn.text else corrected,
        article_id=article_id,
        comment=mask(comment.strip()[:MOST_LETTERS]),
    )
    session.add(made)
    session.flush()
    return made


def assign(session: Session, turn: Turn, by: Account, to: Account | None, at: datetime) -> Case:
    """Have `to` look at `turn`, or whoever has time; a resolved case is open again."""
    case = session.scalar(select(Case).where(Case.turn_id == turn.id))
    if case is None:
        case = Case(turn_id=turn.id, opened_by_id=by.id, opened_at=at)
        session.add(case)
    case.assignee_id = to.id if to else None
    case.resolved_at = case.resolved_by_id = None
    return case


def resolve(session: Session, turn: Turn, by: Account, at: datetime) -> None:
    """Write down that nothing more is to be done about `turn`."""
    case = session.scalar(select(Case).where(Case.turn_id == turn.id))
    case = case or assign(session, turn, by, by, at)
    case.resolved_at, case.resolved_by_id = at, by.id


def remark(session: Session, turn: Turn, by: Account, text: str, at: datetime) -> None:
    """Say something about `turn` to those who work on it; personal numbers are masked."""
    said = mask(text.strip()[:MOST_LETTERS])
    session.add(Remark(turn_id=turn.id, account_id=by.id, text=said, created_at=at))


def work_on(session: Session, turns: Iterable[Turn]) -> dict[int, Work]:
    """Return what was done about each turn by its id."""
    found = {turn.id: Work() for turn in turns}
    reviews = select(Review).where(Review.turn_id.in_(found)).options(joinedload(Review.account))
    for review in session.scalars(reviews.order_by(Review.id.desc())):
        found[review.turn_id].reviews.append(review)
    remarks = select(Remark).where(Remark.turn_id.in_(found)).options(joinedload(Remark.account))
    for said in session.scalars(remarks.order_by(Remark.id)):
        found[said.turn_id].remarks.append(said)
    cases = (
        select(Case)
        .where(Case.turn_id.in_(found))
        .options(joinedload(Case.assignee), joinedload(Case.resolved_by))
    )
    for case in session.scalars(cases):
        found[case.turn_id].case = case
    return found


def colleagues(session: Session) -> Sequence[Account]:
    """Return the accounts that a case may be given to."""
    query = select(Account).where(Account.disabled.is_(False)).order_by(Account.email)
    return session.scalars(query).all()


def _asked_again() -> ColumnElement[bool]:
    """Whether the question before it in its conversation was the same, or led to the same."""
    earlier = aliased(Turn)
    same = or_(
        and_(earlier.text == Turn.text, Turn.text > ""),
        and_(
            earlier.article_id == Turn.article_id, Turn.article_id > "", Turn.outcome == "answered"
        ),
    )
    return (
        select(earlier.id)
        .where(
            earlier.conversation_id == Turn.conversation_id,
            earlier.number == Turn.number - 1,
            earlier.act == "",
            Turn.act == "",
            same,
        )
        .exists()
    )
