# SPDX-License-Identifier: Apache-2.0
"""Connections that another thread can cut: time-outs of sockets are for each read, and a trickle never ends one.

Needs the extra `opa`.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Call:
    """One call and the connections that it uses. Every thread that works for it says so with `entered`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections: list[Any] = []
        self._is_cut = False

    def entered(self) -> None:
        """From now on the connections that this thread opens or uses belong to the call."""
        _here.call = self

    def uses(self, connection: Any) -> None:
        """Notes a connection.

        Raises:
            ConnectionAbortedError: the call was cut.
        """
        with self._lock:
            if self._is_cut:
                raise ConnectionAbortedError("the call was cut")
            if connection not in self._connections:
                self._connections.append(connection)

    def cut(self) -> None:
        """Ends all that still waits on its connections: they read the end of the stream."""
        with self._lock:
            self._is_cut = True
            for connection in self._connections:
                if connection.sock is not None:
                    with contextlib.suppress(OSError):
                        # Not TLS's own method, which another thread must not call while this one reads.
                        socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


_here = threading.local()


class _CuttableMixin:
    """Tells the thread's call when it connects, and when a connection that is open is used again."""

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]  # of the class beside it
        self._belongs()

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._belongs()
        super().request(*args, **kwargs)  # type: ignore[misc]  # of the class beside it

    def _belongs(self) -> None:
        call: Call | None = getattr(_here, "call", None)
        if call is not None:
            call.uses(self)


class _Connection(_CuttableMixin, HTTPConnection):
    pass


class _SecureConnection(_CuttableMixin, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOLS = {"http": _Pool, "https": _SecurePool}
"""For `urllib3.PoolManager.pool_classes_by_scheme`."""
