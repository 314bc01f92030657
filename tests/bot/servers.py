"""Servers that some tests need: PostgreSQL, Redis and RabbitMQ on this machine.

A test without its server is skipped, except in CI, where it fails.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest

POSTGRES = os.environ.get("TEST_POSTGRES", "postgresql://root@127.0.0.1/test")
REDIS = os.environ.get("TEST_REDIS", "redis://127.0.0.1:6379/9")
RABBITMQ = os.environ.get("TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672//")


def need(url: str, name: str, variable: str) -> None:
    """Skip the test where no server listens at `url`; in CI it fails instead."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 5432), timeout=2).close()
    except OSError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"{name} is not reachable at {parts.hostname} ({error}); set {variable}")


@contextmanager
def postgres_database() -> Iterator[str]:
    """Give the address of a new PostgreSQL database, which is dropped afterwards."""
    need(POSTGRES, "PostgreSQL", "TEST_POSTGRES")
    name = f"silverline_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield POSTGRES.rpartition("/")[0] + "/" + name
    finally:
        with psycopg.connect(POSTGRES, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
