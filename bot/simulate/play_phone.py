"""A telephone call played against a running server, and what the caller got of it."""

from __future__ import annotations

import queue
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import requests

from bot.settings import Settings
from bot.simulate.phone import FakePhone, Heard, Live, PhoneCall, answers
from bot.simulate.play import SimulationError, Tell, local_port, reached
from bot.simulate.twilio import Sent


@dataclass
class PlayedCall:
    """What came of a call: its timeline, seconds to each answer, messages, broken rules."""

    sid: str
    answer_seconds: list[float] = field(default_factory=list)
    stop_seconds: list[float] = field(default_factory=list)
    """From the beginning of speech over an answer to its silence."""
    gap_seconds: list[float] = field(default_factory=list)
    questions: int = 0
    messages: list[str] = field(default_factory=list)
    left_with_vendor: int = 0
    broken: list[str] = field(default_factory=list)
    timeline: list[Heard] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Say whether every question was answered and no rule was broken."""
        return len(self.answer_seconds) >= self.questions and not self.broken

    def as_json(self) -> dict[str, Any]:
        """Return the fields, and `ok`, for programs."""
        return {"ok": self.ok, **asdict(self)}


def play_phone(
    settings: Settings,
    server: str,
    moves: Sequence[Path | str],
    seconds: float,
    tell: Tell,
    decline: bool = False,
    live: Live | None = None,
    sound: Path | None = None,
) -> PlayedCall:
    """Call and go through `moves` (`bot.simulate.phone`); wait up to `seconds` for a message.

    `live` plays streams; what was said and heard in them is written to `sound` as stereo.
    """
    twilio = settings.twilio
    if not (twilio.enabled and twilio.phone_enabled):
        raise SimulationError("The telephone line is off. Set twilio.phone_enabled.")
    port = local_port(twilio.api_url, "twilio.api_url")
    token = twilio.auth_token.get_secret_value()
    with FakePhone(twilio.account_sid, token, settings.app.public_url, port) as vendor:
        call = PhoneCall(vendor, server, moves, decline, live=live)
        forged = reached(lambda: _forged(vendor, call, server), server)
        vendor.book.expect(
            forged.status_code == 403, f"a forged signature got {forged.status_code}"
        )
        call.play()
        played = PlayedCall(call.sid, list(answers(call.timeline)), timeline=call.timeline)
        played.questions = sum(entry.event == "speak" for entry in call.timeline)
        if call.stream is not None:
            measured = call.stream.measured
            played.answer_seconds += measured.answers
            played.stop_seconds, played.gap_seconds = measured.stops, measured.gaps
            if sound is not None:
                call.stream.write(sound)
        if twilio.sms_from and played.answer_seconds:
            tell("the call is over; waiting for the text message …")
            played.messages = _messages(vendor.arrived, seconds)
        played.left_with_vendor = len(vendor.recordings)
        played.broken = vendor.book.broken
    return played


def _forged(vendor: FakePhone, call: PhoneCall, server: str) -> requests.Response:
    form = {"CallSid": call.sid, "AccountSid": vendor.account_sid, "From": call.caller}
    return vendor.post("/twilio/voice", form, server, "forged")


def _messages(arrived: queue.Queue[Sent], seconds: float) -> list[str]:
    """Return the messages that come until two quiet seconds after the first, or the end."""
    found: list[str] = []
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            found.append(arrived.get(timeout=min(left, 2.0) if found else left).fields["Body"])
        except queue.Empty:
            break
    return found
