"""보조금24 (odcloud `gov24/v3`): paged, resumed after a stop, and slow enough for its limit.

Each page is kept as a file until all three lists are complete, so that a run which was cut off
asks only for what is missing.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import requests

from bot.knowledge.importers.common import SourceError, article_id, clean, contact, spoken_answer
from bot.knowledge.types import Article

ORIGIN = "gov24"
URL = "https://api.odcloud.kr/api/gov24/v3"
LISTS = ("serviceList", "serviceDetail", "supportConditions")
_BUSY = frozenset({429, 500, 502, 503, 504})
_AGES = ("JA0110", "JA0111")
_CONDITIONS = {
    "JA0101": "남성", "JA0102": "여성", "JA0201": "기준 중위소득 50% 이하",
    "JA0202": "기준 중위소득 51~75%", "JA0328": "장애인", "JA0329": "국가보훈대상자",
    "JA0330": "질병이 있는 분", "JA0404": "1인 가구", "JA0402": "한부모 또는 조손 가정",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """How politely to ask: pages of `per_page` rows, at most `per_second` requests."""

    per_page: int = 500
    per_second: float = 5.0
    attempts: int = 5
    wait: float = 1.0
    """Seconds before the first repetition; doubled each time."""
    timeout: float = 30.0


class Gov24:
    """Fetches the three lists into `folder` and makes articles of them."""

    def __init__(
        self, key: str, folder: Path, url: str = URL, limits: Limits | None = None
    ) -> None:
        """Use the portal's service `key` (decoded form); pages are kept in `folder`."""
        if not key:
            raise SourceError(
                "gov24: needs a key of the public data portal (data.go.kr, 보조금24). "
                "Set SILVERLINE_KNOWLEDGE__GOV24_KEY."
            )
        self._key = key
        self._folder = folder
        self._url = url.rstrip("/")
        self._limits = limits or Limits()
        self._session = requests.Session()
        self._last = 0.0

    def fetch(self, progress: Callable[[str, int, int], None] | None = None) -> list[Article]:
        """Return every service as an article; `progress` gets list, rows so far, rows in all.

        Raises SourceError for a refused key, a service that stays busy, or an unknown answer.
        """
        tables = {name: list(self._rows(name, progress)) for name in LISTS}
        details = {row["서비스ID"]: row for row in tables["serviceDetail"]}
        conditions = {row["서비스ID"]: row for row in tables["supportConditions"]}
        articles = [
            _article(row, details.get(row["서비스ID"], {}), conditions.get(row["서비스ID"], {}))
            for row in tables["serviceList"]
        ]
        shutil.rmtree(self._folder, ignore_errors=True)
        return articles

    def _rows(
        self, name: str, progress: Callable[[str, int, int], None] | None
    ) -> Iterator[Mapping[str, Any]]:
        done, page, total = 0, 1, 1
        while done < total:
            answer = self._page(name, page)
            rows = answer["data"]
            total = int(answer["totalCount"])
            done += len(rows)
            page += 1
            yield from rows
            if progress is not None:
                progress(name, done, total)
            if not rows:
                break

    def _page(self, name: str, page: int) -> dict[str, Any]:
        kept = self._folder / f"{name}-{self._limits.per_page}-{page}.json"
        if kept.exists():
            found: dict[str, Any] = json.loads(kept.read_text("utf-8"))
            return found
        answer = self._ask(name, page)
        self._folder.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        part.write_text(json.dumps(answer, ensure_ascii=False), "utf-8")
        part.replace(kept)
        return answer

    def _ask(self, name: str, page: int) -> dict[str, Any]:
        query: dict[str, str | int] = {
            "page": page,
            "perPage": self._limits.per_page,
            "returnType": "JSON",
            "serviceKey": self._key,
        }
        wait = self._limits.wait
        reason = ""
        for _ in range(self._limits.attempts):
            self._pace()
            try:
                response = self._session.get(
                    f"{self._url}/{name}",
                    params=query,
                    timeout=self._limits.timeout,
                    allow_redirects=False,
                )
            except (requests.ConnectionError, requests.Timeout) as error:
                reason = type(error).__name__
            else:
                if response.status_code not in _BUSY:
                    return _checked(response, name)
                reason = f"HTTP {response.status_code}"
                wait = max(wait, _seconds(response.headers.get("Retry-After")))
            time.sleep(wait)
            wait *= 2
        raise SourceError(
            f"gov24: {name} page {page} was not answered ({reason}). "
            "Run the import again later: it goes on where it stopped."
        )

    def _pace(self) -> None:
        rest = self._last + 1 / self._limits.per_second - time.monotonic()
        if rest > 0:
            time.sleep(rest)
        self._last = time.monotonic()


def _seconds(value: str | None) -> float:
    return float(value) if value and value.isdigit() else 0.0


def _checked(response: requests.Response, name: str) -> dict[str, Any]:
    if response.status_code in (401, 403):
        raise SourceError(
            "gov24: the portal refused the key. Check SILVERLINE_KNOWLEDGE__GOV24_KEY (its decoded "
            "form) and that the use of 보조금24 is approved."
        )
    try:
        answer: dict[str, Any] = response.json()
    except ValueError as error:
        raise SourceError(
            f"gov24: {name} answered HTTP {response.status_code} without JSON. Try again later."
        ) from error
    if response.status_code != 200 or not {"data", "totalCount"} <= answer.keys():
        raise SourceError(
            f"gov24: {name} answered HTTP {response.status_code}: {answer.get('msg', '')}. "
            "Check the key and the address."
        )
    return answer


def _article(
    row: Mapping[str, Any], detail: Mapping[str, Any], condition: Mapping[str, Any]
) -> Article:
    name = _text(row, "서비스명")
    purpose = _text(detail, "서비스목적") or _text(row, "서비스목적요약")
    parts = [purpose]
    for key in ("지원대상", "선정기준", "지원내용", "신청방법", "신청기한"):
        said = _text(detail, key) or _text(row, key)
        if said:
            parts.append(f"{key}: {said}")
    parts.append(_conditions(condition))
    phone = _text(detail, "문의처") or _text(row, "전화문의")
    call = contact(phone)
    agency = _text(row, "소관기관명")
    return Article(
        id=article_id(ORIGIN, _text(row, "서비스ID")),
        title=name,
        questions=(),
        answer=spoken_answer(name, purpose, _text(row, "지원내용")),
        next_step=f"{call.name or agency}에 먼저 물어보세요." if call.number else "",
        documents=tuple(
            line.strip(" -·") for line in _text(detail, "구비서류").splitlines()[:5] if line.strip()
        ),
        contact_name=call.name or agency,
        contact_number=call.number,
        source_name="보조금24",
        source_url=_text(row, "상세조회URL") or "https://www.gov.kr",
        checked=_day(_text(detail, "수정일시") or _text(row, "수정일시")),
        topic=_text(row, "서비스분야"),
        keywords=tuple(word for word in (_text(row, "서비스분야"), agency) if word),
        body="\n".join(clean(part) for part in parts if part),
        origin=ORIGIN,
    )


def _text(row: Mapping[str, Any], key: str) -> str:
    return str(row.get(key) or "").strip()


def _conditions(condition: Mapping[str, Any]) -> str:
    said = [name for code, name in _CONDITIONS.items() if condition.get(code) == "Y"]
    first, last = (condition.get(code) for code in _AGES)
    if first not in (None, "") and last not in (None, ""):
        said.append(f"{first}세부터 {last}세까지")
    return f"조건: {', '.join(said)}" if said else ""


def _day(text: str) -> date:
    digits = "".join(character for character in text if character.isdigit())[:8]
    if len(digits) == 8:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    return date.today()
