# SPDX-License-Identifier: Apache-2.0
"""Which locations have bytes that can be judged: the same for whoever serves the model, now and later."""

from __future__ import annotations

import os
import posixpath
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from mlflow.server import ARTIFACT_ROOT_ENV_VAR, ARTIFACTS_DESTINATION_ENV_VAR, BACKEND_STORE_URI_ENV_VAR
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import is_local_uri

from qaqpa.errors import UndecidedError
from qaqpa.mlflow.store import PREFIX
from qaqpa.model import Problem

_POINTERS = frozenset({"runs", "models"})
_PROXIED = frozenset({"http", "https", "mlflow-artifacts"})


class BytesMissingError(UndecidedError):
    """Nothing says where the bytes are, or they cannot be fetched from there."""


class NotHashedError(UndecidedError):
    """The bytes are not hashed, now or at all. Without a digest all that was signed would look as if it were void."""

    def __init__(self, problem: Problem) -> None:
        """Makes the error.

        Args:
            problem: why.
        """
        super().__init__(problem.detail)
        self.problem = problem


def check_location(location: str) -> None:
    """Refuses a location that others could resolve to other bytes.

    `runs:/` and `models:/` are pointers that move. A proxied location that names a host is fetched from that host by
    clients, whereas the server would look into its own store.

    Raises:
        BytesMissingError: saying why.
    """
    if not location.strip():
        raise BytesMissingError("The registry has no location for this version")
    parsed = urllib.parse.urlparse(location)
    scheme = parsed.scheme.lower()
    if scheme in _POINTERS:
        raise BytesMissingError(
            f"A location {scheme}:/ has no fixed bytes", where=location, mend="Register the location that it points to"
        )
    if scheme in _PROXIED and (parsed.netloc or "//" in parsed.path or "\\" in location):
        raise BytesMissingError(
            "The location names a host", where=location, required="mlflow-artifacts:/ and a path, without a host"
        )
    _check_spelling(location, scheme)


def spellings(location: str) -> set[str]:
    """The texts that name the same place as a location that `check_location` takes."""
    bare = location.rstrip("/").removeprefix("file://")
    same = {bare, f"file://{bare}"} if bare.startswith("/") else {location.rstrip("/")}
    return {*same, *(f"{text}/" for text in same)} if bare.strip("/") else set()


def _check_spelling(location: str, scheme: str) -> None:
    """Refuses all but one spelling of a place: by another one, what was said of it would be left behind."""
    prefix = {"": "", "file": "file://", "mlflow-artifacts": "mlflow-artifacts:"}.get(scheme)
    if prefix is None:
        path = urllib.parse.urlparse(location).path
        plain = location.startswith(f"{scheme}:") and not set(location) & set("?#")
    else:
        path = location.removeprefix(prefix)
        plain = location.startswith(f"{prefix}/") and not (prefix and set(path) & set("?#;"))
    bare = path.rstrip("/")
    if scheme == "file":
        plain = plain and urllib.parse.quote(urllib.parse.unquote(bare)) == bare
    if not plain or not location.isprintable() or location != location.strip() or not _is_normal(bare):
        raise BytesMissingError(
            "The location is not written plainly", where=location, required="no `//`, `.`, `..`, `?`, `#` or host in it"
        )


def _is_normal(path: str) -> bool:
    return not path or (not path.startswith("//") and posixpath.normpath(path) == path)


def check_local(path: Path, roots: Sequence[Path]) -> None:
    """Refuses a local directory that the server was not told to read: each client would look on its own disk.

    Args:
        path: the directory, resolved.
        roots: those of the configuration. A server's own artifact store is always one; outside a server, everything is.

    Raises:
        BytesMissingError: it lies elsewhere.
    """
    allowed = [*roots, *_own_roots()]
    if not roots and not os.environ.get(BACKEND_STORE_URI_ENV_VAR):
        return
    if not any(path.is_relative_to(root.resolve()) for root in allowed):
        raise BytesMissingError(
            "The location lies outside the artifact roots", mend="List its directory under artifact_roots"
        )


def _own_roots() -> list[Path]:
    named = (os.environ.get(variable, "") for variable in (ARTIFACT_ROOT_ENV_VAR, ARTIFACTS_DESTINATION_ENV_VAR))
    plain = [root.removeprefix(PREFIX) for root in named]
    return [Path(local_file_uri_to_path(root)) for root in plain if root and is_local_uri(root)]
