"""WhatsApp through Twilio: signed in, answered once, as the vendor wants it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.channels.whatsapp import BODY_LETTERS, WhatsApp
from bot.channels.whatsapp_webhook import ASK_AGAIN
from bot.conversation.delivery import DeliveryError, FileRef, Reply
from bot.conversation.models import Sending, State
from tests.bot.channels.conftest import VIDEO, House
from tests.bot.conversation.pipeline import ARTICLE

PERSON = "whatsapp:+821012345678"
OURS = "whatsapp:+8215880000"


def post(house: House, form: dict[str, str], **options: Any) -> requests.Response:
    return house.twilio.post("/twilio/messages", form, house.url, **options)


def settle(house: House, state: Sending = Sending.DELIVERED) -> None:
    """Wait for the vendor's status callbacks."""
    for _ in range(200):
        if house.turns()[-1].deliveries[0].state is state:
            return
        threading.Event().wait(0.02)
    raise AssertionError(house.turns()[-1].deliveries[0].state)


def test_a_voice_note_is_answered_with_a_video_once(house: House, recording: Path) -> None:
    answer = post(house, house.twilio.form(recording, PERSON, OURS))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/xml")
    assert answer.text.endswith("<Response />")

    (turn,) = house.work()
    assert turn.state is State.DELIVERED
    assert turn.recording is not None and turn.recording.content_type == "audio/ogg"
    (message,) = house.twilio.sent
    assert message.media == VIDEO
    assert message.fields["To"] == PERSON
    body = message.fields["Body"]
    assert body.startswith(ARTICLE.answer)
    assert "국민연금공단 1355" in body
    assert "보건복지부 (2026.11.01 확인)" in body
    assert f"{house.url}/w/" in body
    assert house.twilio.book.broken == []
    settle(house)
    assert turn.deliveries[0].vendor_id == message.sid


def test_a_typed_question_is_answered_too(house: House) -> None:
    post(house, house.twilio.form("기초연금이 뭐예요", PERSON, OURS))
    (turn,) = house.work()
    assert turn.text == "기초연금이 뭐예요"
    assert len(house.twilio.sent) == 1


def test_twenty_replays_at_once_begin_one_turn(house: House) -> None:
    form = house.twilio.form("기초연금이 뭐예요", PERSON, OURS)
    answers: list[requests.Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(post(house, form))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({answer.text for answer in answers}) == 1
    assert len(house.work()) == 1
    house.work()
    assert len(house.twilio.sent) == 1


@pytest.mark.parametrize("signature", ["", "forged", "RSOYDt4T1cUTdK1PDd93/VVr8B8="])
def test_a_forged_signature_begins_nothing(house: House, signature: str) -> None:
    form = house.twilio.form("기초연금이 뭐예요", PERSON, OURS)
    answer = post(house, form, signature=signature)
    assert answer.status_code == 403
    assert answer.text == "Forbidden\n"
    assert house.turns() == []


def test_the_host_header_does_not_count(house: House) -> None:
    """A signature is checked over the public address, whatever the request says it was sent to."""
    form = house.twilio.form("기초연금이 뭐예요", PERSON, OURS)
    house.twilio.public_url = "https://evil.example"
    answer = requests.post(
        f"{house.url}/twilio/messages", data=form, headers={"Host": "evil.example"}, timeout=20
    )
    assert answer.status_code == 403
    assert post(house, form).status_code == 403
    assert house.turns() == []


def test_a_message_to_another_account_is_refused(house: House) -> None:
    form = house.twilio.form("안녕하세요", PERSON, OURS) | {"AccountSid": "AC1"}
    assert post(house, form).status_code == 403


@pytest.mark.parametrize("missing", ["MessageSid", "From"])
def test_a_message_without_its_names_is_refused(house: House, missing: str) -> None:
    form = house.twilio.form("안녕하세요", PERSON, OURS)
    del form[missing]
    assert post(house, form).status_code == 400


def test_a_picture_is_answered_at_once(house: House, tmp_path: Path) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"picture")
    answer = post(house, house.twilio.form(picture, PERSON, OURS))
    assert ASK_AGAIN in answer.text
    assert house.turns() == []


def test_a_text_beside_a_picture_is_the_question(house: House, tmp_path: Path) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"picture")
    form = house.twilio.form(picture, PERSON, OURS) | {"Body": "이게 뭐예요"}
    post(house, form)
    assert house.turns()[0].text == "이게 뭐예요"


@pytest.mark.parametrize("count", ["", "x", "-1", "99999999"])
def test_a_wrong_number_of_media_is_borne(house: House, count: str) -> None:
    form = house.twilio.form("안녕하세요", PERSON, OURS) | {"NumMedia": count}
    assert post(house, form).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/voice.ogg",
        "https://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/voice.ogg",
        "file:///etc/passwd",
        "https://api.twilio.com.evil.example/voice.ogg",
    ],
)
def test_a_hostile_media_address_ends_in_an_apology(
    house: House, recording: Path, url: str
) -> None:
    post(house, house.twilio.form(recording, PERSON, OURS) | {"MediaUrl0": url})
    (turn,) = house.work()
    assert turn.state is State.FAILED
    assert turn.failure == "address_refused"
    assert turn.recording is None
    (message,) = house.twilio.sent
    assert "죄송" in message.fields["Body"]
    post(house, house.twilio.form(recording, PERSON, OURS))
    assert house.work()[-1].state is State.DELIVERED


def test_a_recording_of_200_mb_ends_in_an_apology(house: House, tmp_path: Path) -> None:
    big = tmp_path / "big.ogg"
    with big.open("wb") as file:
        file.truncate(200_000_000)
    post(house, house.twilio.form(big, PERSON, OURS))
    (turn,) = house.work()
    assert turn.failure == "too_large"
    assert "너무 커서" in house.twilio.sent[0].fields["Body"]


def test_a_body_of_200_mb_is_refused(house: House) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(200):
            yield bytes(1_000_000)

    try:
        answer = requests.post(f"{house.url}/twilio/messages", data=body(), timeout=30)
    except requests.ConnectionError:
        answer = requests.post(f"{house.url}/twilio/messages", data=bytes(300_000), timeout=30)
    assert answer.status_code == 413
    assert requests.get(f"{house.url}/healthz", timeout=20).ok


def test_a_lost_answer_is_looked_for_before_it_is_sent_again(house: House) -> None:
    house.twilio.fail_next = 1
    post(house, house.twilio.form("기초연금이 뭐예요", PERSON, OURS))
    for _ in range(3):
        turns = house.work()
    assert turns[0].state is State.DELIVERED
    assert len(house.twilio.sent) == 1
    assert turns[0].deliveries[0].vendor_id == house.twilio.sent[0].sid


def test_a_refused_message_is_not_tried_again(house: House) -> None:
    post(house, house.twilio.form("기초연금이 뭐예요", "sms:+8210", OURS))
    (turn,) = house.work()
    assert turn.state is State.FAILED
    assert turn.deliveries[0].state is Sending.FAILED
    assert "63019" in turn.deliveries[0].last_error


def status(house: House, word: str, sid: str = "MM1", key: str = "", **more: str) -> int:
    path = "/twilio/status" + (f"?delivery={key}" if key else "")
    form = {"MessageSid": sid, "MessageStatus": word, "AccountSid": house.twilio.account_sid}
    return house.twilio.post(path, form | more, house.url).status_code


def test_statuses_move_a_delivery_forward_only(house: House) -> None:
    post(house, house.twilio.form("기초연금이 뭐예요", PERSON, OURS))
    house.work()
    settle(house)
    delivery = house.turns()[0].deliveries[0]
    for word in ("sent", "queued", "failed", "accepted"):
        assert status(house, word, delivery.vendor_id, delivery.key) == 204
    assert house.turns()[0].deliveries[0].state is Sending.DELIVERED


def test_a_failure_is_written_down_with_its_code(house: House) -> None:
    channel = house.parts.channels["whatsapp"]
    assert isinstance(channel, WhatsApp)
    post(house, house.twilio.form("기초연금이 뭐예요", PERSON, OURS))
    house.work()
    settle(house)
    delivery = house.turns()[0].deliveries[0]
    with house.held.sessions() as session:
        row = session.merge(delivery)
        row.state = Sending.SENT
        session.commit()
    assert status(house, "undelivered", delivery.vendor_id, ErrorCode="63016") == 204
    delivery = house.turns()[0].deliveries[0]
    assert delivery.state is Sending.FAILED
    assert delivery.last_error == "Twilio: undelivered 63016"
    assert status(house, "delivered", "MM2", delivery.key) == 204
    assert house.turns()[0].deliveries[0].state is Sending.FAILED


def test_a_status_of_nobody_is_kept_and_harmless(house: House) -> None:
    assert status(house, "delivered") == 204
    assert status(house, "delivered") == 204
    assert status(house, "") == 400


def a_reply(**changes: Any) -> Reply:
    values: dict[str, Any] = {
        "key": "k",
        "channel": "whatsapp",
        "address": PERSON,
        "reply_to": {},
        "text": "답",
        "lines": (),
        "outcome": "answered",
        "watch_path": "/watch/turn1",
    }
    return Reply(**(values | changes))


def test_a_long_answer_is_cut_and_keeps_its_link(house: House) -> None:
    channel = house.parts.channels["whatsapp"]
    channel.deliver(a_reply(text="가" * 3000, contact_name="콜", contact_number="110"))
    body = house.twilio.sent[0].fields["Body"]
    assert len(body) == BODY_LETTERS
    assert "…\n\n☎ 콜 110" in body
    assert channel.find(a_reply()) == house.twilio.sent[0].sid
    assert channel.find(a_reply(watch_path="/watch/turn2")) is None


def test_a_video_over_16_mb_is_sent_as_a_link(house: House) -> None:
    large = FileRef("a" * 22 + ".mp4", "video/mp4", 17 * 1024 * 1024)
    house.parts.channels["whatsapp"].deliver(a_reply(video=large))
    assert "MediaUrl" not in house.twilio.sent[0].fields
    assert "/w/" in house.twilio.sent[0].fields["Body"]


@pytest.mark.parametrize("options", [{"twilio": {"api_url": "http://127.0.0.1:9"}}])
def test_a_vendor_that_is_away_may_come_back(house: House) -> None:
    channel = house.parts.channels["whatsapp"]
    for ask in (channel.deliver, channel.find):
        with pytest.raises(DeliveryError) as caught:
            ask(a_reply())
        assert not caught.value.permanent
        assert "9" not in str(caught.value)


@pytest.mark.parametrize("options", [{"twilio": {"auth_token": "another"}}])
def test_a_wrong_password_may_be_corrected(house: House) -> None:
    channel = house.parts.channels["whatsapp"]
    for ask in (channel.deliver, channel.find):
        with pytest.raises(DeliveryError) as caught:
            ask(a_reply())
        assert not caught.value.permanent
