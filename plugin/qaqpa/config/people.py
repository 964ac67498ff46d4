# SPDX-License-Identifier: Apache-2.0
"""Which proxy may say who asks: a part of the configuration."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

from qaqpa.config.records import TrustedProxy
from qaqpa.documents import Document, DocumentError

_PLACE = ("identity", "proxy")
_OTHERS = ("accept", "content-", "proxy-", "sec-", "x-mlflow-", "x-qaqpa-")
_OTHER = frozenset(
    {
        *("authorization", "connection", "cookie", "expect", "forwarded", "host", "origin", "referer", "te", "trailer"),
        *("transfer-encoding", "upgrade", "user-agent", "via", "x-forwarded-for", "x-forwarded-host"),
        *("x-forwarded-port", "x-forwarded-prefix", "x-forwarded-proto", "x-real-ip"),
    }
)


def trusted_proxy(document: Document) -> TrustedProxy | None:
    """The part `identity.proxy` of a configuration file that fits its schema; None where there is none.

    Raises:
        DocumentError: the header has another meaning, or an address is none or means everybody.
    """
    value = document.value.get("identity", {}).get("proxy")
    if value is None:
        return None
    name = value["header"].lower()
    if name in _OTHER or name.startswith(_OTHERS):
        raise DocumentError(
            f"The header {value['header']} means something else, which a client may write",
            where=document.where((*_PLACE, "header")),
            required="a header of the proxy's own, such as X-Forwarded-User",
        )
    networks = tuple(_network(document, number, text) for number, text in enumerate(value["from"]))
    return TrustedProxy(value["header"], networks)


def _network(document: Document, number: int, text: str) -> IPv4Network | IPv6Network:
    where = document.where((*_PLACE, "from", number))
    try:
        found = ip_network(text)
    except ValueError as error:
        raise DocumentError(
            f"This is no network ({error})", where=where, required="such as 10.0.0.7/32, 10.0.7.0/24 or fd00::7/128"
        ) from error
    if found.prefixlen == 0:
        raise DocumentError(
            "This means every address there is, so anybody could say who asks",
            where=where,
            required="the addresses of the proxy",
        )
    return found
