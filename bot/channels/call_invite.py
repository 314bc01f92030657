"""Invitations to a video call: the link of a person, and the text message that carries it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import phonenumbers
from requests import RequestException
from sqlalchemy import select
from sqlalchemy.orm import Session
from twilio.base.exceptions import TwilioException, TwilioRestException

from bot.channels.links import Links
from bot.channels.phone_calls import NAME as PHONE
from bot.channels.phone_calls import takes_messages
from bot.channels.twilio_client import rest_client
from bot.conversation.database import sessions, start_write
from bot.conversation.delivery import DeliveryError
from bot.conversation.models import Identity, Person
from bot.settings import Settings

WORDS = "[실버라인] 얼굴 보며 상담하기\n{link}\n누르면 AI 상담사가 나와요. 설치는 필요 없어요."


class InviteError(Exception):
    """Nobody can be invited so; the message says why and what to do."""


class Inviter:
    """Makes and sends links to video calls."""

    def __init__(self, settings: Settings) -> None:
        if not settings.call.enabled:
            raise InviteError("Video calls are off. Set call.enabled.")
        self._settings = settings
        self._sessions = sessions(settings)

    def known(self, person: int) -> int:
        """Return `person`; InviteError where there is nobody of that number."""
        with self._sessions() as session:
            if session.get(Person, person) is None:
                raise InviteError(f"There is no person {person}. The console shows the numbers.")
        return person

    def person(self, phone: str) -> int:
        """Return the person with the telephone number `phone`, made where it is new."""
        try:
            parsed = phonenumbers.parse(phone, "KR")
        except phonenumbers.NumberParseException as error:
            raise InviteError(f"{phone!r} is no telephone number.") from error
        if not phonenumbers.is_possible_number(parsed):
            raise InviteError(f"{phone!r} is no telephone number.")
        address = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        with self._sessions() as session:
            start_write(session)
            found = _by_number(session, address)
            if found is None:
                found = Person(identities=[Identity(channel=PHONE, address=address)])
                session.add(found)
            session.commit()
            return found.id

    def link(self, person: int, hours: int | None = None) -> str:
        """Return the address with which `person` calls, good for `hours`."""
        return Links.of(self._settings).call(person, hours or self._settings.call.link_hours)

    def send(self, person: int, link: str) -> str:
        """Send `link` as a text message from `twilio.sms_from`; return the vendor's name of it.

        InviteError where the person has no mobile number; DeliveryError where it is not taken.
        """
        twilio = self._settings.twilio
        if not (twilio.enabled and twilio.sms_from):
            raise InviteError(
                "No text message can be sent. Set twilio.enabled and twilio.sms_from."
            )
        with self._sessions() as session:
            addresses = session.scalars(
                select(Identity.address).where(
                    Identity.person_id == person, Identity.channel == PHONE
                )
            ).all()
        number = next((one for one in addresses if takes_messages(one)), None)
        if number is None:
            raise InviteError(f"Person {person} has no mobile number. Send the link another way.")
        by = "messaging_service_sid" if twilio.sms_from.startswith("MG") else "from_"
        try:
            message = self._client.messages.create(
                to=number, body=WORDS.format(link=link), **{by: twilio.sms_from}
            )
        except TwilioRestException as error:
            raise DeliveryError(f"Twilio refused it: {error.code} {error.msg}", True) from error
        except (RequestException, TwilioException) as error:
            raise DeliveryError(f"Twilio was not reached: {type(error).__name__}", False) from error
        return str(message.sid)

    @cached_property
    def _client(self) -> Any:
        return rest_client(self._settings.twilio)


def _by_number(session: Session, address: str) -> Person | None:
    """Return who has the number, on the telephone or on WhatsApp."""
    return session.scalar(
        select(Person)
        .join(Identity)
        .where(Identity.address.in_((address, f"whatsapp:{address}")))
        .order_by(Identity.id)
        .limit(1)
    )
