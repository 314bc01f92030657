"""One service with a call server for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.calls.service import Service, serving


@pytest.fixture(scope="module")
def service(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Web application and call server, with scripted conversations."""
    with serving(tmp_path_factory.mktemp("service"), tables) as running:
        yield running
