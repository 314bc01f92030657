"""Finding conversations: the latest first, in pages by key, by any part of a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, load_only

from bot.admin.filters import FLAGS, Filters, flags_of
from bot.conversation.models import Conversation, Turn
from bot.conversation.search import candidates

ROWS = 30
SLOW_SECONDS = 30.0

FEW = 4000
"""A search that the index narrows to so many turns compares just these. A word in more of them is
so common that going through the latest conversations finds a page of it sooner."""

NEAR = 1500
"""So many of the latest conversations are gone through for what other filters ask, since a page of
it is mostly among them; what is rarer is quickly found by the filters' own indexes."""

FIRST_STEP, LONGEST_STEP = 300, 10_000
"""Conversations that are gone through at a time."""


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation in the list: the turn that was looked for, or its first."""

    conversation: Conversation
    turns: int
    shown: Turn | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, the latest activity first; `after` asks for the next page, empty on the last."""

    rows: tuple[Row, ...]
    after: str


def find(
    session: Session,
    filters: Filters,
    after: str = "",
    rows: int = ROWS,
    slow_seconds: float = SLOW_SECONDS,
) -> Page:
    """Return the page of conversations that begins after the key `after`."""
    conditions = filters.turns(slow_seconds)
    wanted = conditions + filters.words()
    found: Sequence[Conversation] | None = None
    if filters.pieces:
        found = _of_words(session, filters, conditions, after, rows + 1)
    elif wanted and not filters.flag:
        found = _walk(session, filters, wanted, after, rows + 1, NEAR)
    if found is None:
        query = _latest(filters, after).limit(rows + 1)
        if wanted:
            query = query.where(Conversation.id.in_(select(Turn.conversation_id).where(*wanted)))
        found = session.scalars(query).all()
    shown = found[:rows]
    made = _rows(session, shown, wanted, slow_seconds)
    return Page(made, _key(shown[-1]) if len(found) > rows else "")


def pulse(session: Session) -> str:
    """Return a word that changes when the list would: what a page asks to learn of news."""
    newest = session.execute(
        select(func.max(Conversation.last_activity_at), func.max(Conversation.id))
    ).one()
    turn = session.execute(
        select(Turn.id, Turn.state).order_by(Turn.id.desc()).limit(1)
    ).one_or_none()
    return (
        f"{newest[0].isoformat()}-{newest[1]}-{turn[0]}-{turn[1].value}"
        if newest[0] and turn
        else "0"
    )


def _latest(filters: Filters, after: str) -> Select[Conversation]:
    query = (
        select(Conversation)
        .where(*filters.conversations())
        .order_by(Conversation.last_activity_at.desc(), Conversation.id.desc())
    )
    key = _read_key(after)
    if key:
        earlier = Conversation.last_activity_at < key[0]
        same = and_(Conversation.last_activity_at == key[0], Conversation.id < key[1])
        query = query.where(or_(earlier, same))
    return query


def _of_words(
    session: Session,
    filters: Filters,
    conditions: list[ColumnElement[bool]],
    after: str,
    rows: int,
) -> Sequence[Conversation] | None:
    """Return up to `rows` conversations with the words; None where `conditions` find them sooner.

    A page of what is common is among the latest conversations; of what is rare the index knows all.
    """
    wanted = conditions + filters.words()
    if not filters.flag:
        found = _walk(session, filters, wanted, after, rows, FIRST_STEP)
        if found is not None:
            return found
    ids = candidates(session, filters.pieces, FEW)
    if ids is None:
        most = NEAR if conditions else None
        return None if filters.flag else _walk(session, filters, wanted, after, rows, most)
    # Two queries, each by key: as one, a database may read the whole table for a few turns.
    holding = select(Turn.conversation_id).where(Turn.id.in_(ids), *wanted)
    own = set(session.scalars(holding)) if ids else set()
    if not own:
        return []
    query = _latest(filters, after).where(Conversation.id.in_(own))
    return session.scalars(query.limit(rows)).all()


def _walk(
    session: Session,
    filters: Filters,
    wanted: list[ColumnElement[bool]],
    after: str,
    rows: int,
    most: int | None,
) -> list[Conversation] | None:
    """Go through the conversations from the latest on until `rows` are found.

    None where `most` of them did not hold so many, and there are more.
    """
    found: list[Conversation] = []
    step, seen = FIRST_STEP, 0
    while len(found) < rows:
        if most is not None and seen >= most:
            return None
        portion = session.scalars(_latest(filters, after).limit(step)).all()
        own = Turn.conversation_id.in_([one.id for one in portion])
        ids = set(session.scalars(select(Turn.conversation_id).where(own, *wanted)))
        found += [one for one in portion if one.id in ids]
        if len(portion) < step:
            break
        after, seen, step = _key(portion[-1]), seen + step, min(4 * step, LONGEST_STEP)
    return found[:rows]


def _rows(
    session: Session,
    found: Sequence[Conversation],
    wanted: list[ColumnElement[bool]],
    slow_seconds: float,
) -> tuple[Row, ...]:
    ids = [conversation.id for conversation in found]
    of_page = (
        select(Turn)
        .where(Turn.conversation_id.in_(ids))
        .order_by(Turn.number)
        # The words and the runners-up of a turn are long, and not shown in a list.
        .options(load_only(*_SHOWN))
    )
    turns: dict[int, list[Turn]] = {}
    for turn in session.scalars(of_page):
        turns.setdefault(turn.conversation_id, []).append(turn)
    matching: dict[int, Turn] = {}
    if wanted:
        for turn in session.scalars(of_page.where(*wanted)):
            matching.setdefault(turn.conversation_id, turn)
    rows = []
    for conversation in found:
        own = turns.get(conversation.id, [])
        shown = matching.get(conversation.id) or next(iter(own), None)
        raised = {flag for turn in own for flag in flags_of(turn, slow_seconds)}
        flags = tuple(flag for flag in FLAGS if flag in raised)
        rows.append(Row(conversation, len(own), shown, flags))
    return tuple(rows)


_SHOWN = (
    Turn.conversation_id,
    Turn.number,
    Turn.state,
    Turn.text,
    Turn.outcome,
    Turn.article_title,
    Turn.act,
    Turn.failure,
    Turn.unheard,
    Turn.seconds,
    Turn.helpful,
)


def _key(conversation: Conversation) -> str:
    return f"{conversation.last_activity_at.isoformat()}_{conversation.id}"


def _read_key(text: str) -> tuple[datetime, int] | None:
    """Return the moment and id of a key, or None where it is none: the first page then."""
    moment, _, number = text.rpartition("_")
    try:
        return datetime.fromisoformat(moment).astimezone(UTC), min(int(number), 2**31 - 1)
    except (ValueError, OverflowError):
        return None
