# SPDX-License-Identifier: Apache-2.0
"""The login that a trusted proxy names in a header: believed only from the proxy itself, and only when it is plain."""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Mapping
from typing import Any

from qaqpa.config import TrustedProxy
from qaqpa.escape import visible
from qaqpa.mlflow.peer import Peer, peer_of

MOST_CHARACTERS = 255
"""Longest login."""


class UnclearError(Exception):
    """The proxy, or somebody through it, says something that could mean several people, or nobody."""


class UntrustedError(Exception):
    """The header is there, and whoever sent it is not the proxy."""


def proxied_login(environ: Mapping[str, Any], proxy: TrustedProxy) -> str | None:
    """The login that the proxy says, or None where it says none.

    Args:
        environ: a WSGI request.
        proxy: whose word counts, and in which header.

    Raises:
        UntrustedError: the request is not from the proxy, so its header says nothing.
        UnclearError: it is, and the header cannot be believed.
    """
    key = f"HTTP_{proxy.header.upper().replace('-', '_')}"
    if key not in environ:
        return None
    peer = peer_of(environ)
    if peer is None:
        raise UntrustedError("this server does not tell who connected (see docs/guides/people.md)")
    if not _is_from(peer.address, proxy):
        raise UntrustedError(f"it came from {visible(peer.address or 'a Unix socket')}")
    return _plain(_only(peer, proxy.header.lower()))


def _is_from(address: str | None, proxy: TrustedProxy) -> bool:
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    # How a socket for both families shows an IPv4 address.
    plain = getattr(found, "ipv4_mapped", None) or found
    return any(plain in network for network in proxy.networks)


def _only(peer: Peer, name: str) -> bytes:
    """The header's one value. An underscore is another name on the wire and the same one in WSGI."""
    found = [(sent, value) for sent, value in peer.headers if sent.replace("_", "-") == name]
    if len(found) != 1:
        raise UnclearError("it is there more than once")
    sent, value = found[0]
    if sent != name:
        raise UnclearError("it is spelled with an underscore")
    return value


def _plain(value: bytes) -> str:
    """A login.

    Raises:
        UnclearError: it is empty, too long, not UTF-8, has characters that are not seen, or a comma: servers join by
            commas what was there more than once.
    """
    try:
        login = value.decode("utf-8").strip(" \t")
    except UnicodeDecodeError:
        raise UnclearError("it is not UTF-8") from None
    if not login:
        raise UnclearError("it is empty")
    if len(login) > MOST_CHARACTERS:
        raise UnclearError(f"it has more than {MOST_CHARACTERS} characters")
    if "," in login:
        raise UnclearError("it has a comma, so it may be several")
    if not all(map(_is_seen, login)):
        raise UnclearError("it has characters that cannot be seen")
    return login


def _is_seen(character: str) -> bool:
    """True for whatever may stand in a login: of all kinds of white space only the ordinary one."""
    return character == " " or unicodedata.category(character)[0] not in {"C", "Z"}
