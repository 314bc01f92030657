"""What is kept of video calls: the call, what was agreed, pictures, and the end."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

import cv2
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from bot.calls.offers import Offer
from bot.calls.summary import summarise
from bot.channels.call import CHANNEL, address_of, turns_of
from bot.conversation.asked import HOLD, VIDEO
from bot.conversation.calls import Call, CallPicture, Consent, RecordingConsent
from bot.conversation.columns import now
from bot.conversation.database import enqueue_on_commit, start_write
from bot.conversation.files import FileStore
from bot.conversation.models import ENDS, Identity, Person, Turn
from bot.conversation.turn import queue_of
from bot.live.transport import Caller
from media.types import Frame

MODE = "video"
WORDING = "call-2026-11-2"
"""The version of the notice on the call's page; it changes with the page's words."""
HOLD_FOR = timedelta(minutes=45)
"""Videos are made after a call; where its end is never told, after so long."""
MOST_VIDEOS = 3
"""Answers of one call of which a video is made, the newest."""
QUALITY = 80


class NobodyError(Exception):
    """The person whom a link was made for is not known any more."""


class Records:
    """Keeps calls in the database and pictures in the file store."""

    def __init__(
        self, sessions: sessionmaker[Session], files: FileStore, ways: Collection[str] = ()
    ) -> None:
        """`ways` are the channels on which a summary may be sent after a call."""
        self._sessions, self._files, self._ways = sessions, files, ways

    def begin(self, person: str, key: str, offer: Offer) -> Caller:
        """Store that a call begins and what was agreed to; NobodyError where nobody calls."""
        with self._sessions() as session:
            identity = _identity(session, int(person))
            start_write(session)
            row = Call(sid=key, identity_id=identity.id, mode=MODE)
            session.add(row)
            session.flush()
            session.add(
                RecordingConsent(
                    person_id=identity.person_id,
                    call_id=row.id,
                    channel=CHANNEL,
                    wording=WORDING,
                    answer=Consent.AGREED if offer.record else Consent.REFUSED,
                    means="button",
                )
            )
            session.commit()
            asked = {"call": key, HOLD: (now() + HOLD_FOR).isoformat()}
            return Caller(CHANNEL, identity.address, key, offer.record, asked)

    def picture(self, key: str, frame: Frame) -> None:
        """Keep a picture (height, width, 3) RGB of the caller, who agreed to that."""
        done, data = cv2.imencode(".jpg", frame[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if not done:
            return
        stored = self._files.put(data.tobytes(), "image/jpeg")
        with self._sessions() as session:
            start_write(session)
            row = session.scalar(select(Call).where(Call.sid == key))
            if row is None:
                session.rollback()
                self._files.delete(stored.key)
                return
            session.add(CallPicture(call_id=row.id, file=stored.record("picture")))
            session.commit()

    def end(self, key: str, ending: str) -> None:
        """Store that a call is over, sum it up, let the videos of its newest answers be made."""
        with self._sessions() as session:
            start_write(session)
            row = session.scalar(select(Call).where(Call.sid == key).with_for_update())
            if row is None:
                session.rollback()
                return
            row.status = ending[:20]
            turns = turns_of(session, key)
            if row.ended_at is None:
                row.ended_at = now()
                summarise(session, row, turns, self._ways)
            kept = {t.article_id: t.id for t in turns if t.outcome == "answered" and t.article_id}
            worth = set(sorted(kept.values())[-MOST_VIDEOS:])
            for turn in turns:
                _release(session, turn, turn.id in worth)
            session.commit()


def _release(session: Session, turn: Turn, video: bool) -> None:
    if turn.state in ENDS:
        return
    asked = {name: value for name, value in turn.reply_to.items() if name != HOLD}
    turn.reply_to = asked if video or not turn.outcome else asked | {VIDEO: "no"}
    if not turn.lease_owner:
        turn.retry_at = None
        turn.queued_at = now()
        enqueue_on_commit(session, turn.id, queue_of(turn))


def _identity(session: Session, person: int) -> Identity:
    """Return the person's identity on this channel, made and committed where it is new."""
    address = address_of(person)
    wanted = select(Identity).where(Identity.channel == CHANNEL, Identity.address == address)
    for _ in range(3):
        found = session.scalar(wanted)
        if found is not None:
            session.rollback()
            return found
        session.rollback()
        start_write(session)
        if session.get(Person, person) is None:
            session.rollback()
            raise NobodyError(address)
        session.add(Identity(person_id=person, channel=CHANNEL, address=address))
        try:
            session.commit()
        except IntegrityError:
            # Another call of the same person made it first.
            session.rollback()
    raise NobodyError(address)
