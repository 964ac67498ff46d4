# SPDX-License-Identifier: Apache-2.0
"""Requests to an MLflow server, with the credentials that MLflow's client takes, and nothing of them in messages."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from qaqpa.errors import UndecidedError, UsageError
from qaqpa.model import JsonObject

MOST_BYTES = 4 << 20
"""Longest answer that is read."""

_SECONDS = 15.0
_TRUE = frozenset({"true", "1"})


@dataclass(frozen=True)
class Reply:
    """What a server answered: status, headers by lower-case name, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class Server:
    """A server at an address."""

    def __init__(self, url: str) -> None:
        """Takes the address, and from the environment how MLflow's client logs in.

        Args:
            url: `http://host:port` or `https://host:port`, and a path where the server has a prefix.

        Raises:
            UsageError: it is no such address, or holds credentials.
        """
        parsed = urllib.parse.urlsplit(url)
        if parsed.scheme not in {"http", "https"} or not parsed.hostname or parsed.query or parsed.fragment:
            raise UsageError(
                "This is no address of a server", where="--server", required="http:// or https:// and a host"
            )
        if "@" in parsed.netloc:
            # The address is not shown: it holds a password.
            raise UsageError(
                "The address holds credentials",
                where="--server",
                required="an address without them",
                mend="Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
            )
        self.url = url.rstrip("/")
        self._context = _tls() if parsed.scheme == "https" else None
        self._opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=self._context))
        self._login = _login()

    @property
    def is_known(self) -> bool:
        """True where credentials are sent."""
        return bool(self._login)

    @property
    def is_exposed(self) -> bool:
        """True where credentials would travel to another machine unencrypted."""
        parsed = urllib.parse.urlsplit(self.url)
        is_here = parsed.hostname in {"localhost", "127.0.0.1", "::1"}
        return bool(self._login) and parsed.scheme == "http" and not is_here

    def ask(self, path: str, document: JsonObject | None = None) -> Reply:
        """The answer to one request: a GET, or a POST where there is a document. Redirects are not followed.

        Raises:
            UndecidedError: there is no answer.
        """
        body = None if document is None else json.dumps(document).encode()
        headers = {
            "Accept": "application/json",
            **({"Content-Type": "application/json"} if body else {}),
            **self._login,
        }
        request = urllib.request.Request(f"{self.url}{path}", body, headers)  # noqa: S310 - http or https, see above
        try:
            with self._opener.open(request, timeout=_SECONDS) as answer:
                return _reply(answer)
        except urllib.error.HTTPError as error:
            with error:
                return _reply(error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise UndecidedError(
                f"The server does not answer ({reason or type(error).__name__})",
                where=self.url,
                mend="See that it runs and can be reached from here",
            ) from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Credentials go to the server that was named, and to no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _reply(answer: Any) -> Reply:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Reply(int(answer.status), headers, answer.read(MOST_BYTES))


def _login() -> dict[str, str]:
    """The header by which MLflow's client logs in, from the same variables and in the same order."""
    name, password = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    if name and password:
        both = base64.b64encode(f"{name}:{password}".encode()).decode("ascii")
        return {"Authorization": f"Basic {both}"}
    if token and token.isascii() and token.isprintable():
        return {"Authorization": f"Bearer {token}"}
    return {}


def _tls() -> ssl.SSLContext:
    """How the server's certificate is checked, from the same variables."""
    file = os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH")
    try:
        context = ssl.create_default_context(cafile=file or None)
    except OSError as error:
        raise UsageError(f"The certificates cannot be read ({error.strerror})", where=str(file)) from error
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in _TRUE:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
