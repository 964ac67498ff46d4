# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy before a database that lets a request through and never brings its answer back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_CHUNK = 1 << 16
_ANSWER_SECONDS = 10.0


class Proxy:
    """Forwards connections. `url` is the database's address by way of the proxy."""

    def __init__(self, url: str) -> None:
        """Listens from now on.

        Args:
            url: the database's address, with host and port.
        """
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._target = parts.hostname, parts.port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ended = False
        self._steps: tuple[bytes, ...] = ()
        self.swallowed = 0
        port = self._listener.getsockname()[1]
        self.url = url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{port}")
        threading.Thread(target=self._accept, daemon=True).start()

    @classmethod
    @contextmanager
    def before(cls, url: str) -> Iterator[Proxy]:
        """A proxy that ends with the context."""
        proxy = cls(url)
        try:
            yield proxy
        finally:
            proxy._ended = True
            with suppress(OSError):
                proxy._listener.shutdown(socket.SHUT_RDWR)
            proxy._listener.close()

    def swallow_after(self, *steps: bytes) -> None:
        """Cuts one connection, once: when it has sent these one after the other, and the last one was answered."""
        self._steps = steps

    def _accept(self) -> None:
        while not self._ended:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as server:
            cut = threading.Event()
            back = threading.Thread(target=_forward_back, args=[server, client, cut], daemon=True)
            back.start()
            seen = 0
            with suppress(OSError):
                while data := client.recv(_CHUNK):
                    steps = self._steps
                    if steps and seen < len(steps) and steps[seen] in data:
                        seen += 1
                    if steps and seen == len(steps):
                        self._steps = ()
                        self.swallowed += 1
                        cut.set()
                        server.sendall(data)
                        # The answer ends in `_forward_back`, which closes when it came.
                        back.join(_ANSWER_SECONDS)
                        return
                    server.sendall(data)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)


def _forward_back(server: socket.socket, client: socket.socket, cut: threading.Event) -> None:
    with suppress(OSError):
        while data := server.recv(_CHUNK):
            if cut.is_set():
                break
            client.sendall(data)
    for end in (client, server):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
