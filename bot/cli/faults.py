"""What a command that needs the neural extra says when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from media.errors import MediaError


@contextmanager
def told() -> Iterator[None]:
    """Within this block a MediaError, or a package that is missing, is told with its remedy."""
    try:
        yield
    except MediaError as error:
        raise click.ClickException(str(error)) from error
    except ImportError as error:
        raise click.ClickException(
            f"{error.name} is not installed. Run: pip install 'silverline[neural]'"
        ) from error
