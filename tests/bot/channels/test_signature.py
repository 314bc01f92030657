"""A webhook is from its vendor, or it is nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from pydantic import SecretStr

from bot.channels.signature import is_from_twilio, same_secret
from bot.settings import Twilio

URL = "https://sunny.example/twilio/messages"
TWILIO = Twilio(auth_token="word", shared_keys={"webhooks_1": "shared"})
FIELDS = {"MessageSid": ["SM1"], "Body": ["안녕하세요"], "From": ["whatsapp:+8210"], "New": [""]}


def sign(url: str, fields: dict[str, list[str]], key: str = "word", kind: str = "sha1") -> str:
    text = url + "".join(
        name + value for name in sorted(fields) for value in sorted(set(fields[name]))
    )
    return base64.b64encode(hmac.new(key.encode(), text.encode(), kind).digest()).decode()


def headers(signature: str, settings: str = "") -> dict[str, str]:
    found = {"X-Twilio-Signature": signature}
    if settings:
        found["X-Twilio-Webhooks-Signature-Settings"] = settings
    return found


def test_a_signed_form_with_unknown_and_empty_fields_is_from_twilio() -> None:
    assert is_from_twilio(TWILIO, URL, FIELDS, headers(sign(URL, FIELDS)))


def test_the_vendors_own_example_holds() -> None:
    """The example of the vendor's documentation, with its published signature."""
    fields = {
        "CallSid": ["CA1234567890ABCDE"],
        "Caller": ["+14158675309"],
        "Digits": ["1234"],
        "From": ["+14158675309"],
        "To": ["+18005551212"],
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    given = headers("RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert is_from_twilio(Twilio(auth_token="12345"), url, fields, given)


@pytest.mark.parametrize(
    "url",
    [
        "http://sunny.example/twilio/messages",
        "https://other.example/twilio/messages",
        "https://sunny.example/twilio/messages/",
        "https://sunny.example/twilio/messages?a=1",
        "https://sunny.example/twilio/status",
    ],
)
def test_a_signature_over_another_address_is_forged(url: str) -> None:
    assert not is_from_twilio(TWILIO, URL, FIELDS, headers(sign(url, FIELDS)))


@pytest.mark.parametrize(
    "change",
    [
        {"Body": ["잘 가세요"]},
        {"Body": []},
        {"Extra": ["1"]},
        {"MessageSid": ["SM2"]},
        {"From": ["whatsapp:+8210", "whatsapp:+8211"]},
    ],
)
def test_a_changed_field_is_forged(change: dict[str, list[str]]) -> None:
    assert not is_from_twilio(TWILIO, URL, {**FIELDS, **change}, headers(sign(URL, FIELDS)))


@pytest.mark.parametrize("signature", ["", "x", "é", "AAAA" * 7, "null", " ", "a" * 10_000])
def test_a_made_up_signature_is_forged(signature: str) -> None:
    assert not is_from_twilio(TWILIO, URL, FIELDS, headers(signature))


def test_no_header_is_forged() -> None:
    assert not is_from_twilio(TWILIO, URL, FIELDS, {})


def test_without_a_token_nothing_is_from_twilio() -> None:
    """Above all not what is signed with the empty token."""
    given = headers(sign(URL, FIELDS, key=""))
    assert not is_from_twilio(Twilio(), URL, FIELDS, given)


def test_repeated_values_count_once_and_in_order() -> None:
    fields = {"A": ["2", "1", "2"]}
    assert is_from_twilio(TWILIO, URL, fields, headers(sign(URL, fields)))


def test_a_query_is_signed_too() -> None:
    url = URL + "?delivery=abc%20d"
    assert is_from_twilio(TWILIO, url, FIELDS, headers(sign(url, FIELDS)))
    assert not is_from_twilio(TWILIO, URL + "?delivery=x", FIELDS, headers(sign(url, FIELDS)))


def test_a_shared_key_signs_with_sha256() -> None:
    given = headers(sign(URL, FIELDS, "shared", "sha256"), "key=webhooks_1,algorithm=HMAC_SHA256")
    assert is_from_twilio(TWILIO, URL, FIELDS, given)


@pytest.mark.parametrize(
    ("key", "kind", "settings"),
    [
        ("shared", "sha256", "key=webhooks_2,algorithm=HMAC_SHA256"),
        ("other", "sha256", "key=webhooks_1,algorithm=HMAC_SHA256"),
        ("shared", "sha1", "key=webhooks_1,algorithm=HMAC_SHA1"),
        ("shared", "sha1", "key=webhooks_1"),
        ("shared", "md5", "key=webhooks_1,algorithm=HMAC_MD5"),
        ("", "sha256", "algorithm=HMAC_SHA256"),
        ("", "sha256", "key=,algorithm=HMAC_SHA256"),
        ("word", "sha256", "algorithm=HMAC_SHA256"),
        ("word", "sha1", "key=webhooks_1,algorithm=HMAC_SHA256"),
    ],
)
def test_a_key_that_is_not_ours_or_an_old_algorithm_is_forged(
    key: str, kind: str, settings: str
) -> None:
    given = headers(sign(URL, FIELDS, key, kind), settings)
    assert not is_from_twilio(TWILIO, URL, FIELDS, given)


def test_a_json_body_is_bound_by_its_hash() -> None:
    body = '{"a": "가"}'
    url = f"{URL}?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    given = headers(sign(url, {}))
    assert is_from_twilio(TWILIO, url, body, given)
    assert not is_from_twilio(TWILIO, url, body + " ", given)
    assert not is_from_twilio(TWILIO, URL, body, headers(sign(URL, {})))


def test_a_secret_is_compared_whole() -> None:
    assert same_secret("word", SecretStr("word"))
    for given in ("", "wor", "words", "Word", "wörd"):
        assert not same_secret(given, SecretStr("word"))
    assert not same_secret("", SecretStr(""))
