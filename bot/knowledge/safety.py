"""What comes before any search: emergencies, abuse, and advice that only a professional gives.

The rules read the text without spaces, because recognised speech is spaced anyhow. They look for
what is happening now; a question about insurance for a fire is no fire.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate

from bot.knowledge.morphemes import squeeze
from bot.knowledge.rules import compiled, table


@dataclass(frozen=True, slots=True)
class Line:
    """Whom to call: a `name` and a `number`, and what is said."""

    kind: str
    name: str
    number: str
    text: str


_CONNECT = "원하시면 바로 연결해 드릴게요."
EMERGENCIES = {
    "fire_medical": Line(
        "fire_medical",
        "119",
        "119",
        f"급한 상황이에요. 지금 바로 119에 전화하세요. {_CONNECT}",
    ),
    "police": Line(
        "police",
        "경찰",
        "112",
        f"위험한 상황이에요. 지금 바로 112에 전화하세요. {_CONNECT}",
    ),
    "suicide": Line(
        "suicide",
        "자살예방상담전화",
        "109",
        "많이 힘드셨겠어요. 지금 109로 전화하시면 밤낮없이 이야기를 들어 드려요. "
        f"{_CONNECT} 위험하시면 119에 전화하세요.",
    ),
    "elder_abuse": Line(
        "elder_abuse",
        "노인보호전문기관",
        "1577-1389",
        "혼자 참지 않으셔도 돼요. 노인보호전문기관 1577-1389번에서 도와 드려요. "
        f"{_CONNECT} 지금 위험하시면 112에 전화하세요.",
    ),
}
MEDICAL = Line(
    "medical",
    "보건복지상담센터",
    "129",
    "병과 약은 제가 말씀드릴 수 없어요. 가까운 병원이나 약국에 꼭 물어보세요. "
    "문 연 병원은 129번에서 알려 드려요. 많이 아프시면 119에 전화하세요.",
)
LEGAL = Line(
    "legal",
    "대한법률구조공단",
    "132",
    "법으로 따지는 일은 제가 판단해 드릴 수 없어요. "
    "대한법률구조공단 132번에서 무료로 상담받으실 수 있어요.",
)

_RULES = table("safety")


def _rule(group: str, name: str) -> re.Pattern[str]:
    return compiled(_RULES[group][name], _RULES["lists"])


_EMERGENCIES = tuple((kind, _rule("emergency", kind)) for kind in _RULES["emergency"])
_ABOUT = _rule("not_emergency", "about")
_NOW = _rule("not_emergency", "now")
_HARMLESS = _rule("not_emergency", "harmless")
_MEDICAL = _rule("advice", "medical")
_LEGAL = _rule("advice", "legal")
_SWEARING = _rule("abuse", "swearing")
_BEFORE_OATH = re.compile(r"(?:야|이|아|이런|저런|에이|아이|니|너|진짜|이게|저게)$")
_AFTER_OATH = re.compile(r"놈|년|새|것|아(?!니)")


def emergency(text: str) -> Line | None:
    """Return whom to call at once, None where `text` is no emergency."""
    plain = squeeze(text)
    found = _kind(_HARMLESS.sub("", plain))
    if found is None or (_ABOUT.search(plain) and not _NOW.search(plain)):
        return None
    return EMERGENCIES[found]


def _kind(plain: str) -> str | None:
    return next((kind for kind, rule in _EMERGENCIES if rule.search(plain)), None)


def abusive(text: str) -> bool:
    """Return whether `text` swears at the counsellor.

    A swear word begins where a spoken word begins ("번호로" and "샷시 바꿔" hold none), and goes on
    into the next one only where it ends there too.
    """
    words = text.split()
    plain = "".join(words)
    ends = list(accumulate(len(word) for word in words))
    starts = {0, *ends}
    for found in _SWEARING.finditer(plain):
        first, last = found.span()
        begins = first in starts or _BEFORE_OATH.search(plain[:first]) is not None
        crosses = any(first < end < last for end in ends)
        if begins and (not crosses or last in ends or _AFTER_OATH.match(plain[last:])):
            return True
    return False


def advice(text: str) -> Line | None:
    """Return who gives the medical or legal advice that `text` asks for, None where it does not."""
    plain = squeeze(text)
    if _MEDICAL.search(plain):
        return MEDICAL
    if _LEGAL.search(plain):
        return LEGAL
    return None
