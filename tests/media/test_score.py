from __future__ import annotations

import pytest

from media.hear.score import character_error_rate, keywords_found, plain


def test_spaces_marks_and_counted_numbers_do_not_count() -> None:
    assert plain("네 명, 싱글룸 두개!") == plain("4명 싱글룸 2 개")
    assert character_error_rate("네 명이에요.", "4명이 에요") == 0.0


@pytest.mark.parametrize(
    ("reference", "heard", "rate"),
    [("가나다라", "가나다라", 0.0), ("가나다라", "가다라", 0.25), ("가나다라", "", 1.0)],
)
def test_errors_are_a_share_of_the_reference(reference: str, heard: str, rate: float) -> None:
    assert character_error_rate(reference, heard) == rate


def test_words_over_nothing_are_all_wrong() -> None:
    assert character_error_rate("", "이 영상은") == 1.0
    assert character_error_rate("", "") == 0.0


def test_keywords_are_found_over_small_gaps_only() -> None:
    heard = "몇 시쯤 수령할 수 있을까요? 4명 예약이요"
    assert keywords_found(["몇 시 수령", "네 명", "수령 예약", "취소"], heard) == [
        "몇 시 수령",
        "네 명",
    ]
