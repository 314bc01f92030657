from __future__ import annotations

import numpy as np
import pytest

from media.captions import Caption, captions
from media.fonts import columns
from media.types import Audio, Phoneme, Speech

ANSWER = (
    "기초연금은 만 65세 이상이고 소득이 기준보다 적으신 분께 드려요. "
    "주민등록증을 가지고 가까운 주민센터에 가시면 신청하실 수 있어요. "
    "더 궁금하신 것은 국번 없이 129번으로 전화해 주세요."
)


def speak(text: str, words: list[str] | None = None, gap: float = 0.05) -> Speech:
    """A speech in which a syllable takes 0.16 s and a sentence is followed by 0.5 s of pause."""
    at = 0.2
    phonemes = []
    for word in words or text.split():
        for symbol in word.strip(".,?!"):
            phonemes.append(Phoneme(symbol, at, at + 0.16, word))
            at += 0.16
        at += 0.5 if word.endswith((".", "?", "!")) else gap
    return Speech(text, Audio(np.zeros(int(at * 24_000), np.float32), 24_000), tuple(phonemes))


def joined(made: list[Caption]) -> str:
    return "".join(caption.text for caption in made).replace(" ", "").replace(".", "")


@pytest.fixture
def answer() -> list[Caption]:
    return captions(speak(ANSWER))


def test_every_word_is_shown_once_in_order(answer: list[Caption]) -> None:
    assert joined(answer) == ANSWER.replace(" ", "").replace(".", "")


def test_each_is_one_short_line(answer: list[Caption]) -> None:
    assert all(columns(caption.text) <= 13 for caption in answer)
    assert all("\n" not in caption.text for caption in answer)


def test_none_overlaps_the_next(answer: list[Caption]) -> None:
    for caption, following in zip(answer, answer[1:], strict=False):
        assert caption.start < caption.end <= following.start


def test_each_is_up_while_its_words_are_said() -> None:
    speech = speak(ANSWER)
    for caption in captions(speech):
        first = caption.text.split()[0]
        said = [p for p in speech.phonemes if p.word.strip(".") == first]
        assert any(caption.start <= p.start <= caption.end for p in said)
        assert any(abs(p.start - caption.start) < 0.3 for p in said)


def test_each_is_up_long_enough_to_read(answer: list[Caption]) -> None:
    assert all(caption.end - caption.start >= 1.0 for caption in answer)


def test_sentences_do_not_share_a_line() -> None:
    texts = [caption.text for caption in captions(speak("네. 맞아요. 됩니다."))]
    assert texts == ["네", "맞아요", "됩니다"]


def test_a_noun_keeps_to_the_word_it_leans_on(answer: list[Caption]) -> None:
    assert not any(caption.text.startswith(("수 ", "있어요", "주세요")) for caption in answer)
    assert not any(caption.text.endswith((" 만", " 더")) for caption in answer)


def test_a_question_mark_stays_and_a_comma_at_the_end_goes() -> None:
    texts = [caption.text for caption in captions(speak("어르신, 무엇을 도와드릴까요?"))]
    assert " ".join(texts) in ("어르신, 무엇을 도와드릴까요?", "어르신 무엇을 도와드릴까요?")


def test_a_word_wider_than_a_line_is_cut() -> None:
    made = captions(speak("국민건강보험공단노인장기요양보험운영센터입니다"))
    assert len(made) == 2
    assert all(columns(caption.text) <= 13 for caption in made)
    assert made[0].end <= made[1].start


def test_the_same_word_twice_is_shown_twice() -> None:
    assert joined(captions(speak("네 네 알겠습니다"))) == "네네알겠습니다"


def test_marks_without_sound_take_no_time() -> None:
    speech = speak("신청 → 심사 → 지급", words=["신청", "심사", "지급"])
    assert joined(captions(speech)) == "신청→심사→지급"


def test_words_written_in_pieces_are_put_together() -> None:
    speech = speak("전화번호는 129번입니다.", words=["전화", "번호는", "129번입니다."])
    assert joined(captions(speech)) == "전화번호는129번입니다"


def test_other_words_than_the_text_share_the_time() -> None:
    speech = speak("하나 둘 셋 넷.", words=["전혀", "다른", "말"])
    made = captions(speech)
    assert joined(made) == "하나둘셋넷"
    assert made[-1].end <= speech.audio.seconds + 1.5


def test_speech_without_timings_or_text_is_no_error() -> None:
    silent = Audio(np.zeros(48_000, np.float32), 24_000)
    assert joined(captions(Speech("안녕하세요", silent))) == "안녕하세요"
    assert captions(Speech("", silent)) == []
