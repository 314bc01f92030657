from media.speak.clauses import EARLY, SECOND, USUAL, Stretch, stretches
from media.speak.frontend import units
from media.speak.hangul import is_syllable

LONG = (
    "기초연금은 만 육십오 세 이상이고 소득이 정해진 기준보다 적은 분이 받으실 수 있는데 "
    "신분증과 통장을 가지고 가까운 주민센터에 가시면 담당 직원이 자세히 알려 드려요."
)


def said(found: list[Stretch]) -> str:
    return "".join(unit.sounds for stretch in found for unit in stretch.units)


def length(stretch: Stretch) -> int:
    return sum(is_syllable(char) for unit in stretch.units for char in unit.sounds)


def test_each_sentence_is_a_stretch_of_its_own() -> None:
    found = stretches(units("안녕하세요. 무엇을 도와드릴까요? 천천히 말씀하세요."))
    assert [stretch.break_after for stretch in found] == ["sentence"] * 3


def test_a_long_sentence_is_cut_and_nothing_is_lost() -> None:
    whole = units(LONG)
    found = stretches(whole)
    assert len(found) > 1
    assert said(found) == "".join(unit.sounds for unit in whole)
    assert all(length(stretch) <= USUAL[1] for stretch in found)


def test_an_early_first_stretch_is_short() -> None:
    whole = units(LONG)
    found = stretches(whole, early=True)
    assert length(found[0]) <= EARLY[1]
    assert said(found) == "".join(unit.sounds for unit in whole)


def test_what_follows_an_early_stretch_is_made_before_it_is_over() -> None:
    """The second stretch is short as well, and a short first sentence is not cut at all."""
    found = stretches(units(LONG), early=True)
    assert length(found[1]) <= SECOND[1]
    assert length(stretches(units("네, 알겠습니다. " + LONG), early=True)[0]) == 6


def test_a_number_and_its_counter_stay_together() -> None:
    text = "자세한 것은 국민연금공단 상담 전화 국번 없이 1577-1000번으로 전화해서 물어보세요."
    found = stretches(units(text), early=True)
    assert len(found) > 1
    for stretch, following in zip(found, found[1:], strict=False):
        assert following.units[0].written != stretch.units[-1].written


def test_words_without_any_break_still_end() -> None:
    found = stretches(units(" ".join(["사과"] * 120)))
    assert sum(len(stretch.units) for stretch in found) == 120
    assert max(map(length, found)) <= 2 * USUAL[1] + 2
