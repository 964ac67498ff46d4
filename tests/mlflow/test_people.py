# SPDX-License-Identifier: Apache-2.0
"""Who is known on real servers behind a proxy: uvicorn and gunicorn, and every way to pretend.

The proxy connects from 127.0.0.2; everybody else, who could write the same header, from 127.0.0.1.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from support.registry import Registry
from support.servers import mlflow_server

pytestmark = pytest.mark.server

PROXY, STRANGER = "127.0.0.2", "127.0.0.1"
USER = "X-Forwarded-User"
CONFIGURATION = f"""\
version: 1
separation_of_duties: required
identity:
  proxy:
    header: {USER}
    from: ["{PROXY}/32"]
"""


class Serving(Registry):
    """A server whose user is found out by a promotion that is refused."""

    socket = ""

    def prepared(self) -> None:
        assert self.post("registered-models/create", {"name": "bare"}).ok
        assert self.post("model-versions/create", {"name": "bare", "source": "s3://nowhere/model"}).ok

    def known(self, *headers: tuple[str, str], source: str = PROXY) -> Any:
        """Whom the server knows when these headers come from an address, or from its Unix socket."""
        connection = self._connection(source)
        body = json.dumps({"name": "bare", "alias": "production", "version": "1"}).encode()
        with contextlib.closing(connection):
            connection.putrequest("POST", "/api/2.0/mlflow/registered-models/alias")
            sent = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers]
            for name, value in sent:
                connection.putheader(name, value.encode())
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
        assert answer.status == 403, content
        decision = json.loads(content)["qaqpa"]
        unknown = "actor_unknown" in [problem["code"] for problem in decision["problems"]]
        assert unknown is (decision["user"] != "deployer"), decision
        return decision["user"]

    def _connection(self, source: str) -> http.client.HTTPConnection:
        host, port = self.server.url.removeprefix("http://").split(":")
        if source != self.socket:
            return http.client.HTTPConnection(host, int(port), timeout=60, source_address=(source, 0))
        connection = http.client.HTTPConnection(host, timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self.socket)
        return connection


@pytest.fixture(scope="module")
def uvicorn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    directory = tmp_path_factory.mktemp("uvicorn")
    with mlflow_server(directory, f"sqlite:///{directory}/mlflow.db", CONFIGURATION) as server:
        found = Serving(server, directory)
        found.prepared()
        yield found


@pytest.fixture(scope="module")
def gunicorn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    directory = tmp_path_factory.mktemp("gunicorn")
    with tempfile.TemporaryDirectory(prefix="qaqpa-") as short:
        # A pytest directory is longer than the path of a Unix socket may be.
        more = ["--gunicorn-opts", f"--threads 4 --forwarded-allow-ips * -b unix:{short}/s"]
        with mlflow_server(directory, f"sqlite:///{directory}/mlflow.db", CONFIGURATION, more=more) as server:
            found = Serving(server, directory)
            object.__setattr__(found, "socket", str(Path(short, "s")))
            found.prepared()
            yield found


@pytest.fixture(params=["uvicorn", "gunicorn"])
def serving(request: pytest.FixtureRequest) -> Serving:
    found: Serving = request.getfixturevalue(request.param)
    return found


def test_the_proxy_says_who_asks_also_where_it_forwards_an_address(serving: Serving) -> None:
    assert serving.known((USER, "deployer")) == "deployer"
    assert (
        serving.known((USER, "deployer"), ("X-Forwarded-For", "192.0.2.9"), ("Forwarded", "for=192.0.2.9"))
        == "deployer"
    )
    assert serving.known() is None


def test_a_header_from_another_address_is_not_believed(serving: Serving) -> None:
    assert serving.known((USER, "deployer"), source=STRANGER) is None
    assert "says nothing: it came from 127.0.0.1" in serving.server.output()


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-IP", "Forwarded"])
def test_an_address_that_a_client_claims_makes_nobody_the_proxy(serving: Serving, name: str) -> None:
    value = f"for={PROXY}" if name == "Forwarded" else PROXY
    assert serving.known((USER, "deployer"), (name, value), source=STRANGER) is None
    assert serving.known((USER, "deployer"), (name, f"{PROXY}, {STRANGER}"), source=STRANGER) is None


def test_a_header_that_is_there_twice_is_nobody(serving: Serving) -> None:
    assert serving.known((USER, "deployer"), (USER, "deployer")) is None
    assert serving.known((USER, "deployer"), (USER.lower(), "trainer")) is None


def test_a_header_with_underscores_is_not_the_header(serving: Serving) -> None:
    assert serving.known(("X_Forwarded_User", "deployer")) is None


@pytest.mark.parametrize("value", ["", "x" * 256, "deployer\u202e", "deployer\x85", "trainer,deployer"])
def test_a_header_that_is_not_plain_is_nobody(serving: Serving, value: str) -> None:
    assert serving.known((USER, value)) is None


def test_a_unix_socket_is_nobody(gunicorn: Serving) -> None:
    assert gunicorn.known((USER, "deployer"), source=gunicorn.socket) is None


def test_a_person_whom_the_proxy_names_promotes_and_nobody_does_not(uvicorn: Serving) -> None:
    version = uvicorn.registered(evidence=True)
    refused = uvicorn.set_alias(version, "production")
    assert [problem["code"] for problem in refused.json()["qaqpa"]["problems"]] == ["actor_unknown"]
    assert uvicorn.aliases(version.name) == {}
    with requests.Session() as session:
        session.mount("http://", _From(PROXY))
        body = {"name": version.name, "alias": "production", "version": version.number}
        url = f"{uvicorn.server.url}/api/2.0/mlflow/registered-models/alias"
        assert session.post(url, json=body, headers={USER: "deployer"}, timeout=60).ok
    assert uvicorn.aliases(version.name) == {"production": version.number}
    assert uvicorn.post("registered-models/alias", {"name": version.name, "alias": "production"}, "DELETE").ok


class _From(requests.adapters.HTTPAdapter):
    """Connects from an address."""

    def __init__(self, source: str) -> None:
        self._source = source
        super().__init__()

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more, source_address=(self._source, 0))  # type: ignore[no-untyped-call]  # of requests
