# SPDX-License-Identifier: Apache-2.0
"""Who asks, as the login in front of MLflow established it; nothing that a client merely claims is believed.

The server also writes down who registered a version, in a tag that no client can write.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import flask

SYSTEM_USER = "system"
"""Who acts where there is no web request: a job, or a program that opened the store itself."""

REGISTERED_BY = "qaqpa.registered_by"
"""The version's tag that holds, as a JSON list, the logins of all who registered it or what it is a copy of."""


def acting_user() -> str | None:
    """The name that `basic-auth` or `mlflow-oidc-auth` verified; None where no login stands before the server."""
    if not flask.has_request_context():
        return SYSTEM_USER
    return known_login()


def known_login() -> str | None:
    """The same, and None too where there is no web request: a job is nobody."""
    if not flask.has_request_context():
        return None
    name = getattr(flask.g, "mlflow_authenticated_user", None)
    if not name:
        name = getattr(flask.request.environ.get("mlflow_oidc_auth"), "username", None)
    return str(name) if name else None


def registration(logins: Iterable[str]) -> str:
    """The value of the tag `REGISTERED_BY`."""
    return json.dumps(sorted(set(logins)), ensure_ascii=False)


def registrants(value: str | None) -> tuple[str, ...]:
    """The logins in such a value; none where it is not one that `registration` makes."""
    try:
        found = json.loads(value or "[]")
    except (ValueError, RecursionError):
        return ()
    if not isinstance(found, list) or not all(isinstance(login, str) and login for login in found):
        return ()
    return tuple(found)
