import pytest

from media.speak.phonemes import PHONEMES, sounds, vocabulary


def symbols(word: str, voiced_before: bool = False) -> str:
    return " ".join(sound.symbol for sound in sounds(word, voiced_before))


@pytest.mark.parametrize(
    ("pronounced", "expected"),
    [
        ("안녕하세요", "a n n j ʌ ŋ h a s e j o"),
        ("기초연그믄", "k i ʨʰ o j ʌ n ɡ ɯ m ɯ n"),
        ("시청", "ɕ i ʨʰ ʌ ŋ"),
        ("쓰레기", "s͈ ɯ ɾ e ɡ i"),
        ("씨", "ɕ͈ i"),
        ("실라", "ɕ i l l a"),
        ("학꾜", "h a k̚ k͈ j o"),
        ("위", "w i"),
        ("취소", "ʨʰ y s o"),
        ("의사", "ɰ i s a"),
        ("희망", "h i m a ŋ"),
        ("밥", "p a p̚"),
    ],
)
def test_word_becomes_phonemes(pronounced: str, expected: str) -> None:
    assert symbols(pronounced) == expected


def test_lenis_stop_is_voiced_after_a_vowel_before_the_word() -> None:
    assert symbols("가", voiced_before=False).startswith("k")
    assert symbols("가", voiced_before=True).startswith("ɡ")


def test_a_coda_left_as_written_is_neutralised() -> None:
    assert symbols("값") == symbols("갑")
    assert symbols("꽃") == symbols("꼳")


def test_what_is_no_hangul_is_passed_over() -> None:
    assert sounds("a1?") == []


def test_every_sound_is_listed_and_can_be_said() -> None:
    known = vocabulary()
    for onset in range(19):
        for vowel in range(21):
            for coda in range(28):
                for sound in sounds(chr(0xAC00 + (onset * 21 + vowel) * 28 + coda)):
                    assert sound.symbol in PHONEMES
                    assert all(token in known for token in sound.tokens)
