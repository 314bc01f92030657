"""A question that only makes sense after the one before: "얼마예요?", "우리 어머니는요?"."""

from __future__ import annotations

import re

from bot.knowledge.morphemes import squeeze, words
from bot.knowledge.types import Article

_POINTING = re.compile(
    r"^(?:그럼|그러면|그런데|근데|그거|그건|그것|그게|그때|거기|그쪽|그분|그|이거|이건|아까|또|만약|혹시|그라믄|그라면)"
)
_SHORT_ASK = re.compile(r"(?:은|는|도|이|가|면|때|서|로|만|까지|부터)요?$")
_ASPECTS = frozenset(
    re.split(
        r"\s+",
        "얼마 어디 언제 누구 무엇 뭐 왜 어떻게 어떤 몇 며칠 돈 비용 금액 값 가격 서류 준비물 "
        "신분증 신청 방법 절차 전화 번호 전화번호 연락처 주소 장소 위치 자격 조건 대상 기준 나이 "
        "살 세 소득 재산 기간 기한 날짜 요일 시간 하루 한달 매달 매년 매월 결과 심사 등급 횟수 번 "
        "개 명 사람 분 본인 대리 대신 가족 자식 아들 딸 며느리 사위 어머니 아버지 엄마 아빠 부모 "
        "부모님 남편 아내 영감 할머니 할아버지 집사람 배우자 부부 혼자 둘 우리 나 저 집 주민센터 "
        "동사무소 인터넷 홈페이지 온라인 핸드폰 휴대폰 은행 통장 지금 나중 올해 내년 작년 다음 "
        "처음 다시 필요 가능 무료 공짜 지급 지원 혜택 종류 차이 이유 경우 가지 정도 곳 데 것 거 수 "
        "때 중 후 전 말 일 도움 가입 신고 접수 발급 예약",
    )
)
"""Nouns that ask about a matter without naming one."""
_LONGEST = 22


def is_follow_up(question: str) -> bool:
    """Return whether `question` names no matter of its own and so asks on about the last one."""
    own = own_nouns(question)
    if not own:
        return True
    if not is_short(question):
        return False
    plain = squeeze(question)
    return bool(_POINTING.search(plain)) or (len(own) == 1 and bool(_SHORT_ASK.search(plain)))


def own_nouns(question: str) -> list[str]:
    """Return the nouns of `question` that name a matter."""
    return [noun for noun in words(question).nouns if noun not in _ASPECTS]


def is_short(question: str) -> bool:
    """Return whether `question` is short enough to lean on the one before."""
    return len(squeeze(question)) <= _LONGEST


def joined(question: str, last: Article, last_question: str) -> str:
    """Return a question that can be searched by itself: the last matter and what is asked now."""
    return f"{last.title}. {last_question} {question}".strip()


def kinship(one: Article, other: Article) -> float:
    """Return how much two articles are about one matter, in [0, 1]."""
    if one.id == other.id:
        return 1.0
    mine, yours = (_matter(article) for article in (one, other))
    shared = len(mine & yours) / max(1, min(len(mine), len(yours)))
    return min(1.0, shared + (0.15 if one.topic == other.topic else 0.0))


def _matter(article: Article) -> frozenset[str]:
    found = {noun for noun in words(article.title).nouns if noun not in _ASPECTS}
    for keyword in article.keywords:
        found.update(noun for noun in words(keyword).nouns if noun not in _ASPECTS)
    return frozenset(found)
