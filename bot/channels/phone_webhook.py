"""Twilio's webhooks for the telephone line, recorded mode: question, hold, answer, again.

Every request has its step number `n`, and is kept once under the call's SID and that step: what
was told first is told again to a replay. No request waits for work: the caller hears the line hold
while a worker moves the turn.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import structlog
from flask import Blueprint, Response, abort, request
from sqlalchemy.orm import Session

from bot.channels import phone_calls as calls
from bot.channels.live_seats import promised
from bot.channels.phone_live import stream_url
from bot.channels.phone_prompts import Line, text_of
from bot.channels.phone_twiml import KEYS, Script
from bot.channels.services import services, session
from bot.channels.twilio_request import verify
from bot.channels.whatsapp_webhook import keep_status
from bot.conversation.calls import Call, Consent
from bot.conversation.inbox import note, remember
from bot.conversation.models import ENDS, InboundEvent, State, Turn
from bot.knowledge.dialogue import WORDS, Act, by_key
from bot.knowledge.types import Outcome
from bot.live.transport import After

blueprint = Blueprint("phone", __name__, url_prefix="/twilio/voice")
blueprint.before_request(verify)
log = structlog.get_logger(__name__)

NAME = calls.NAME
STILL_AFTER, STILL_EVERY = 6, 10
"""Polls of about a second until the caller is told that the search goes on, and between two."""

LATE_AFTER = 60
UNTOLD_AFTER = 5
"""So many polls are waited for the vendor's word that a recording is complete."""

MOST_MISSES = 3
OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})

Step = Callable[[Session, Call, Script], Script]


@blueprint.post("")
def incoming() -> Response:
    """Answer a new call with the recording notice."""
    return _once("incoming", lambda opened, call, script: script.notice(Line.NOTICE))


@blueprint.post("/notice")
def notice() -> Response:
    """Keep the answer to the notice, and ask for the question."""

    def step(opened: Session, call: Call, script: Script) -> Script:
        refused = bool(request.form.get("Digits", ""))
        answer = Consent.REFUSED if refused else Consent.AGREED
        calls.answer_notice(opened, call, answer, "key" if refused else "stayed")
        if refused:
            script.say(Line.NOT_KEPT)
        settings = services().settings
        token = promised(settings, call.sid)
        if token is not None:
            return script.stream(stream_url(settings, token))
        return script.say(Line.ASK).listen()

    return _once("notice", step)


@blueprint.post("/streamed")
def streamed() -> Response:
    """Go on after the live conversation: as it said, or recorded where it broke off.

    Where the line was cut the vendor may come before the conversation has written down its end.
    """

    def step(opened: Session, call: Call, script: Script) -> Script:
        match call.follows:
            case After.GOODBYE:
                return script.hang_up()
            case After.HUMAN:
                return script.go("human")
            case _:
                return script.say(Line.BROKEN).say(Line.ASK).listen()

    return _once("streamed", step)


@blueprint.post("/asked")
def asked() -> Response:
    """Take what was recorded as a question, or the key that ended it as a wish."""
    recording = request.form.get("RecordingUrl", "").rpartition("/")[2].partition(".")[0]
    digits = request.form.get("Digits", "")
    if recording and not calls.SID.fullmatch(recording):
        abort(HTTPStatus.BAD_REQUEST)

    def step(opened: Session, call: Call, script: Script) -> Script:
        silent = not recording or request.form.get("RecordingDuration") == "0"
        wish = bool(digits) and digits in KEYS
        if recording:
            word = calls.NO_QUESTION if wish or silent else calls.QUESTION
            note(opened, NAME, f"{call.sid}:{word}:{recording}", word, {})
        if wish:
            return _key(opened, call, script, digits)
        if silent:
            return script.go("silence", q=request.args.get("q", ""), misses=_number("misses") + 1)
        calls.settle(opened, services().settings, call, recording)
        return script.say(Line.WAIT).go("wait", q=recording, polls=0)

    return _once("asked", step)


@blueprint.post("/wait")
def wait() -> Response:
    """Play the answer once it is spoken; hold the line until then."""
    question, polls = request.args.get("q", ""), _number("polls")
    call = _call()
    with session() as opened:
        turn = calls.turn_of(opened, call.sid, question)
        if turn is None and polls >= UNTOLD_AFTER and calls.SID.fullmatch(question):
            calls.ask_recording(opened, services().settings, call, question)
        ready = turn is not None and _is_ready(turn)
    if ready:
        return _once("answer", lambda opened, call, script: _answer(opened, call, script, question))
    with session() as opened:
        script = _script(opened)
        if polls >= LATE_AFTER:
            return _twiml(script.say(Line.LATE).listen(question))
        if polls >= STILL_AFTER and (polls - STILL_AFTER) % STILL_EVERY == 0:
            script.say(Line.STILL)
        return _twiml(script.hold(polls).go("wait", q=question, polls=polls + 1))


@blueprint.post("/key")
def key() -> Response:
    """Do what the key stands for that was pressed during an answer."""
    digits = request.form.get("Digits", "")
    return _once("key", lambda opened, call, script: _key(opened, call, script, digits))


@blueprint.post("/silence")
def silence() -> Response:
    """Ask again where nothing was said; say goodbye when nothing comes."""
    misses, question = _number("misses"), request.args.get("q", "")

    def step(opened: Session, call: Call, script: Script) -> Script:
        if misses >= MOST_MISSES:
            return script.say(Line.GOODBYE).hang_up()
        line = Line.SILENCE_AGAIN if question or misses > 1 else Line.SILENCE
        return script.say(line).listen(question, misses)

    return _once("silence", step)


@blueprint.post("/human")
def human() -> Response:
    """Connect the caller with a human, or say whom to call."""

    def step(opened: Session, call: Call, script: Script) -> Script:
        number = services().settings.twilio.human_number
        if number:
            return script.say(Line.HUMAN).dial(number)
        _call_back(call)
        return script.say(Line.NO_HUMAN).listen()

    return _once("human", step)


@blueprint.post("/dialled")
def dialled() -> Response:
    """Go on where no human answered; end the call where one did."""

    def step(opened: Session, call: Call, script: Script) -> Script:
        if request.form.get("DialCallStatus") in ("completed", "answered"):
            return script.hang_up()
        _call_back(call)
        return script.say(Line.NO_HUMAN).listen()

    return _once("dialled", step)


@blueprint.post("/recording")
def recording() -> Response:
    """Keep that a recording is complete, and begin its turn if it is a question."""
    name = request.form.get("RecordingSid", "")
    if not calls.SID.fullmatch(name):
        abort(HTTPStatus.BAD_REQUEST)
    call = _call()
    state = request.form.get("RecordingStatus", "completed")
    with session() as opened:
        if state == "completed":
            key = f"{call.sid}:{calls.COMPLETE}:{name}"
            note(opened, NAME, key, calls.COMPLETE, {"seconds": _seconds()})
            calls.settle(opened, services().settings, call, name)
    return Response(status=HTTPStatus.NO_CONTENT)


@blueprint.post("/status")
def status() -> Response:
    """Keep how the call goes; at its end its videos are made and sent."""
    word = request.form.get("CallStatus", "")
    call = _call()
    with session() as opened:
        note(opened, NAME, f"{call.sid}:status:{word}"[:200], "status", {"status": word[:20]})
        if word in OVER:
            calls.end(opened, services().settings, call, word)
    return Response(status=HTTPStatus.NO_CONTENT)


@blueprint.post("/message")
def message() -> Response:
    """Keep what became of a text message that was sent after a call."""
    return keep_status(NAME)


def _call_back(call: Call) -> None:
    """Put the caller on the list of those whom a human calls back."""
    with session() as writing:
        calls.want_human(writing, call, text_of(services().settings, Line.NO_HUMAN))
    log.info("call_back_wanted", sid=call.sid)


def _once(kind: str, step: Step) -> Response:
    """Do `step` for the request that comes first; tell a replay what the first was told."""
    call = _call()
    number = _number("n")
    with session() as opened:
        payload = {"token": request.headers.get("I-Twilio-Idempotency-Token", "")[:64]}
        first = note(opened, NAME, f"{call.sid}:{number}:{kind}", kind, payload)
        event_id, response = first.event.id, first.event.response
        opened.rollback()
        if response is None:
            twiml = str(step(opened, call, _script(opened)))
            opened.rollback()
            remember(opened, event_id, {"twiml": twiml})
            # Of two at once the first one counts for both.
            response = opened.get_one(InboundEvent, event_id).response or {"twiml": twiml}
    log.info("call", sid=call.sid, step=kind, n=number, replay=first.duplicate)
    return Response(response["twiml"], mimetype="text/xml")


def _answer(opened: Session, call: Call, script: Script, question: str) -> Script:
    turn = calls.turn_of(opened, call.sid, question)
    if turn is None:
        return script.say(Line.LATE).listen()
    over = turn.ends or turn.outcome == Outcome.HANDED_OVER
    script.answer(turn, question, more=not over)
    if turn.ends:
        return script.hang_up()
    if over:
        return script.go("human")
    return script.listen(question)


def _key(opened: Session, call: Call, script: Script, digits: str) -> Script:
    """Again, slower, a human, or by text; where a choice was offered, one and two choose."""
    question = request.args.get("q", "")
    turn = calls.turn_of(opened, call.sid, question) if question else None
    act = by_key(digits, choosing=turn is not None and bool(turn.choices))
    if act is Act.BY_TEXT:
        return _by_text(call, script).listen(question)
    if act is Act.HUMAN:
        return script.go("human")
    if turn is None or act is None:
        return script.say(Line.ASK if act is None else Line.NOTHING_YET).listen(question)
    if not _is_ready(turn):
        return script.say(Line.WAIT).go("wait", q=question, polls=0)
    if act is Act.REPEAT:
        return script.answer(turn, question, more=True).listen(question)
    opened.rollback()
    name = f"k{_number('n')}"
    calls.ask_text(opened, call, name, WORDS[act])
    return script.say(Line.WAIT).go("wait", q=name, polls=0)


def _by_text(call: Call, script: Script) -> Script:
    able = services().settings.twilio.sms_from and calls.takes_messages(call.identity.address)
    return script.say(Line.BY_TEXT if able else Line.NO_TEXT)


def _is_ready(turn: Turn) -> bool:
    """Say whether the answer can be played, or will never be spoken: then the vendor reads it."""
    return turn.speech is not None or turn.state in ENDS or turn.state is State.RENDERED


def _call() -> Call:
    """Return the call of the current request, stored with its first one."""
    sid = request.form.get("CallSid", "")
    if not calls.SID.fullmatch(sid):
        abort(HTTPStatus.BAD_REQUEST)
    with session() as opened:
        known = calls.find(opened, sid)
    if known is not None:
        return known
    with session() as opened:
        return calls.begin(opened, sid, request.form.get("From", ""))


def _script(opened: Session) -> Script:
    held = services()
    return Script(held.settings, held.links, opened, _number("n") + 1)


def _number(name: str) -> int:
    text = request.args.get(name, "0")
    return int(text) if text.isdecimal() and len(text) < 6 else 0


def _seconds() -> int:
    text = request.form.get("RecordingDuration", "0")
    return int(text) if text.isdecimal() and len(text) < 6 else 0


def _twiml(script: Script) -> Response:
    return Response(str(script), mimetype="text/xml")
