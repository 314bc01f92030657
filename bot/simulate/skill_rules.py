"""What Kakao accepts as a skill response, and what it does not."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

COMPONENTS = frozenset(
    {"simpleText", "simpleImage", "textCard", "basicCard", "commerceCard", "listCard"}
    | {"itemCard", "carousel"}
)
ACTIONS = frozenset({"webLink", "message", "block", "phone", "share", "operator"})
NEEDED = {"webLink": "webLinkUrl", "message": "messageText", "phone": "phoneNumber"}


def faults(response: Any, *, acknowledgement: bool = False) -> list[str]:
    """Return what is wrong with a skill response; nothing where Kakao would show it.

    `acknowledgement` is what answers a request that has a callback: it must promise one.
    """
    if not isinstance(response, dict):
        return ["the response is not an object"]
    found = [] if response.get("version") == "2.0" else ["version is not 2.0"]
    if acknowledgement and response.get("useCallback") is True:
        if not isinstance(response.get("data", {}), dict):
            found.append("data is not an object")
        return found
    template = response.get("template")
    if not isinstance(template, dict):
        return [*found, "there is no template"]
    outputs = template.get("outputs")
    if not isinstance(outputs, list) or not 1 <= len(outputs) <= 3:
        return [*found, "outputs must be one to three"]
    for number, output in enumerate(outputs):
        found += [f"outputs[{number}]: {fault}" for fault in _output(output)]
    replies = template.get("quickReplies", [])
    if not isinstance(replies, list) or len(replies) > 10:
        return [*found, "quickReplies must be at most ten"]
    for number, reply in enumerate(replies):
        found += [f"quickReplies[{number}]: {fault}" for fault in _button(reply, 14)]
    return found


def _output(output: Any) -> list[str]:
    if not isinstance(output, dict) or len(output) != 1:
        return ["must hold one component"]
    name, value = next(iter(output.items()))
    if name not in COMPONENTS or not isinstance(value, dict):
        return [f"{name} is no component"]
    if name == "simpleText":
        return _text(value, "text", 1000, needed=True)
    if name == "basicCard":
        return _card(value, 230, thumbnail=True)
    if name == "textCard":
        together = len(str(value.get("title", ""))) + len(str(value.get("description", "")))
        over = [] if together <= 400 else ["title and description exceed 400 letters"]
        return over + _card(value, 400, thumbnail=False)
    return []


def _card(card: dict[str, Any], description: int, *, thumbnail: bool) -> list[str]:
    found = _text(card, "title", 50) + _text(card, "description", description)
    if thumbnail:
        picture = card.get("thumbnail")
        if not isinstance(picture, dict):
            found.append("thumbnail is missing")
        else:
            found += _address(picture.get("imageUrl"), "thumbnail.imageUrl")
            found += _text(picture, "altText", 50)
            if "link" in picture:
                found += _address(picture["link"].get("web"), "thumbnail.link.web")
    buttons = card.get("buttons", [])
    across = card.get("buttonLayout") == "horizontal"
    if len(buttons) > (2 if across else 3):
        found.append("too many buttons")
    for number, button in enumerate(buttons):
        found += [f"buttons[{number}]: {fault}" for fault in _button(button, 8 if across else 14)]
    return found


def _button(button: Any, letters: int) -> list[str]:
    if not isinstance(button, dict):
        return ["is not an object"]
    found = _text(button, "label", letters, needed=True)
    action = button.get("action")
    if action not in ACTIONS:
        found.append(f"action {action!r} is unknown")
    elif NEEDED.get(action, "label") not in button:
        found.append(f"{NEEDED[action]} is missing")
    elif action == "webLink":
        found += _address(button["webLinkUrl"], "webLinkUrl")
    return found


def _text(holder: dict[str, Any], name: str, letters: int, *, needed: bool = False) -> list[str]:
    value = holder.get(name)
    if value is None:
        return [f"{name} is missing"] if needed else []
    if not isinstance(value, str) or (needed and not value):
        return [f"{name} is not a text"]
    return [] if len(value) <= letters else [f"{name} exceeds {letters} letters ({len(value)})"]


def _address(value: Any, name: str) -> list[str]:
    if not isinstance(value, str) or urlsplit(value).scheme not in ("http", "https"):
        return [f"{name} is not a web address"]
    return []
