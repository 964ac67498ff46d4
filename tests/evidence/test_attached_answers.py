# SPDX-License-Identifier: Apache-2.0
"""Attached documents behind https: only the whole document, in time and from whom the address names, is compared."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest

from qaqpa.evidence import fetch
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.fetch import Fetcher
from support.attached import BYTES, LOOPBACK, SHA256, codes
from support.sites import Served, Site, page


def test_a_document_behind_https_is_compared(site: Served) -> None:
    handler, url, fetcher = site
    assert codes(f"{url}/a.pdf", fetch=fetcher) == []
    assert codes(f"HTTPS{url[5:]}/a.pdf#page=2", fetch=fetcher) == []
    assert codes(f"{url}/a.pdf", fetch=fetcher, sha256="0" * 64) == ["document_mismatch"]
    assert handler.asked == [f"{url[8:]}/a.pdf"] * 3


def test_query_and_empty_path_are_asked_for(site: Served) -> None:
    handler, url, fetcher = site
    handler.pages = {"/?id=1&x=%2e": page(), "/": page()}
    assert fetcher(f"{url}?id=1&x=%2e") == fetcher(url) == SHA256


def test_a_document_that_is_too_large_is_refused_while_it_comes(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_an_answer_that_is_not_the_whole_document(site: Served, answer: Callable[[Site], None]) -> None:
    handler, url, fetcher = site

    def ended(answering: Site) -> None:
        answering.close_connection = True
        answer(answering)

    handler.pages["/odd"] = ended
    assert codes(f"{url}/odd", fetch=fetcher)[0] in {"document_unreachable", "document_mismatch"}


@pytest.mark.parametrize("where", ["head", "body"])
def test_an_answer_that_trickles_is_cut_off(site: Served, where: str) -> None:
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
    site: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, url, fetcher = site
    assert codes(f"{url}/a.pdf", fetch=Fetcher([LOOPBACK])) == ["document_unreachable"]
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [entry])
    port = url.rsplit(":", 1)[1]
    assert codes(f"https://other.example:{port}/a.pdf", fetch=fetcher) == ["document_unreachable"]
    assert handler.asked == []
