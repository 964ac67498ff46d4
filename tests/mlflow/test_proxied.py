# SPDX-License-Identifier: Apache-2.0
"""Whose header is believed, and which of what it may hold; `test_people` does the same on real servers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import flask
import pytest

from qaqpa.config import TrustedProxy
from qaqpa.mlflow import identity, peer
from qaqpa.mlflow.peer import Peer
from qaqpa.mlflow.proxied import UnclearError, UntrustedError, proxied_login

PROXY = TrustedProxy("X-Forwarded-User", (ip_network("10.0.0.7/32"), ip_network("fd00::/64")))
KEY = "HTTP_X_FORWARDED_USER"


def said(address: str | None, *headers: tuple[str, bytes]) -> str | None:
    """The login in headers from an address, as uvicorn brings them."""
    seen = peer._current.set(Peer(address, headers))
    try:
        return proxied_login({KEY: "what WSGI made of it", "REMOTE_ADDR": "10.0.0.7"}, PROXY)
    finally:
        peer._current.reset(seen)


def named(value: bytes, address: str = "10.0.0.7") -> str | None:
    return said(address, ("x-forwarded-for", b"1.2.3.4"), ("x-forwarded-user", value))


@pytest.mark.parametrize("address", ["10.0.0.7", "::ffff:10.0.0.7", "fd00::1"])
def test_the_proxy_is_believed(address: str) -> None:
    assert named(b"dana", address) == "dana"


@pytest.mark.parametrize("login", ["dana", "Dana Ospanova", "d@example.kz", "Дана Оспанова", "x" * 255, "a\\b:c"])
def test_a_plain_name_is_taken_as_it_is(login: str) -> None:
    assert named(login.encode()) == login


@pytest.mark.parametrize(
    "address", [None, "", "10.0.0.8", "127.0.0.1", "fd00:1::1", "::10.0.0.7", "localhost", "10.0.0.7:80"]
)
def test_a_header_from_anywhere_else_says_nothing(address: str | None) -> None:
    with pytest.raises(UntrustedError):
        said(address, ("x-forwarded-user", b"dana"))


def test_a_server_that_does_not_tell_who_connected_is_not_believed() -> None:
    with pytest.raises(UntrustedError, match="does not tell"):
        proxied_login({KEY: "dana", "REMOTE_ADDR": "10.0.0.7"}, PROXY)


UNCLEAR = {
    "empty": b"",
    "blank": b" \t ",
    "too long": b"x" * 256,
    "two, joined": b"dana,ann",
    "line break": b"dana\nann",
    "zero": b"dana\x00",
    "escape": b"\x1b[31mdana",
    "direction": "dana\u202eann".encode(),
    "no-break space": "dana\u00a0ann".encode(),
    "not UTF-8": b"d\xe4na",
    "private character": "\ue000".encode(),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_may_be_several_people_or_nobody_is_nobody(name: str) -> None:
    with pytest.raises(UnclearError):
        named(UNCLEAR[name])


def test_a_header_that_is_there_twice_is_nobody_even_where_both_agree() -> None:
    with pytest.raises(UnclearError, match="more than once"):
        said("10.0.0.7", ("x-forwarded-user", b"dana"), ("x-forwarded-user", b"dana"))


def test_an_underscore_that_becomes_the_same_name_is_nobody() -> None:
    with pytest.raises(UnclearError, match="underscore"):
        said("10.0.0.7", ("x_forwarded_user", b"dana"))
    with pytest.raises(UnclearError, match="more than once"):
        said("10.0.0.7", ("x-forwarded-user", b"dana"), ("x_forwarded-user", b"ann"))


class _Socket:
    """The connection that gunicorn hands on."""

    def __init__(self, name: Any) -> None:
        self._name = name

    def getpeername(self) -> Any:
        if isinstance(self._name, OSError):
            raise self._name
        return self._name


def test_gunicorn_is_asked_for_the_connection_itself() -> None:
    environ = {"REMOTE_ADDR": "10.0.0.7", KEY: "dana", "gunicorn.socket": _Socket(("10.0.0.8", 1))}
    with pytest.raises(UntrustedError):
        proxied_login(environ, PROXY)
    assert proxied_login({**environ, "gunicorn.socket": _Socket(("10.0.0.7", 1))}, PROXY) == "dana"
    assert proxied_login({**environ, "gunicorn.socket": _Socket(("fd00::1", 1, 0, 0))}, PROXY) == "dana"


@pytest.mark.parametrize("name", ["", "/run/socket", b"", OSError("gone")])
def test_a_unix_socket_and_a_connection_that_is_gone_are_nobody(name: Any) -> None:
    with pytest.raises(UntrustedError):
        proxied_login({KEY: "dana", "REMOTE_ADDR": "10.0.0.7", "gunicorn.socket": _Socket(name)}, PROXY)


def test_a_real_unix_socket_has_no_address() -> None:
    one, other = socket.socketpair()
    with one, other, pytest.raises(UntrustedError, match="Unix socket"):
        proxied_login({KEY: "dana", "gunicorn.socket": one}, PROXY)


@pytest.fixture
def believing() -> Iterator[None]:
    identity.believe(PROXY)
    yield
    identity.believe(None)


def _request(**headers: str) -> Any:
    return flask.Flask("x").test_request_context(headers=headers, environ_base={"REMOTE_ADDR": "10.0.0.7"})


@pytest.mark.usefixtures("believing")
def test_a_header_in_a_program_that_serves_itself_is_not_believed(caplog: pytest.LogCaptureFixture) -> None:
    with _request(**{"X-Forwarded-User": "dana"}):
        assert identity.known_login() is None
        assert identity.acting_user() is None
    assert len([record for record in caplog.records if "does not tell" in record.getMessage()]) == 1
    assert "dana" not in caplog.text


def test_without_a_proxy_in_the_configuration_the_header_is_not_read() -> None:
    seen = peer._current.set(Peer("10.0.0.7", [("x-forwarded-user", b"dana")]))
    with _request(**{"X-Forwarded-User": "dana"}):
        assert identity.known_login() is None
    peer._current.reset(seen)


@pytest.mark.usefixtures("believing")
@pytest.mark.parametrize(
    ("own", "oidc", "proxied", "known"),
    [
        ("dana", None, b"dana", "dana"),
        ("dana", "dana", b"dana", "dana"),
        ("dana", None, b"ann", None),
        (None, "ann", b"dana", None),
        ("dana", "ann", None, None),
        ("dana", None, b"", None),
        ("dana", None, None, "dana"),
        (None, "dana", None, "dana"),
        (None, None, b"dana", "dana"),
        (None, None, None, None),
    ],
)
def test_logins_that_differ_leave_nobody(
    own: str | None, oidc: str | None, proxied: bytes | None, known: str | None
) -> None:
    headers = [("x-forwarded-user", proxied)] if proxied is not None else []
    seen = peer._current.set(Peer("10.0.0.7", headers))
    with _request(**({"X-Forwarded-User": "x"} if headers else {})):
        if own:
            flask.g.mlflow_authenticated_user = own
        if oidc:
            flask.request.environ["mlflow_oidc_auth"] = type("AuthContext", (), {"username": oidc})
        assert identity.known_login() == known
    peer._current.reset(seen)


def test_a_job_is_nobody_and_acts_as_the_system() -> None:
    assert identity.known_login() is None
    assert identity.acting_user() == identity.SYSTEM_USER
    assert not identity.is_delegated()
