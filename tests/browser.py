"""A headless Chromium and a server for it: what the tests of pages in a browser share."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def chromium_path() -> str:
    """Return where Chromium is; the test is skipped where there is none, in CI it fails."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    told = f"no browser ({', '.join(NAMES)}) on this machine: apt-get install chromium fonts-nanum"
    if os.environ.get("CI") == "true":
        raise RuntimeError(told)
    pytest.skip(told)


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Give a headless Chromium started with `flags` besides the usual ones."""
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for the tests of one module: playwright's event loop must not outlive it."""
    with chromium() as opened:
        yield opened


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing of requests."""


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve `app` on a free port of this machine while the block runs; give its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong with the page as it is now, one line a rule."""
    options = {"runOnly": {"type": "tag", "values": list(WCAG)}}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {', '.join(str(node['target']) for node in one['nodes'][:3])}"
        for one in found
    ]
