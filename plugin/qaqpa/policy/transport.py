# SPDX-License-Identifier: Apache-2.0
"""The HTTP client for an OPA server: answers of at most so many bytes, for at most so long, and never from elsewhere.

Needs the extra `opa`; importing it takes 0.4 s.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import requests
from opa_client import OpaClient
from requests.adapters import HTTPAdapter

from qaqpa.errors import UndecidedError
from qaqpa.policy.cutting import POOLS

MAX_ANSWER_BYTES = 4 << 20
"""Largest answer that is read."""

_CHUNK_BYTES = 1 << 16
_REDIRECTS = range(300, 400)


class AnswerError(requests.RequestException):
    """The server redirects, or its answer is compressed, too large or too slow."""


class BoundedAdapter(HTTPAdapter):
    """Sends requests, and reads answers within limits."""

    def __init__(self, seconds: float) -> None:
        """Prepares connections.

        Args:
            seconds: how long reading one answer may take.
        """
        super().__init__(pool_maxsize=10)
        self.poolmanager.pool_classes_by_scheme = POOLS
        self._seconds = seconds

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Sends a request and reads the whole answer; see `requests.adapters.HTTPAdapter.send`.

        Raises:
            AnswerError: see there.
        """
        deadline = time.monotonic() + self._seconds
        response = super().send(request, *args, **{**kwargs, "stream": True})
        if response.status_code in _REDIRECTS:
            response.close()
            raise AnswerError(f"it redirects ({response.status_code})", response=response)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            # What a few bytes unpack to has no limit, and nobody asked for it.
            response.close()
            raise AnswerError("its answer is compressed", response=response)
        content = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            content += chunk
            if len(content) > MAX_ANSWER_BYTES or time.monotonic() > deadline:
                response.close()
                raise AnswerError("its answer is too large or too slow", response=response)
        response._content = bytes(content)  # noqa: SLF001 - so that the caller finds it read
        return response


def open_client(url: str, seconds: float, ca_file: str | None) -> Any:
    """A client for the OPA server at an address; nothing is sent yet.

    Raises:
        UndecidedError: it is not an address of the form `http://host:port` or `https://host:port`.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if parts.scheme not in {"http", "https"} or not host or parts.path.strip("/") or parts.query or parts.username:
        raise UndecidedError(f"{url!r} is not the address of an OPA server", required="http://host:port or https://…")
    secure = parts.scheme == "https"
    client = OpaClient(
        host=f"[{host}]" if ":" in host else host,
        port=port or (443 if secure else 8181),
        ssl=secure,
        retries=0,
        timeout=seconds,
    )
    session = client._session  # noqa: SLF001 - the client offers none of these settings
    session.headers["Accept-Encoding"] = "identity"
    session.trust_env = False
    session.max_redirects = 0
    session.verify = ca_file or True
    session.mount(f"{parts.scheme}://", BoundedAdapter(seconds))
    return client
