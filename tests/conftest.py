"""What tests of every room share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.settings import CONFIG_VARIABLE
from media.hear.whisper import WhisperRecogniser
from tests.browser import browser as browser

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _own_settings_file() -> Iterator[None]:
    """Commands that name their settings file to child processes do so for one test only."""
    before = os.environ.get(CONFIG_VARIABLE)
    yield
    os.environ.pop(CONFIG_VARIABLE, None)
    if before is not None:
        os.environ[CONFIG_VARIABLE] = before


@pytest.fixture(scope="session")
def shared() -> Path:
    """The data folder that lies beside some checkouts; tests that need it are skipped elsewhere."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("there is no ../shared beside this checkout")
    return folder


@pytest.fixture(scope="session")
def speech_ko(shared: Path) -> Path:
    """Seven recordings of Korean speech, with `transcripts.json`."""
    folder = shared / "data" / "speech_ko"
    if not folder.is_dir():
        pytest.skip("there are no recordings in ../shared/data/speech_ko")
    return folder


@pytest.fixture(scope="session")
def recogniser() -> WhisperRecogniser:
    """The packaged recogniser, loaded once."""
    made = WhisperRecogniser(words=True)
    made.warm_up()
    return made
