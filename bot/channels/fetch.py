"""Addresses that a vendor names, reached without being led astray.

A webhook may name any address: of another host, of this machine, of one that redirects to either.
An `Outlet` reaches only the hosts it was given, over https, at an address that it has resolved and
checked itself, and lets nothing past its limits.
"""

from __future__ import annotations

import base64
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Literal
from urllib.parse import urljoin, urlsplit

from urllib3 import BaseHTTPResponse, HTTPHeaderDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_match_hostname import CertificateError

MAX_REDIRECTS = 2
MAX_URL = 4096
CHUNK = 64 * 1024
REPLY_BYTES = 64 * 1024

_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Ranges that carry an IPv4 address inside, or that `is_global` has called public in some version.
_WRAPPERS = tuple(
    ipaddress.ip_network(text)
    for text in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10")
)

Code = Literal["address", "host", "private", "redirect", "size", "time", "status", "network"]


class FetchError(Exception):
    """An address was not reached: `code` says which rule, `permanent` that trying again is vain.

    The message never carries the address, what it resolved to, or a secret.
    """

    def __init__(self, code: Code, cause: str, *, permanent: bool = True, status: int = 0) -> None:
        super().__init__(cause)
        self.code: Code = code
        self.permanent = permanent
        self.status = status


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was written to the target: bytes and the content type that the host named."""

    size: int
    content_type: str


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address: where to connect, and what to ask for there."""

    scheme: str
    host: str
    port: int
    path: str


def allowed(host: str, hosts: tuple[str, ...]) -> bool:
    """Say whether `host` is one of `hosts` or a subdomain of one."""
    return any(host == name or host.endswith("." + name) for name in hosts)


def is_public(address: str) -> bool:
    """Say whether an IP address belongs to the public internet, and wraps no other address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and any(ip in net for net in _WRAPPERS):
        return False
    if getattr(ip, "ipv4_mapped", None) is not None:
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def resolve(host: str, port: int) -> list[str]:
    """Return the IP addresses of `host`; FetchError where it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError("network", "the host has no address", permanent=False) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class Outlet:
    """A way out to `hosts` (and their subdomains) only.

    `private_hosts` are named one by one by whoever runs the service (a test, a proxy inside the
    house): for them plain http, any port and a private address are let through.
    """

    hosts: tuple[str, ...]
    private_hosts: tuple[str, ...] = ()
    resolver: Callable[[str, int], list[str]] = resolve

    def check(self, url: str) -> Target:
        """Return where `url` leads; FetchError where its form or its host is not allowed."""
        if len(url) > MAX_URL or not url.isascii() or not url.isprintable():
            raise FetchError("address", "the address is not a plain web address")
        if set(url) & set(' \\"<>^`{|}'):
            raise FetchError("address", "the address holds a character that none may hold")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise FetchError("address", "the address cannot be read") from error
        host = (parts.hostname or "").lower()
        if "@" in parts.netloc:
            raise FetchError("address", "the address carries a user name")
        if len(host) > 253 or not _HOST.fullmatch(host) or not allowed(host, self.hosts):
            raise FetchError("host", "the address is not one of the vendor's hosts")
        private = host in self.private_hosts
        if parts.scheme != "https" and not (private and parts.scheme == "http"):
            raise FetchError("address", "the address is not an https address")
        standard = 443 if parts.scheme == "https" else 80
        if port not in (None, standard) and not private:
            raise FetchError("address", "the address names an unusual port")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(parts.scheme, host, standard if port is None else port, path)

    def pin(self, target: Target) -> str:
        """Return the one IP address to connect to; FetchError where any of them is private."""
        addresses = self.resolver(target.host, target.port)
        if not addresses:
            raise FetchError("network", "the host has no address", permanent=False)
        if target.host not in self.private_hosts and not all(map(is_public, addresses)):
            raise FetchError("private", "the host leads into a private network")
        return addresses[0]

    def fetch(
        self,
        url: str,
        target: Path,
        *,
        max_bytes: int,
        seconds: float,
        auth: tuple[str, str] | None = None,
    ) -> Fetched:
        """Write what `url` holds to `target`, at most `max_bytes` in `seconds` overall.

        `auth` (user, password) goes to the first host only, never along a redirect to another.
        A failed fetch leaves no file. Raises FetchError.
        """
        deadline = time.monotonic() + seconds
        first = self.check(url)
        where = first
        for _ in range(MAX_REDIRECTS + 1):
            same = (where.scheme, where.host, where.port) == (first.scheme, first.host, first.port)
            headers = _headers(where, auth if same else None)
            with self._asked("GET", where, headers, None, deadline) as response:
                if response.status not in _REDIRECTS:
                    return _save(response, target, max_bytes, deadline)
                url = urljoin(url, response.headers.get("Location", ""))
            try:
                where = self.check(url)
            except FetchError as error:
                raise FetchError("redirect", f"it redirects, and {error}") from error
        raise FetchError("redirect", "it redirects too often")

    def post_json(self, url: str, body: bytes, *, seconds: float) -> tuple[int, bytes]:
        """POST a JSON `body` to `url`; return the status and the first 64 KiB of the reply.

        No redirect is followed. Raises FetchError where no reply came.
        """
        deadline = time.monotonic() + seconds
        target = self.check(url)
        headers = _headers(target, None)
        headers["Content-Type"] = "application/json; charset=utf-8"
        with self._asked("POST", target, headers, body, deadline) as response:
            content = b"".join(_chunks(response, REPLY_BYTES, deadline))
            return response.status, content

    @contextmanager
    def _asked(
        self,
        method: str,
        target: Target,
        headers: HTTPHeaderDict,
        body: bytes | None,
        deadline: float,
    ) -> Iterator[BaseHTTPResponse]:
        """Yield the answer of one request; the socket is shut when the deadline passes."""
        connection = _connection(target, self.pin(target), _left(deadline))
        watch: threading.Timer | None = None
        try:
            connection.connect()
            # Socket timeouts start anew with each byte: only a clock beside it bounds the whole.
            watch = threading.Timer(_left(deadline), _shut, [connection.sock])
            watch.daemon = True
            watch.start()
            connection.request(
                method,
                target.path,
                body=body,
                headers=headers,
                preload_content=False,
                decode_content=False,
            )
            yield connection.getresponse()
        except (OSError, HTTPError, CertificateError) as error:
            if time.monotonic() >= deadline:
                raise FetchError("time", "it took too long", permanent=False) from error
            raise FetchError("network", "the connection failed", permanent=False) from error
        finally:
            if watch is not None:
                watch.cancel()
            connection.close()


def _headers(target: Target, auth: tuple[str, str] | None) -> HTTPHeaderDict:
    standard = {"https": 443, "http": 80}[target.scheme]
    host = target.host if target.port == standard else f"{target.host}:{target.port}"
    headers = HTTPHeaderDict(
        {"Host": host, "Accept-Encoding": "identity", "User-Agent": "silverline"}
    )
    if auth is not None:
        pair = base64.b64encode(f"{auth[0]}:{auth[1]}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    return headers


def _connection(target: Target, address: str, seconds: float) -> HTTPConnection:
    if target.scheme == "http":
        return HTTPConnection(address, target.port, timeout=seconds)
    # The certificate is checked against the name, though the connection goes to the address.
    return HTTPSConnection(
        address,
        target.port,
        timeout=seconds,
        ssl_context=ssl.create_default_context(),
        server_hostname=target.host,
        assert_hostname=target.host,
    )


def _shut(held: socket.socket) -> None:
    with suppress(OSError):
        held.shutdown(socket.SHUT_RDWR)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise FetchError("time", "it took too long", permanent=False)
    return left


def _chunks(response: BaseHTTPResponse, max_bytes: int, deadline: float) -> Iterator[bytes]:
    size = 0
    while chunk := response.read(CHUNK):
        size += len(chunk)
        if size > max_bytes:
            raise FetchError("size", f"it is larger than {max_bytes} bytes")
        yield chunk
    # A socket shut by the clock reads like an end.
    _left(deadline)


def _save(response: BaseHTTPResponse, target: Path, max_bytes: int, deadline: float) -> Fetched:
    status = response.status
    if status != HTTPStatus.OK:
        passing = status in (408, 425, 429) or status >= 500
        raise FetchError(
            "status", f"the host answered {status}", permanent=not passing, status=status
        )
    declared = response.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise FetchError("size", f"it is larger than {max_bytes} bytes")
    size = 0
    try:
        with target.open("wb") as file:
            for chunk in _chunks(response, max_bytes, deadline):
                size += file.write(chunk)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Fetched(size, kind)
