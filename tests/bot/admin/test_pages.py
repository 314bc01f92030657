"""The console's pages in a browser: no fault that axe knows of, at the size of a telephone."""

from __future__ import annotations

from playwright.sync_api import Browser

from tests.bot.admin.conftest import Office
from tests.browser import serving, violations


def test_the_login_page_is_accessible(office: Office, browser: Browser) -> None:
    with serving(office.app) as url:
        page = browser.new_page(viewport={"width": 390, "height": 844}, locale="ko-KR")
        page.goto(f"{url}/admin/login")
        assert page.get_by_label("이메일").is_visible()
        assert violations(page) == []
        page.close()
