from __future__ import annotations

import pytest

from media.hear.evidence import Claim, doubt, nobody
from media.hear.whisper import TELEPHONE_PROMPT


def claim(
    text: str,
    speech_seconds: float = 3.0,
    log_probability: float = -0.4,
    no_speech: float = 0.05,
    compression: float = 1.1,
) -> Claim:
    return Claim(text, speech_seconds, log_probability, no_speech, compression)


def test_a_sound_without_speech_is_silence_or_noise() -> None:
    assert nobody(0.0, 0.0001) == "silence"
    assert nobody(0.0, 0.1) == "noise"
    assert nobody(0.2, 0.1) == ""


@pytest.mark.parametrize("text", ["기초연금은 어떻게 신청하나요?", "네", "110번이요", "감사합니다"])
def test_what_the_sound_carries_is_believed(text: str) -> None:
    assert doubt(claim(text)) == ""


@pytest.mark.parametrize(
    "text",
    [
        "시청해주셔서 감사합니다.",
        "구독과 좋아요 부탁드립니다",
        "MBC 뉴스 이덕영입니다.",
        "다음 영상에서 만나요",
        "한글자막 by 한효정",
        "이 영상은 유료 광고를 포함하고 있습니다",
        "Thank you for watching",
    ],
)
def test_sentences_of_subtitles_need_strong_evidence(text: str) -> None:
    assert doubt(claim(text, log_probability=-0.9)) == "noise"
    assert doubt(claim(text, no_speech=0.6)) == "noise"
    assert doubt(claim(text, speech_seconds=0.3)) != ""


def test_a_question_about_television_is_believed() -> None:
    asked = claim("엠비씨 뉴스에서 봤는데 기초연금이 오른다면서요?", speech_seconds=4.0)
    assert doubt(asked) == ""


def test_a_guess_is_unclear() -> None:
    assert doubt(claim("이 정도는", log_probability=-2.4)) == "unclear"


def test_one_phrase_over_and_over_is_unclear() -> None:
    assert doubt(claim("아, 아, 아, 아", compression=15.0)) == "unclear"


def test_more_syllables_than_anybody_speaks_are_unclear() -> None:
    assert (
        doubt(claim("국민연금공단에서 노령연금을 받으려고 합니다", speech_seconds=0.5)) == "unclear"
    )


def test_no_speech_and_doubt_together_are_noise() -> None:
    assert doubt(claim("그렇습니다", no_speech=0.7, log_probability=-0.9)) == "noise"
    assert doubt(claim("그렇습니다", no_speech=0.7)) == ""


def test_a_text_without_words_or_outside_speech_is_noise() -> None:
    assert doubt(claim(" ♪ … ")) == "noise"
    assert doubt(claim("그렇습니다", speech_seconds=0.0)) == "noise"


def test_an_echo_of_the_prompt_is_unclear() -> None:
    echo = claim("휴대폰 번호로 본인 확인을 하고", speech_seconds=5.0)
    assert doubt(echo, TELEPHONE_PROMPT) == "unclear"
    assert doubt(claim("본인 확인"), TELEPHONE_PROMPT) == ""
