# SPDX-License-Identifier: Apache-2.0
"""Fetches a document by https, to hash it. The address comes from evidence, so it may be anybody's trap.

Only https, only public addresses: a host is resolved once, all its addresses are checked, and the connection goes to
one of those, whatever the name resolves to later. Each redirect is checked in the same way. No proxy is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass

from qaqpa.evidence.errors import StatementError

MAX_DOCUMENT_BYTES = 100_000_000
"""Largest document that is read."""

REFUSED, UNREACHABLE = "document_refused", "document_unreachable"

_PIECE_BYTES = 1 << 16
_PAUSE_SECONDS = 15.0
_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_PRINTABLE = re.compile(r"[!-\[\]-~]+")  # ASCII without space and backslash
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Fetcher:
    """Fetches documents and returns the SHA-256 of their bytes.

    Args:
        networks: those that may be asked although they are not public; none by default.
        context: TLS settings; those of the system where None.
        seconds: how long one answer may take in all.
    """

    networks: Sequence[Network] = ()
    context: ssl.SSLContext | None = None
    seconds: float = 120.0

    def __call__(self, url: str) -> str:
        """SHA-256 of what a URL yields, 64 hexadecimal digits.

        Raises:
            StatementError: `document_refused` where it must not be asked or is too large, `document_unreachable`.
        """
        for _ in range(_REDIRECTS + 1):
            parsed = _checked(url)
            with contextlib.closing(_Answer(parsed, self._address(parsed), self)) as answer:
                answer.ask()
                target = answer.redirect()
                if target is None:
                    return answer.sha256()
            url = _joined(url, target)
        raise StatementError(UNREACHABLE, f"There are more than {_REDIRECTS} redirects.")

    def _address(self, parsed: urllib.parse.SplitResult) -> tuple[str, int]:
        """An address of the host that may be asked. One bad address is enough to refuse: it may be the next answer."""
        host, port = parsed.hostname or "", parsed.port or 443
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise StatementError(UNREACHABLE, f"The host {host!r} is not known ({error}).") from error
        addresses = [str(entry[4][0]) for entry in found]
        for address in addresses:
            if not self._allowed(address):
                raise StatementError(REFUSED, f"The host {host!r} is at {address}, which is no public address.")
        return addresses[0], port

    def _allowed(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False  # with a zone, as fe80::1%eth0
        if any(address in network for network in self.networks):
            return True
        return all(one.is_global and not one.is_multicast for one in (address, *_embedded(address)))


class _Answer:
    """One answer of one server, with an end to the time that it may take."""

    def __init__(self, parsed: urllib.parse.SplitResult, address: tuple[str, int], fetcher: Fetcher) -> None:
        self._connection = _Connection(parsed, address, fetcher.context or ssl.create_default_context())
        self._late = threading.Event()
        self._timer = threading.Timer(fetcher.seconds, self._end)
        self._timer.daemon = True
        self._parsed = parsed

    def ask(self) -> None:
        """Sends the request and reads the head of the answer.

        Raises:
            StatementError: there is none.
        """
        self._timer.start()
        try:
            path = urllib.parse.urlunsplit(("", "", self._parsed.path or "/", self._parsed.query, ""))
            headers = {"Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
            self._connection.request("GET", path, headers=headers)
            self._response = self._connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._unreachable(error) from error

    def close(self) -> None:
        """Ends it."""
        self._timer.cancel()
        self._connection.close()

    def redirect(self) -> str | None:
        """Where the server sends us, None where it answers itself."""
        status = self._response.status
        location = self._response.getheader("Location")
        if status in _MOVED and location:
            return location
        if status != http.client.OK:
            raise StatementError(UNREACHABLE, f"The server answers with status {status}.")
        if self._response.getheader("Content-Encoding", "identity").lower() != "identity":
            raise StatementError(UNREACHABLE, "The server sends the document in another encoding than was asked for.")
        return None

    def sha256(self) -> str:
        """SHA-256 of the body.

        Raises:
            StatementError: it is too large, takes too long or is cut off.
        """
        digest, size = hashlib.sha256(), 0
        try:
            while piece := self._response.read1(_PIECE_BYTES):
                digest.update(piece)
                size += len(piece)
                if size > MAX_DOCUMENT_BYTES:
                    raise StatementError(REFUSED, f"The document is larger than {MAX_DOCUMENT_BYTES} bytes.")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._unreachable(error) from error
        expected = self._response.getheader("Content-Length")
        if self._late.is_set() or (expected is not None and expected != str(size)):
            raise self._unreachable(None)
        return digest.hexdigest()

    def _end(self) -> None:
        self._late.set()
        self._connection.cut()

    def _unreachable(self, error: Exception | None) -> StatementError:
        reason = "it takes too long" if self._late.is_set() else error or "it ends too soon"
        return StatementError(UNREACHABLE, f"The document cannot be fetched: {reason}.")


class _Connection(http.client.HTTPSConnection):
    """Connects to the address that was checked, and checks the certificate for the host that was named."""

    def __init__(self, parsed: urllib.parse.SplitResult, address: tuple[str, int], context: ssl.SSLContext) -> None:
        super().__init__(parsed.hostname or "", address[1], timeout=_PAUSE_SECONDS, context=context)
        self._checked_address = address
        self._tls = context
        self._held: socket.socket | None = None
        self._ended = False

    def connect(self) -> None:
        """As the base class asks for it."""
        self.sock = socket.create_connection(self._checked_address, self.timeout)
        # The handshake comes second, so that `cut` finds the socket that the handshake waits for.
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
        # The base class forgets the socket once the head of an answer is there.
        self._held = self.sock
        if self._ended:
            raise TimeoutError
        self.sock.do_handshake()

    def cut(self) -> None:
        """Ends a connection that another thread waits for."""
        self._ended = True
        if self._held is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._held, socket.SHUT_RDWR)  # not that of TLS, which is not for two threads


def _joined(url: str, target: str) -> str:
    try:
        return urllib.parse.urljoin(url, target)
    except ValueError as error:
        raise StatementError(REFUSED, f"It is redirected to what is no URL ({error}).") from error


def _checked(url: str) -> urllib.parse.SplitResult:
    """The parts of a URL that may be asked.

    Raises:
        StatementError: `document_refused`.
    """
    try:
        parsed = urllib.parse.urlsplit(url)
        port = parsed.port
    except ValueError as error:
        raise StatementError(REFUSED, f"This is no URL ({error}).") from error
    if not _PRINTABLE.fullmatch(url):
        raise StatementError(REFUSED, "The URL holds a space, a backslash or a character beyond ASCII.")
    if parsed.scheme != "https":
        raise StatementError(REFUSED, f"Documents are fetched by https only, not by {parsed.scheme!r}.")
    if not parsed.hostname or "@" in parsed.netloc or "%" in parsed.netloc or port == 0:
        raise StatementError(REFUSED, "The URL must name a host, and neither user nor password.")
    return parsed


def _embedded(address: _Address) -> list[_Address]:
    """IPv4 addresses to which an IPv6 address leads."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    translated = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ()), translated]
    return [one for one in found if one is not None]
