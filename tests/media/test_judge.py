import pytest

from media.speak.judge import Score, distance, error_rate, score, spoken


@pytest.mark.parametrize(
    ("first", "second", "edits"),
    [("가나다", "가나다", 0), ("가나다", "가다", 1), ("", "가나", 2), ("가나", "나가", 2)],
)
def test_distance(first: str, second: str, edits: int) -> None:
    assert distance(first, second) == distance(second, first) == edits


def test_numbers_are_the_same_however_they_are_written() -> None:
    assert score("만 65세 이상이에요.", "만 육십오세 이상이에요").edits == 0


def test_digits_run_together_or_apart_are_the_same_number() -> None:
    assert score("129번으로 전화하세요.", "1 2 9번으로 전화하세요").edits == 0


def test_what_was_not_heard_counts_in_full() -> None:
    missed = score("안녕하세요.", "")
    assert missed == Score(5, 5)


def test_marks_and_spaces_do_not_count() -> None:
    assert spoken("네, 그래요!") == spoken("네 그래요") == "네그래요"
    assert spoken("🙂") == ""


def test_rate_lies_inside_its_interval() -> None:
    rate, low, high = error_rate([Score(1, 10), Score(0, 12), Score(4, 9), Score(0, 20)])
    assert rate == pytest.approx(5 / 51)
    assert low <= rate <= high
