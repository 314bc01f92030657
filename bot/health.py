"""Whether the service lives (`/healthz`) and whether it can do its work (`/readyz`)."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from flask import Blueprint, Response, jsonify
from kombu.exceptions import OperationalError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from bot.channels.services import services
from bot.jobs import celery_app
from bot.settings import Settings

blueprint = Blueprint("health", __name__)

LEAST_FREE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look at one part showed; `remedy` says what to do where it is not ok."""

    part: str
    ok: bool
    detail: str
    remedy: str = ""


@blueprint.get("/healthz")
def healthz() -> Response:
    """Answer while the process lives."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Answer 200 where database, broker and disk are usable, else 503; only names of parts."""
    held = services()
    findings = look(held.settings, held.sessions)
    ready = all(finding.ok for finding in findings)
    body = jsonify(ready=ready, parts={finding.part: finding.ok for finding in findings})
    return body, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE


def look(settings: Settings, sessions: sessionmaker[Session]) -> list[Finding]:
    """Return what the parts that every request needs show now."""
    looks: list[Callable[[], Finding]] = [
        lambda: database(sessions),
        lambda: broker(settings),
        lambda: disk(settings.app.data_dir),
    ]
    return [one() for one in looks]


def database(sessions: sessionmaker[Session]) -> Finding:
    """Say whether the database answers and its tables are there."""
    try:
        with sessions() as session:
            session.execute(text("SELECT 1 FROM turns LIMIT 1"))
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", error)).partition("\n")[0]
        return Finding(
            "database", False, cause, "Run `silverline db upgrade`, or correct database.url."
        )
    return Finding("database", True, "answers, tables are there")


def broker(settings: Settings) -> Finding:
    """Say whether the broker of the jobs can be reached."""
    if settings.jobs.broker == "filesystem":
        return Finding("broker", True, "a folder on this machine; needs no server")
    try:
        with celery_app(settings).connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=2)
    except (OperationalError, OSError) as error:
        return Finding("broker", False, str(error), "Start the broker, or correct jobs.broker.")
    return Finding("broker", True, "reachable")


def disk(folder: Path) -> Finding:
    """Say whether `folder` can be written and has room."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".probe")
        os.close(descriptor)
        os.unlink(name)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("disk", False, f"{folder}: {error.strerror}", "Make app.data_dir writable.")
    room = f"{free / 1e9:.1f} GB free in {folder}"
    return Finding("disk", free >= LEAST_FREE_BYTES, room, "Free some room, or move app.data_dir.")
