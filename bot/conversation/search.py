"""Finding turns by any part of a word: an index of pairs of letters, kept beside the turns.

A part of a word is in a text only where every two letters that follow each other in it are. So the
index holds the pairs of each word of a question and its answer; what it finds is then compared in
full. SQLite keeps it in an FTS5 table, PostgreSQL in a `tsvector`: neither needs an extension, and
both find words of two syllables, which an index of three letters cannot.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Integer, String, bindparam, event, inspect, text
from sqlalchemy.orm import Mapper, Session

from bot.conversation.models import Turn

MOST_LETTERS = 4000
"""Of a turn; what comes after is not found."""

PORTION = 2000

_SQLITE = (
    "CREATE VIRTUAL TABLE turn_search USING fts5(pairs, detail=none, columnsize=0)",
    # A deleted turn is gone from here too, whoever deletes it.
    "CREATE TRIGGER turn_search_forgets AFTER DELETE ON turns "
    "BEGIN DELETE FROM turn_search WHERE rowid = OLD.id; END",
)
_POSTGRESQL = (
    "CREATE TABLE turn_search (turn_id integer PRIMARY KEY REFERENCES turns (id) "
    "ON DELETE CASCADE, pairs tsvector NOT NULL)",
    "CREATE INDEX ix_turn_search_pairs ON turn_search USING gin (pairs)",
)
_PUT = {
    "sqlite": "INSERT INTO turn_search (rowid, pairs) VALUES (:id, :pairs)",
    "postgresql": "INSERT INTO turn_search (turn_id, pairs) "
    "VALUES (:id, array_to_tsvector(string_to_array(:pairs, ' ')))",
}
_DROP = {
    "sqlite": "DELETE FROM turn_search WHERE rowid = :id",
    "postgresql": "DELETE FROM turn_search WHERE turn_id = :id",
}
_FIND = {
    "sqlite": "SELECT rowid FROM turn_search WHERE turn_search MATCH :query LIMIT :most",
    "postgresql": "SELECT turn_id FROM turn_search "
    "WHERE pairs @@ CAST(:query AS tsquery) LIMIT :most",
}
_TURNS = text(
    "SELECT id, text, answer FROM turns WHERE id > :last AND (text <> '' OR answer <> '') "
    "ORDER BY id LIMIT :most"
)


def tables(dialect: str) -> tuple[str, ...]:
    """Return the statements that make the index on the database `dialect`."""
    return _SQLITE if dialect == "sqlite" else _POSTGRESQL


def pairs(said: str) -> str:
    """Return the pairs of letters in `said` as words that every database takes as they are."""
    found = {}
    for one in said[:MOST_LETTERS].lower().split():
        for first, second in zip(one, [*one[1:], ""], strict=True):
            found[_pair(first, second)] = True
    return " ".join(found)


def candidates(session: Session, parts: Iterable[str], most: int) -> list[int] | None:
    """Return the ids of turns that may hold all `parts`; None where more than `most` do."""
    dialect = session.get_bind().dialect.name
    wanted: dict[str, bool] = {}
    for part in parts:
        letters = part.lower()
        if len(letters) == 1:
            begin = _pair(letters, "")
            wanted[f"{begin}*" if dialect == "sqlite" else f"{begin}:*"] = True
        for first, second in zip(letters, letters[1:], strict=False):
            wanted[_pair(first, second)] = True
    joiner = " AND " if dialect == "sqlite" else " & "
    # Written into the statement: a plan that PostgreSQL keeps for whatever is looked for does not
    # know what is rare and reads the whole table.
    query = bindparam("query", joiner.join(wanted), String, literal_execute=True)
    limit = bindparam("most", most + 1, Integer, literal_execute=True)
    found = list(session.scalars(text(_FIND[dialect]).bindparams(query, limit)))
    return None if len(found) > most else found


def rebuild(connection: Connection) -> int:
    """Index every turn that has words and return how many; an index that is there is emptied."""
    put = text(_PUT[connection.dialect.name])
    connection.execute(text("DELETE FROM turn_search"))
    done = last = 0
    while rows := connection.execute(_TURNS, {"last": last, "most": PORTION}).all():
        values = [{"id": id_, "pairs": pairs(f"{asked} {told}")} for id_, asked, told in rows]
        connection.execute(put, values)
        done, last = done + len(values), rows[-1][0]
    return done


def _pair(first: str, second: str) -> str:
    return f"{ord(first):x}x{ord(second):x}" if second else f"{ord(first):x}x"


def _index(mapper: Mapper[Any], connection: Connection, turn: Turn) -> None:
    """Keep the index in the transaction that changes what was asked or answered."""
    state = inspect(turn)
    if not (state.attrs.text.history.has_changes() or state.attrs.answer.history.has_changes()):
        return
    dialect = connection.dialect.name
    connection.execute(text(_DROP[dialect]), {"id": turn.id})
    if turn.text or turn.answer:
        values = {"id": turn.id, "pairs": pairs(f"{turn.text} {turn.answer}")}
        connection.execute(text(_PUT[dialect]), values)


event.listen(Turn, "after_insert", _index)
event.listen(Turn, "after_update", _index)
