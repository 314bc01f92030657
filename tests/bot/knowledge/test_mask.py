"""Personal numbers go, public ones stay."""

from __future__ import annotations

import pytest

from bot.knowledge.mask import mask


@pytest.mark.parametrize(
    ("text", "secret", "label"),
    [
        ("제 번호는 450101-1234567이에요", "1234567", "[주민등록번호]"),
        ("주민등록번호 4501011234567", "4501011234567", "[주민등록번호]"),
        ("450101 2234567 이에요", "2234567", "[주민등록번호]"),
        ("카드는 4539 1488 0343 6467이에요", "6467", "[카드번호]"),
        ("국민은행 계좌 123456-04-123456 이에요", "123456-04", "[계좌번호]"),
        ("농협 352-1234-5678-93으로 넣어 주세요", "5678", "[계좌번호]"),
        ("010-1234-5678로 전화 주세요", "5678", "[전화번호]"),
        ("집 전화는 02-345-6789예요", "6789", "[전화번호]"),
        ("010 1234 5678이요", "5678", "[전화번호]"),
        ("서울시 강남구 테헤란로 123 살아요", "테헤란로", "[주소]"),
        ("공일공 일이삼사 오육칠팔이에요", "일이삼사", "[전화번호]"),
        ("내 번호 1234567890123이야", "1234567", "["),
    ],
)
def test_personal_is_masked(text: str, secret: str, label: str) -> None:
    masked = mask(text)
    assert secret not in masked
    assert label in masked


@pytest.mark.parametrize(
    "text",
    [
        "129번으로 전화하세요",
        "119에 신고하고 1577-1000번에 물어봤어요",
        "02-120 다산콜센터요",
        "1588-2188번이 맞아요?",
        "기초연금이 34만 9700원이에요",
        "65세 이상이고 2026년 1월이에요",
        "서울시에 살아요",
    ],
)
def test_public_stays(text: str) -> None:
    assert mask(text) == text


def test_kept_numbers_stay() -> None:
    text = "구청 02-2147-2000번이에요"
    assert "2147" not in mask(text)
    assert mask(text, keep=["02-2147-2000"]) == text
