# SPDX-License-Identifier: Apache-2.0
"""Attached documents behind https: which addresses are asked, and which never."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from qaqpa.evidence.fetch import Fetcher
from support.attached import SHA256, codes
from support.sites import Served, page


def test_a_private_address_is_refused_without_being_asked(site: Served) -> None:
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


def test_the_address_that_was_checked_is_the_one_that_is_asked(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_redirect_is_followed_within_https(site: Served) -> None:
    handler, url, fetcher = site
    handler.pages |= {"/moved": page(302, b"", Location="/again"), "/again": page(308, b"", Location=f"{url}/a.pdf")}
    assert fetcher(f"{url}/moved") == SHA256


def test_a_fragment_is_never_sent(site: Served) -> None:
    handler, url, fetcher = site
    handler.pages["/moved"] = page(302, b"", Location="/a.pdf#page=3")
    assert fetcher(f"{url}/a.pdf#page=2") == fetcher(f"{url}/moved#a?b") == SHA256
    assert [asked.partition("/")[2] for asked in handler.asked] == ["a.pdf", "moved", "a.pdf"]
    assert codes(f"{url}/a.pdf#page=2", fetch=fetcher, sha256="0" * 64) == ["document_mismatch"]


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
def test_a_redirect_to_elsewhere_is_refused(site: Served, target: str) -> None:
    handler, url, fetcher = site
    handler.pages["/moved"] = page(302, b"", Location=target)
    assert codes(f"{url}/moved", fetch=fetcher) == ["document_refused"]
    assert len(handler.asked) == 1


def test_redirects_without_end(site: Served) -> None:
    handler, url, fetcher = site
    handler.pages["/round"] = page(301, b"", Location="/round")
    assert codes(f"{url}/round", fetch=fetcher) == ["document_unreachable"]
    assert len(handler.asked) == 6


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
        *(
            "https://h:99999/a",
            "https://h/a b",
            "https://h/\r\nX: y",
            "https://h/ä",
            "https://h/a#ä",
            "https://h/a# b",
            "https://ä/a",
            "https://h\\@i/a",
        ),
        *("https://[::1/a", "https://h%2ei/a", "https://h/\x00", "https://\u2100.example/a"),
    ],
)
def test_urls_that_are_read_in_two_ways_are_refused(url: str) -> None:
    assert codes(url) == ["document_refused"]


def test_a_host_that_does_not_exist() -> None:
    assert codes("https://nobody.invalid/a.pdf") == ["document_unreachable"]
    assert codes(f"https://{'a' * 70}.example/a.pdf") == ["document_unreachable"]
    assert codes("https://.example/a.pdf") == ["document_unreachable"]
