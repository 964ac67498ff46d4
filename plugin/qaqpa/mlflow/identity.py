# SPDX-License-Identifier: Apache-2.0
"""Who asks, as the login in front of MLflow established it; nothing that a client merely claims is believed.

The server also writes down who registered a version, in a tag that no client can write.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass

import flask

from qaqpa.config import TrustedProxy
from qaqpa.escape import visible
from qaqpa.mlflow.proxied import UnclearError, UntrustedError, proxied_login

SYSTEM_USER = "system"
"""Who acts where there is no web request: a job, or a program that opened the store itself."""

REGISTERED_BY = "qaqpa.registered_by"
"""The version's tag that holds, as a JSON list, the logins of all who registered it or what it is a copy of."""

DELEGATION = "X-MLflow-Assistant-Delegation"
"""The header by which MLflow's Assistant acts for somebody; MLflow 3.18 verifies it and logs that person in."""

_log = logging.getLogger("mlflow.qaqpa")
_NOT_BELIEVED = "qaqpa: the header %s %s: %s"


@dataclass(frozen=True)
class _Said:
    """What a proxy says: a login, nothing, or something unclear, after which nobody is known."""

    login: str | None = None
    is_unclear: bool = False


class _Believed:
    """The proxy whose word counts in this process."""

    proxy: TrustedProxy | None = None


def believe(proxy: TrustedProxy | None) -> None:
    """From now on a proxy may say who asks; None where nobody may but the logins of MLflow itself."""
    _Believed.proxy = proxy


def acting_user() -> str | None:
    """The name that a login before MLflow verified; None where there is none, or where two do not agree."""
    if not flask.has_request_context():
        return SYSTEM_USER
    return known_login()


def known_login() -> str | None:
    """The same, and None too where there is no web request: a job is nobody."""
    if not flask.has_request_context():
        return None
    logins = {
        getattr(flask.g, "mlflow_authenticated_user", None),
        getattr(flask.request.environ.get("mlflow_oidc_auth"), "username", None),
    }
    if _Believed.proxy:
        said = _proxied(_Believed.proxy)
        if said.is_unclear:
            return None
        logins.add(said.login)
    named = sorted(str(login) for login in logins if login)
    if len(named) > 1:
        if not getattr(flask.g, "qaqpa_differ", False):
            flask.g.qaqpa_differ = True
            _log.warning("qaqpa: nobody is known, because the logins differ: %s", visible(" and ".join(named)))
        return None
    return named[0] if named else None


def is_delegated() -> bool:
    """True where a program asks in somebody's name. Whether its credential is sound does not matter: it says so."""
    return flask.has_request_context() and DELEGATION in flask.request.headers


def _proxied(proxy: TrustedProxy) -> _Said:
    """What a proxy says of this request; looked at once, so that the log says once why it is not believed."""
    if not hasattr(flask.g, "qaqpa_proxied"):
        try:
            flask.g.qaqpa_proxied = _Said(proxied_login(flask.request.environ, proxy))
        except UntrustedError as error:
            _log.warning(_NOT_BELIEVED, proxy.header, "says nothing", visible(error))
            flask.g.qaqpa_proxied = _Said()
        except UnclearError as error:
            _log.warning(_NOT_BELIEVED, proxy.header, "leaves nobody known", visible(error))
            flask.g.qaqpa_proxied = _Said(is_unclear=True)
    found: _Said = flask.g.qaqpa_proxied
    return found


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
