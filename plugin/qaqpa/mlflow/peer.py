# SPDX-License-Identifier: Apache-2.0
"""Who is at the other end of a request's connection, and the headers as they arrived.

What WSGI says about the client cannot be used: uvicorn, as MLflow starts it, writes what a client put into
`X-Forwarded-For` over the address, and so do other proxies' helpers. The address here is the one that the kernel knows.
MLflow imports this module early, through `qaqpa.mlflow.store`, so it imports nothing heavy.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

_REWRITER = "uvicorn.middleware.proxy_headers"
_MARK = "_qaqpa_sees_the_peer"
_Call = Callable[[Any, MutableMapping[str, Any], Any, Any], Awaitable[None]]


@dataclass(frozen=True)
class Peer:
    """The other end of a connection.

    `address` is an IP address, None for a Unix socket. `headers` are names, in lower case, and values, in the order in
    which they arrived, each as often as it did.
    """

    address: str | None
    headers: Sequence[tuple[str, bytes]]


_current: ContextVar[Peer | None] = ContextVar("qaqpa_peer", default=None)


def watch_connections() -> None:
    """In a process of uvicorn: notes who is there, before uvicorn lets a header say otherwise.

    There is no other place: the application sees what is left. Where uvicorn is not loaded nothing is done.
    """
    rewriter = getattr(sys.modules.get(_REWRITER), "ProxyHeadersMiddleware", None)
    if rewriter is None or getattr(rewriter, _MARK, False):
        return
    rewriter.__call__ = _noting(rewriter.__call__)
    setattr(rewriter, _MARK, True)


def _noting(call: _Call) -> _Call:
    async def noted(self: Any, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            client = scope.get("client")
            headers = tuple((name.decode("latin-1").lower(), value) for name, value in scope["headers"])
            _current.set(Peer(client[0] if client else None, headers))
        await call(self, scope, receive, send)

    return noted


def peer_of(environ: Mapping[str, Any]) -> Peer | None:
    """The other end of the connection of a WSGI request.

    Returns:
        None where that cannot be told: under a server that is neither uvicorn nor gunicorn, or uvicorn that was started
        with `--no-proxy-headers`.
    """
    socket = environ.get("gunicorn.socket")
    if socket is None:
        return _current.get()
    try:
        name = socket.getpeername()
    except OSError:
        return None
    sent = [(key, value) for key, value in environ.items() if key.startswith("HTTP_")]
    headers = [(_header(key), str(value).encode("latin-1")) for key, value in sent]
    # A path for a Unix socket, host and port and more for the others.
    return Peer(str(name[0]) if isinstance(name, tuple) else None, headers)


def _header(key: str) -> str:
    """The header behind a key of WSGI. That it was spelled with an underscore cannot be seen; gunicorn drops those."""
    return key.removeprefix("HTTP_").replace("_", "-").lower()
