"""How long a pause must last until the turn is over, by what was said before it.

Seniors pause to think: after "음…" or in the middle of a sentence they are waited for; a finished
question is answered soon.
"""

from __future__ import annotations

import re

from bot.knowledge.dialogue import act_of

FINISHED = 0.55
OPEN = 1.1
UNFINISHED = 1.7
HESITATING = 2.6
"""Seconds of quiet after a finished sentence, after words alone, in a sentence, after "음…"."""

_HESITATES = re.compile(
    r"(?:^|\s)(?:음+|어+|으+|그+|저+|저기요?|저어+|그게|그러니까|그러니|그래서|근데|그런데"
    r"|있잖아요?|뭐더라|뭐지|뭐냐|뭐라더라|거시기|그거|그거요|가만있자|가만|잠깐만요?|에+)[.…,~]*$"
)
_FINISHES = re.compile(
    r"(?:[?？]|(?:요|까|죠|니다|시오|하라|줘라?|냐|노|나\?|니\?|구만|데이|이소|카노|당가|감유|유|됐어"
    r"|궁금해|알려줘|해줘|뭐야|거야|돼|했어|있어|없어|싶어))[.!…]*$"
)
_GOES_ON = re.compile(
    r"(?:는데요|은데요|인데요|거든요|려고요|고요|구요|서요|면요"
    r"|고|서|면|는데|은데|인데|던데|니까|지만|려고|거든|든지|거나|하고|이랑|랑|에서|에게|한테|부터|까지"
    r"|은|는|이|가|을|를|에|의|도|만|과|와|로|으로|라서|해서|때문에|하면)[.…,]*$"
)


def patience(text: str) -> float:
    """Return the seconds of quiet after `text` that end a turn."""
    said = text.strip()
    if _HESITATES.search(said):
        return HESITATING
    if said.endswith(("?", "？")) or act_of(said) is not None:
        return FINISHED
    if _GOES_ON.search(said):
        return UNFINISHED
    return FINISHED if _FINISHES.search(said) else OPEN


_NOD = re.compile(
    r"(?:네+|넵|예+|응+|음+|어+|아+|오+|에+|그래요?|그렇구나|그렇군요|맞아요?|알았어요?|허|하|흠)+"
)


def is_nod(text: str) -> bool:
    """Say whether `text` only shows that somebody listens: no reason to stop speaking."""
    return bool(_NOD.fullmatch(re.sub(r"[\W_]+", "", text)))
