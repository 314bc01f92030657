"""What every importer needs: ids, phone numbers and a spoken answer from official text."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from bot.knowledge.morphemes import squeeze
from bot.knowledge.plain import condense

_NUMBER = re.compile(
    r"(?<![\d-])(?:0\d{1,2}[-)]\s?\d{3,4}-\d{4}|1[5-9]\d{2}-\d{4}|1[0-9]{2}\d?)(?![\d-])"
)
_AFTER = re.compile(r"[☎(:,;/·]+\s*$")
_SIGNS = re.compile(r"[※○●□■◦▪▶☞◇◆ㆍ*]|<[^>]*>|&[a-z]+;")


class SourceError(ValueError):
    """A source that cannot be read; the message names cause and remedy."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom an official text says to call; empty where it says no one."""

    name: str = ""
    number: str = ""


def article_id(origin: str, key: str) -> str:
    """Return an ASCII id that is the same for the same `key` at every import."""
    plain = squeeze(key)
    if plain.isascii() and plain:
        return f"{origin}-{plain.lower()}"
    return f"{origin}-{hashlib.sha256(plain.encode()).hexdigest()[:12]}"


def contact(text: str) -> Contact:
    """Return the first phone number in `text` with the name before it."""
    found = _NUMBER.search(text)
    if found is None:
        return Contact()
    before = _AFTER.sub("", text[: found.start()]).strip()
    name = re.split(r"[,;/·|\n:]|\d", before)[-1].strip(" ☎()-")
    return Contact(name[-30:], found.group().replace(")", "-").replace(" ", ""))


def clean(text: str) -> str:
    """Return official text without markup, bullets and doubled spaces; lines are kept."""
    lines = (" ".join(_SIGNS.sub(" ", line).split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def spoken_answer(title: str, *texts: str) -> str:
    """Return at most three plain sentences from official `texts`; never empty."""
    for text in texts:
        said = condense(clean(text))
        if said:
            return said
    return f"{title}에 대한 안내예요."
