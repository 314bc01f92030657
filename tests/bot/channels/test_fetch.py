"""No address leads anywhere but to the vendor."""

from __future__ import annotations

import base64
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bot.channels.fetch import CHUNK, FetchError, Outlet, allowed, is_public, resolve

HOSTS = ("api.twilio.com", "twiliocdn.com", "kakaocdn.net")

REFUSED_ADDRESSES = [
    "http://api.twilio.com/a",
    "ftp://api.twilio.com/a",
    "file:///etc/passwd",
    "file://api.twilio.com/etc/passwd",
    "gopher://api.twilio.com/",
    "data:audio/wav;base64,AAAA",
    "javascript:alert(1)",
    "",
    "//api.twilio.com/a",
    "api.twilio.com/a",
    "https:api.twilio.com",
    "https:///a",
    "https://",
    "https://evil.example/a",
    "https://twilio.com/a",
    "https://api.twilio.com.evil.example/a",
    "https://evilapi.twilio.com.example",
    "https://eviltwiliocdn.com/a",
    "https://twiliocdn.com.kr/a",
    "https://api.twilio.com@evil.example/a",
    "https://evil.example@api.twilio.com/a",
    "https://user:word@api.twilio.com/a",
    "https://api.twilio.com\\@evil.example/a",
    "https://evil.example\\.api.twilio.com/a",
    "https://evil.example#.twiliocdn.com/a",
    "https://evil.example?.twiliocdn.com/a",
    "https://api.twilio.com:22/a",
    "https://api.twilio.com:8443/a",
    "https://api.twilio.com:443:22/a",
    "https://api.twilio.com:0x1bb/a",
    "https://api.twilio.com:99999/a",
    "https://api.twilio.com./a",
    "https://.twiliocdn.com/a",
    "https://a..twiliocdn.com/a",
    "https://-a.twiliocdn.com/a",
    "https://api.twilio.com%2eevil.example/a",
    "https://%61pi.twilio.com/a",
    "https://api。twilio。com/a",
    "https://аpi.twilio.com/a",
    "https://ａｐｉ.twilio.com/a",
    "https://api.twilio.com/a b",
    "https://api.twilio.com/a\r\nHost: evil.example",
    "https://api.twilio.com\t/a",
    " https://api.twilio.com/a",
    "https://api.twilio.com/\x00",
    "https://api.twilio.com/a|b",
    "https://api.twilio.com/{a}",
    "https://[::1]/a",
    "https://[::ffff:127.0.0.1]/a",
    "https://[fe80::1%25eth0]/a",
    "https://[api.twilio.com]/a",
    "https://127.0.0.1/a",
    "https://127.1/a",
    "https://2130706433/a",
    "https://0x7f000001/a",
    "https://0177.0.0.1/a",
    "https://0/a",
    "https://169.254.169.254/latest/meta-data",
    "https://metadata.google.internal/a",
    "https://localhost/a",
    "https://10.0.0.1/a",
    "https://api.twilio.com/" + "a" * 5000,
    "https://" + "a." * 150 + "twiliocdn.com/a",
]

GOOD_ADDRESSES = [
    "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1",
    "https://api.twilio.com:443/a",
    "HTTPS://API.TWILIO.COM/a",
    "https://media.twiliocdn.com/a?x=1&y=%20",
    "https://talk.kakaocdn.net/dna/a/b.m4a?credential=x&expires=1&signature=a%2Bb",
]

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
]


@pytest.mark.parametrize("url", REFUSED_ADDRESSES)
def test_an_address_that_is_not_the_vendors_is_refused(url: str) -> None:
    with pytest.raises(FetchError) as caught:
        Outlet(HOSTS).check(url)
    assert caught.value.code in ("address", "host")
    assert caught.value.permanent


@pytest.mark.parametrize("url", GOOD_ADDRESSES)
def test_an_address_of_the_vendor_is_let_through(url: str) -> None:
    target = Outlet(HOSTS).check(url)
    assert target.scheme == "https"
    assert target.port == 443
    assert allowed(target.host, HOSTS)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)
    outlet = Outlet(HOSTS, resolver=lambda host, port: [address])
    with pytest.raises(FetchError) as caught:
        outlet.pin(outlet.check("https://api.twilio.com/a"))
    assert caught.value.code == "private"
    assert address not in str(caught.value)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450::1"])
def test_a_public_address_is_connected_to_as_it_was_checked(address: str) -> None:
    outlet = Outlet(HOSTS, resolver=lambda host, port: [address])
    assert outlet.pin(outlet.check("https://api.twilio.com/a")) == address


def test_one_private_address_among_public_ones_is_refused() -> None:
    outlet = Outlet(HOSTS, resolver=lambda host, port: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(FetchError, match="private"):
        outlet.pin(outlet.check("https://api.twilio.com/a"))


def test_a_host_without_an_address_may_have_one_later() -> None:
    with pytest.raises(FetchError) as caught:
        resolve("nowhere.invalid", 443)
    assert not caught.value.permanent
    outlet = Outlet(HOSTS, resolver=lambda host, port: [])
    with pytest.raises(FetchError) as caught:
        outlet.pin(outlet.check("https://api.twilio.com/a"))
    assert caught.value.code == "network"


def test_the_name_is_resolved_once_for_each_connection() -> None:
    """A name that turns private between check and connection finds the checked address used."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    with playing(lambda handler: handler.reply(200, b"x")) as port:
        outlet = Outlet(("localhost",), ("localhost",), resolver=lambda host, port: next(answers))
        _, content = outlet.post_json(f"http://localhost:{port}/", b"{}", seconds=5)
    assert content == b"x"
    assert next(answers) == ["10.0.0.1"]


class Handler(BaseHTTPRequestHandler):
    """A host whose behaviour each test writes."""

    play: Callable[[Handler], None]

    def do_GET(self) -> None:  # noqa: N802
        type(self).play(self)

    do_POST = do_GET  # noqa: N815

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        headers.setdefault("Content_Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def playing(
    play: Callable[[Handler], None], context: ssl.SSLContext | None = None
) -> Iterator[int]:
    kind = type("Played", (Handler,), {"play": staticmethod(play)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


LOCAL = Outlet(("127.0.0.1", "localhost"), ("127.0.0.1", "localhost"))


def get(port: int, target: Path, host: str = "127.0.0.1", **options: object) -> object:
    limits: dict[str, object] = {"max_bytes": 1_000_000, "seconds": 5.0, **options}
    return LOCAL.fetch(f"http://{host}:{port}/a", target, **limits)  # type: ignore[arg-type]


def test_a_recording_is_written_with_its_type(tmp_path: Path) -> None:
    def play(handler: Handler) -> None:
        assert handler.headers["Accept-Encoding"] == "identity"
        pair = base64.b64encode(b"AC1:word").decode()
        assert handler.headers["Authorization"] == f"Basic {pair}"
        handler.reply(200, b"x" * 100_000, Content_Type="Audio/OGG; codecs=opus")

    target = tmp_path / "a"
    with playing(play) as port:
        fetched = get(port, target, auth=("AC1", "word"))
    assert fetched == type(fetched)(100_000, "audio/ogg")  # type: ignore[call-arg]
    assert target.read_bytes() == b"x" * 100_000


def test_a_file_that_says_it_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (
        playing(lambda handler: handler.reply(200, b"", Content_Length="200000000")) as port,
        pytest.raises(FetchError) as caught,
    ):
        get(port, tmp_path / "a")
    assert caught.value.code == "size"
    assert caught.value.permanent
    assert not (tmp_path / "a").exists()


def test_a_file_of_200_mb_that_does_not_say_so_is_cut_off(tmp_path: Path) -> None:
    sent = []

    def play(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(200):
            try:
                sent.append(handler.wfile.write(bytes(1_000_000)))
            except OSError:
                return

    with playing(play) as port, pytest.raises(FetchError) as caught:
        get(port, tmp_path / "a")
    assert caught.value.code == "size"
    assert len(sent) < 50
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_vendors_hosts_loses_the_password(
    tmp_path: Path, status: int
) -> None:
    seen: list[tuple[str, bool]] = []

    def play(handler: Handler) -> None:
        host = handler.headers["Host"]
        seen.append((host.partition(":")[0], "Authorization" in handler.headers))
        if host.startswith("127"):
            port = host.partition(":")[2]
            handler.reply(status, b"", Location=f"http://localhost:{port}/b")
        else:
            handler.reply(200, b"sound")

    with playing(play) as port:
        get(port, tmp_path / "a", auth=("AC1", "word"))
    assert seen == [("127.0.0.1", True), ("localhost", False)]
    assert (tmp_path / "a").read_bytes() == b"sound"


def test_a_redirect_on_the_same_host_keeps_the_password(tmp_path: Path) -> None:
    seen = []

    def play(handler: Handler) -> None:
        seen.append("Authorization" in handler.headers)
        if handler.path == "/a":
            handler.reply(302, b"", Location="/b")
        else:
            handler.reply(200, b"sound")

    with playing(play) as port:
        get(port, tmp_path / "a", auth=("AC1", "word"))
    assert seen == [True, True]


@pytest.mark.parametrize(
    "location",
    [
        "http://evil.example/",
        "https://evil.example/",
        "//evil.example/",
        "https://127.0.0.1.evil.example/",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "",
    ],
)
def test_a_redirect_elsewhere_is_refused(tmp_path: Path, location: str) -> None:
    with (
        playing(lambda handler: handler.reply(302, b"", Location=location)) as port,
        pytest.raises(FetchError) as caught,
    ):
        get(port, tmp_path / "a")
    assert caught.value.code == "redirect"
    assert not (tmp_path / "a").exists()


def test_a_redirect_into_a_private_network_is_refused(tmp_path: Path) -> None:
    outlet = Outlet(
        ("127.0.0.1", "cdn.example"),
        ("127.0.0.1",),
        resolver=lambda host, port: ["10.0.0.1" if host == "cdn.example" else "127.0.0.1"],
    )
    with (
        playing(lambda h: h.reply(302, b"", Location="https://cdn.example/a")) as port,
        pytest.raises(FetchError) as caught,
    ):
        outlet.fetch(f"http://127.0.0.1:{port}/", tmp_path / "a", max_bytes=10, seconds=5)
    assert caught.value.code == "private"


@pytest.mark.parametrize(
    ("status", "permanent"), [(404, True), (403, True), (429, False), (500, False), (204, True)]
)
def test_another_status_is_an_error(tmp_path: Path, status: int, permanent: bool) -> None:
    with (
        playing(lambda handler: handler.reply(status)) as port,
        pytest.raises(FetchError) as caught,
    ):
        get(port, tmp_path / "a")
    assert caught.value.code == "status"
    assert caught.value.status == status
    assert caught.value.permanent is permanent


def test_a_host_that_trickles_is_cut_off(tmp_path: Path) -> None:
    done = threading.Event()

    def play(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not done.wait(0.05):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return

    with playing(play) as port, pytest.raises(FetchError) as caught:
        get(port, tmp_path / "a", seconds=0.5)
    done.set()
    assert caught.value.code == "time"
    assert not caught.value.permanent
    assert not (tmp_path / "a").exists()


def test_a_host_that_trickles_its_headers_is_cut_off(tmp_path: Path) -> None:
    done = threading.Event()

    def play(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-A: ")
        while not done.wait(0.05):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return

    with playing(play) as port, pytest.raises(FetchError) as caught:
        get(port, tmp_path / "a", seconds=0.5)
    done.set()
    assert caught.value.code == "time"


def test_a_file_that_ends_early_is_an_error(tmp_path: Path) -> None:
    with (
        playing(lambda handler: handler.reply(200, b"half", Content_Length="1000")) as port,
        pytest.raises(FetchError) as caught,
    ):
        get(port, tmp_path / "a")
    assert caught.value.code == "network"
    assert not (tmp_path / "a").exists()


def test_a_packed_answer_is_not_unpacked(tmp_path: Path) -> None:
    """What is small packed may be gigabytes unpacked."""
    with playing(
        lambda handler: handler.reply(200, b"\x1f\x8b packed", Content_Encoding="gzip")
    ) as port:
        get(port, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"\x1f\x8b packed"


def test_a_closed_door_may_open_later(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FetchError) as caught:
        get(port, tmp_path / "a")
    assert caught.value.code == "network"
    assert not caught.value.permanent


def test_posted_json_arrives_and_its_answer_is_bounded() -> None:
    def play(handler: Handler) -> None:
        assert handler.headers["Content-Type"] == "application/json; charset=utf-8"
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.reply(200, body)

    with playing(play) as port:
        url = f"http://127.0.0.1:{port}/callback"
        assert LOCAL.post_json(url, b'{"a": 1}', seconds=5) == (200, b'{"a": 1}')
        with pytest.raises(FetchError, match="larger"):
            LOCAL.post_json(url, b"x" * (CHUNK + 1), seconds=5)


def test_https_is_checked_against_the_name_not_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    try:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
            + ["-nodes", "-keyout", str(key), "-out", str(certificate), "-days", "2"]
            + ["-subj", "/CN=media.example", "-addext", "subjectAltName=DNS:media.example"],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed here")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    outlet = Outlet(
        ("media.example", "other.example"),
        ("media.example", "other.example"),
        resolver=lambda host, port: ["127.0.0.1"],
    )
    limits = {"max_bytes": 100, "seconds": 5.0}
    with playing(lambda handler: handler.reply(200, b"sound"), context) as port:
        with pytest.raises(FetchError, match="connection failed"):
            outlet.fetch(f"https://media.example:{port}/", tmp_path / "a", **limits)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        outlet.fetch(f"https://media.example:{port}/", tmp_path / "a", **limits)
        assert (tmp_path / "a").read_bytes() == b"sound"
        with pytest.raises(FetchError, match="connection failed"):
            outlet.fetch(f"https://other.example:{port}/", tmp_path / "b", **limits)
