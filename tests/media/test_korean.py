"""Korean tokens: every sound has its own, each starting from a published one."""

import numpy as np

from media.speak.korean import PUBLISHED, learnt, mark, names_of, published, tokens_of
from media.speak.phonemes import Sound, sounds, vocabulary


def test_a_sound_has_its_own_tokens_and_they_start_from_its_letters() -> None:
    for word in ("칠", "판", "뚝", "의", "값"):
        for place, sound in enumerate(sounds(word)):
            ids = tokens_of(sound, place == 0)
            assert min(ids) >= PUBLISHED
            assert published(ids) == [vocabulary()[letter] for letter in sound.tokens]


def test_the_first_sound_of_a_word_and_a_coda_have_tokens_of_their_own() -> None:
    first, vowel, last = sounds("각")
    assert names_of(first, True) == ("^k:0",) and names_of(last, False) == ("k̚_:0",)
    assert tokens_of(first, True) != tokens_of(first, False)
    assert tokens_of(vowel, False) != tokens_of(vowel, True)


def test_what_was_not_learnt_is_said_with_published_tokens() -> None:
    strange = Sound("ʒ", "ʒ", "consonant")
    assert tokens_of(strange, True) == (vocabulary()["ʒ"],)
    assert mark(";") == vocabulary()[";"] < PUBLISHED <= mark(".")


def test_the_file_holds_small_differences() -> None:
    known = learnt()
    assert len(known.names) == len(set(known.names)) == len(known.letters)
    assert known.content.shape == (len(known.names), 512)
    assert known.prosody.shape == (len(known.names), 128)
    assert all(np.abs(speaker).max() < 0.5 for speaker in known.speakers.values())
