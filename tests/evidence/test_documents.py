# SPDX-License-Identifier: Apache-2.0
"""Attached documents: files beside the evidence with every trick in their paths, and a real https server."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from qaqpa.escape import visible
from qaqpa.evidence import documents, fetch
from qaqpa.evidence.documents import Attached, check_documents, documents_of
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.fetch import Fetcher
from qaqpa.evidence.kinds import kind, kinds
from support.contents import contents

BYTES = b"%PDF-1.7 an audit\n"
SHA256 = hashlib.sha256(BYTES).hexdigest()
LOOPBACK = ipaddress.ip_network("127.0.0.1/32")
NOW = datetime.now(timezone.utc)


def card(uri: str, sha256: str = SHA256) -> dict[str, Any]:
    return {"kind": "model_card", "document": {"uri": uri, "sha256": sha256}}


def codes(uri: str, base: Path | None = None, sha256: str = SHA256, **more: Any) -> list[str]:
    found = check_documents(kind("model_card"), card(uri, sha256), "card.json", base=base, **more)
    assert all(one.kind == "model_card" and one.source == "card.json" for one in found)
    assert all(visible(one.detail, 10_000) == one.detail for one in found)
    return [one.code for one in found]


def never(url: str) -> str:
    pytest.fail(f"{url!r} was fetched")


# What evidence names


def test_every_document_of_every_kind_is_found() -> None:
    for name, content in contents(NOW).items():
        found = documents_of(kind(name), content)
        assert len(found) == str(content).count("'sha256'"), name
    responsibility = documents_of(kind("responsibility"), contents(NOW)["responsibility"])
    assert Attached("contracts[0]", "https://example.org/contract.pdf", "e" * 64) in responsibility
    legal = documents_of(kind("legal_basis"), contents(NOW)["legal_basis"])
    assert "consent.template" in [one.field for one in legal]
    assert len(kinds()) > len(contents(NOW))


def test_what_only_looks_like_a_document_is_none() -> None:
    assert documents_of(kind("system"), {"kind": "system", "title": "uri", "models": [{"name": "sha256"}]}) == []


# Files


def test_a_file_beside_the_evidence_is_compared(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "отчёт 1.pdf").write_bytes(BYTES)
    assert codes("docs/отчёт 1.pdf", tmp_path, fetch=never) == []
    assert codes("docs/отчёт 1.pdf", tmp_path, "0" * 64) == ["document_mismatch"]
    assert codes("docs/none.pdf", tmp_path) == ["document_unreachable"]
    assert codes("docs/отчёт 1.pdf", None) == ["document_unreachable"]
    assert codes("docs", tmp_path) == ["document_refused"]


def test_the_refusal_names_document_field_and_both_hashes(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"other")
    detail = check_documents(kind("model_card"), card("a.pdf"), "s", base=tmp_path)[0].detail
    other = hashlib.sha256(b"other").hexdigest()
    assert detail == f"Document a.pdf (document): Its bytes have the SHA-256 {other}, not {SHA256}."


@pytest.mark.parametrize(
    "uri",
    [
        "../secret",
        "docs/../../secret",
        "docs/..",
        "..",
        ".",
        "./a.pdf",
        "docs//a.pdf",
        "docs/",
        "/etc/hostname",
        "//host/share",
        "\\\\host\\share",
        "docs\\..\\..\\secret",
        "..\\secret",
        "C:\\secret",
        "C:/secret",
        "C:secret",
        "%2e%2e/secret",
        "..%2fsecret",
        "%2Fetc%2Fhostname",
        "docs/%252e%252e/secret",
        "a.pdf%00.txt",
        "a.pdf\0.txt",
        "a.pdf\n",
        "a.pdf?x",
        "a.pdf#page=2",
        "file:secret",
        "file:/etc/hostname",
        "file:///etc/hostname",
        "file://localhost/etc/hostname",
        "FILE:///etc/hostname",
        "http://example.org/a.pdf",
        "ftp://example.org/a.pdf",
        "data:text/plain,x",
        "javascript:x",
        "models:/credit/1",
        "runs:/0/a",
        "s3://bucket/a",
        "mlflow-artifacts:/a",
        "gopher://x",
        ":x",
        " https://example.org/a.pdf",
        "\thttps://example.org/a.pdf",
        "view-source:https://example.org/a.pdf",
    ],
)
def test_path_tricks_are_refused_before_anything_is_opened(tmp_path: Path, uri: str) -> None:
    base = tmp_path / "base"
    (base / "docs").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(BYTES)
    assert codes(uri, base, fetch=never) == ["document_refused"]
    assert codes(uri, base) == ["document_refused"]


def test_two_dots_within_a_name_are_a_name(tmp_path: Path) -> None:
    for name in ("a..pdf", "..a", "...", "~", "-", "$HOME", "a:b"):
        (tmp_path / "d").mkdir(exist_ok=True)
        (tmp_path / "d" / name).write_bytes(BYTES)
        assert codes(f"d/{name}", tmp_path) == []


def test_links_are_not_followed_wherever_they_lead(tmp_path: Path) -> None:
    base = tmp_path / "base"
    (base / "docs").mkdir(parents=True)
    (base / "docs" / "a.pdf").write_bytes(BYTES)
    (tmp_path / "secret").write_bytes(BYTES)
    (base / "out").symlink_to(tmp_path)
    (base / "in").symlink_to("docs")
    (base / "file").symlink_to(tmp_path / "secret")
    (base / "absolute").symlink_to("/")
    for uri in ("out/secret", "in/a.pdf", "file", f"absolute{tmp_path}/secret"):
        assert codes(uri, base) == ["document_unreachable"], uri


def test_a_pipe_and_a_device_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert codes("pipe", tmp_path) == ["document_refused"]
    assert codes("zero", Path("/dev")) == ["document_refused"]


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_DOCUMENT_BYTES", len(BYTES))
    (tmp_path / "a").write_bytes(BYTES)
    (tmp_path / "b").write_bytes(BYTES + b"1")
    assert codes("a", tmp_path) == []
    assert codes("b", tmp_path) == ["document_refused"]


@given(st.text(max_size=60) | st.from_regex(r"https:[/\\]{0,3}[^a-z]{0,20}", fullmatch=True))
def test_no_uri_raises(tmp_path_factory: pytest.TempPathFactory, uri: str) -> None:
    found = codes(uri, tmp_path_factory.getbasetemp())
    assert found[0] in {"document_refused", "document_unreachable"}


# https


class Site(BaseHTTPRequestHandler):
    """Serves what a test put at a path; counts what was asked for."""

    pages: dict[str, Callable[[Site], None]]
    asked: list[str]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.asked.append(f"{self.headers['Host']}{self.path}")
        self.pages[self.path](self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Keeps quiet."""


def page(status: int = 200, body: bytes = BYTES, **headers: str) -> Callable[[Site], None]:
    def answer(site: Site) -> None:
        site.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Length": str(len(body)), **named}.items():
            site.send_header(name, value)
        site.end_headers()
        site.wfile.write(body)
        site.close_connection = True

    return answer


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for `localhost` and 127.0.0.1 that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def site(authority: tuple[Path, Path]) -> Iterator[tuple[type[Site], str, Fetcher]]:
    """A server: its pages, its address, and a fetcher that trusts it and may ask 127.0.0.1."""
    handler = type("Own", (Site,), {"pages": {"/a.pdf": page()}, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    trusted = ssl.create_default_context(cafile=str(authority[0]))
    try:
        yield handler, f"https://127.0.0.1:{server.server_port}", Fetcher([LOOPBACK], trusted)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_a_document_behind_https_is_compared(site: tuple[type[Site], str, Fetcher]) -> None:
    handler, url, fetcher = site
    assert codes(f"{url}/a.pdf", fetch=fetcher) == []
    assert codes(f"HTTPS{url[5:]}/a.pdf#page=2", fetch=fetcher) == []
    assert codes(f"{url}/a.pdf", fetch=fetcher, sha256="0" * 64) == ["document_mismatch"]
    assert handler.asked == [f"{url[8:]}/a.pdf"] * 3


def test_query_and_empty_path_are_asked_for(site: tuple[type[Site], str, Fetcher]) -> None:
    handler, url, fetcher = site
    handler.pages = {"/?id=1&x=%2e": page(), "/": page()}
    assert fetcher(f"{url}?id=1&x=%2e") == fetcher(url) == SHA256


def test_a_private_address_is_refused_without_being_asked(site: tuple[type[Site], str, Fetcher]) -> None:
    handler, url, fetcher = site
    port = url.rsplit(":", 1)[1]
    odd = ("127.1", "2130706433", "0x7f000001", "017700000001", "[::ffff:127.0.0.1]")
    for host in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]", *odd):
        assert codes(f"https://{host}:{port}/a.pdf", fetch=Fetcher(context=fetcher.context)) == ["document_refused"], (
            host
        )
    assert handler.asked == []


@pytest.mark.parametrize(
    "address",
    [
        *(
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *("255.255.255.255", "192.0.2.1", "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1"),
        *("::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1", "2001:db8::1", "nonsense"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not Fetcher()._allowed(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"])
def test_addresses_that_are_public(address: str) -> None:
    assert Fetcher()._allowed(address)


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    assert codes("https://example.org/a.pdf") == ["document_refused"]


def test_the_address_that_was_checked_is_the_one_that_is_asked(
    site: tuple[type[Site], str, Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that answers otherwise the second time (DNS rebinding) is not asked a second time."""
    handler, url, fetcher = site
    answers = ["127.0.0.1"]

    def once(_host: str, port: int, **_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(), port))]

    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *args, **more: (once if args[0] == "localhost" else real)(*args, **more)
    )
    assert fetcher(f"https://localhost:{url.rsplit(':', 1)[1]}/a.pdf") == SHA256
    assert (answers, len(handler.asked)) == ([], 1)


def test_a_redirect_is_followed_within_https(site: tuple[type[Site], str, Fetcher]) -> None:
    handler, url, fetcher = site
    handler.pages |= {"/moved": page(302, b"", Location="/again"), "/again": page(308, b"", Location=f"{url}/a.pdf")}
    assert fetcher(f"{url}/moved") == SHA256


@pytest.mark.parametrize(
    "target",
    [
        *("http://127.0.0.1/a", "file:///etc/hostname", "ftp://127.0.0.1/a", "data:text/plain,x", "//127.0.0.2/a"),
        *("https://127.0.0.2/a", "https://169.254.169.254/latest", "https://10.0.0.1/a", "https://[::1]/a"),
        *(
            "https://user:word@127.0.0.1/a",
            "https://[bad",
            "https://[::1%25lo]/a",
            "/a b",
            "\\\\host\\a",
            "/é",
        ),
    ],
)
def test_a_redirect_to_elsewhere_is_refused(site: tuple[type[Site], str, Fetcher], target: str) -> None:
    handler, url, fetcher = site
    handler.pages["/moved"] = page(302, b"", Location=target)
    assert codes(f"{url}/moved", fetch=fetcher) == ["document_refused"]
    assert len(handler.asked) == 1


def test_redirects_without_end(site: tuple[type[Site], str, Fetcher]) -> None:
    handler, url, fetcher = site
    handler.pages["/round"] = page(301, b"", Location="/round")
    assert codes(f"{url}/round", fetch=fetcher) == ["document_unreachable"]
    assert len(handler.asked) == 6


def test_a_document_that_is_too_large_is_refused_while_it_comes(
    site: tuple[type[Site], str, Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, url, fetcher = site
    monkeypatch.setattr(fetch, "MAX_DOCUMENT_BYTES", 200_000)
    sent: list[int] = []

    def endless(answering: Site) -> None:
        answering.send_response(200)
        answering.end_headers()
        try:
            while len(sent) < 10_000:
                answering.wfile.write(bytes(100_000))
                sent.append(1)
        except OSError:
            answering.close_connection = True

    handler.pages["/endless"] = endless
    assert codes(f"{url}/endless", fetch=fetcher) == ["document_refused"]
    assert len(sent) < 1000


@pytest.mark.parametrize(
    "answer",
    [
        page(404),
        page(500),
        page(204, b""),
        page(302, b""),
        page(304, b""),
        page(206),
        page(Content_Encoding="gzip"),
        page(Content_Length=str(len(BYTES) + 1)),
        page(Transfer_Encoding="chunked"),
        lambda site: site.wfile.write(b"nonsense\r\n\r\n"),
        lambda site: site.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1000 + b"\r\n"),
        lambda site: site.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 18\r\n\r\n" + BYTES),
        lambda site: site.connection.close(),
    ],
)
def test_an_answer_that_is_not_the_whole_document(
    site: tuple[type[Site], str, Fetcher], answer: Callable[[Site], None]
) -> None:
    handler, url, fetcher = site

    def ended(answering: Site) -> None:
        answering.close_connection = True
        answer(answering)

    handler.pages["/odd"] = ended
    assert codes(f"{url}/odd", fetch=fetcher)[0] in {"document_unreachable", "document_mismatch"}


@pytest.mark.parametrize("where", ["head", "body"])
def test_an_answer_that_trickles_is_cut_off(site: tuple[type[Site], str, Fetcher], where: str) -> None:
    handler, url, fetcher = site
    stop = threading.Event()

    def trickle(answering: Site) -> None:
        answering.close_connection = True
        answering.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if where == "body" else b"X: "))
        try:
            while not stop.wait(0.05):
                answering.wfile.write(b"1")
        except OSError:
            return

    handler.pages["/slow"] = trickle
    slow = Fetcher(fetcher.networks, fetcher.context, seconds=0.5)
    try:
        with pytest.raises(StatementError, match="takes too long") as caught:
            slow(f"{url}/slow")
    finally:
        stop.set()
    assert caught.value.code == "document_unreachable"


def test_a_handshake_that_never_ends_is_cut_off() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        fetcher = Fetcher([LOOPBACK], seconds=0.5)
        started = time.monotonic()
        with pytest.raises(StatementError, match="takes too long"):
            fetcher(f"https://127.0.0.1:{mute.getsockname()[1]}/a.pdf")
        assert time.monotonic() - started < fetch._PAUSE_SECONDS, "it was cut off, and did not only time out"


def test_a_certificate_that_nobody_vouches_for_or_of_another_host(
    site: tuple[type[Site], str, Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, url, fetcher = site
    assert codes(f"{url}/a.pdf", fetch=Fetcher([LOOPBACK])) == ["document_unreachable"]
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [entry])
    port = url.rsplit(":", 1)[1]
    assert codes(f"https://other.example:{port}/a.pdf", fetch=fetcher) == ["document_unreachable"]
    assert handler.asked == []


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://",
            "https:///a",
            "https:/a",
            "https:a",
            "https://u@h/a",
            "https://u:p@h/a",
            "https://h:x/a",
            "https://h:0/a",
        ),
        *("https://h:99999/a", "https://h/a b", "https://h/\r\nX: y", "https://h/ä", "https://ä/a", "https://h\\@i/a"),
        *("https://[::1/a", "https://h%2ei/a", "https://h/\x00", "https://\u2100.example/a"),
    ],
)
def test_urls_that_are_read_in_two_ways_are_refused(url: str) -> None:
    assert codes(url) == ["document_refused"]


def test_a_host_that_does_not_exist() -> None:
    assert codes("https://nobody.invalid/a.pdf") == ["document_unreachable"]
    assert codes(f"https://{'a' * 70}.example/a.pdf") == ["document_unreachable"]
    assert codes("https://.example/a.pdf") == ["document_unreachable"]
