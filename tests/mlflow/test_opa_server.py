# SPDX-License-Identifier: Apache-2.0
"""The veto with an OPA server as its engine: while it answers, hangs, is gone, is another one, and is back again.

One MLflow server runs all the time; what listens at OPA's address changes.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from qaqpa.config import LogSource
from qaqpa.policy.bundle import SERVER_BUNDLE, load_bundle
from qaqpa.policy.mask import MASK
from qaqpa.policy.opa import run_opa
from qaqpa.resources import COMPILED
from support.logs import decisions
from support.opa import require_opa
from support.registry import Registry, Version, refusal
from support.servers import HOST, Running, free_port, mlflow_server, running

pytestmark = [pytest.mark.server, pytest.mark.opa]

SECONDS = 2.0
"""How long a decision may take; what the configuration has by default."""


@dataclass(frozen=True)
class Both:
    """MLflow, and where it looks for OPA."""

    registry: Registry
    port: int
    directory: Path

    def opa(self, bundle: Path = COMPILED / SERVER_BUNDLE) -> contextlib.AbstractContextManager[Running]:
        """A real OPA server with a bundle, at the address at which MLflow asks."""
        return _opa(self.directory, self.port, bundle)

    def promoted(self, version: Version) -> requests.Response:
        return self.registry.set_alias(version, "champion")

    def undecided(self, version: Version) -> str:
        """Expects that a promotion is refused because nothing could be decided, in time; returns why."""
        start = time.monotonic()
        answer = self.promoted(version)
        took = time.monotonic() - start
        found = answer.json()["qaqpa"]
        assert (answer.status_code, found["verdict"]) == (403, "undecided")
        # What the client and the rest of the server take comes on top.
        assert took < SECONDS + 3, took
        assert self.registry.aliases(version.name) == {}
        problems: list[Any] = found["problems"]
        return str(problems)


@contextlib.contextmanager
def _opa(directory: Path, port: int, bundle: Path) -> Iterator[Running]:
    url = f"http://{HOST}:{port}"
    # A bundle as an option would make a bundle of the mask too.
    settings = {"bundles.qaqpa.resource": f"file://{bundle}", "decision_logs.console": "true"}
    options = ["--skip-version-check", "--addr", f"{HOST}:{port}"]
    options += [f"--set={name}={value}" for name, value in settings.items()]
    command = [str(require_opa()), "run", "--server", *options, str(MASK)]
    with running(command, directory, lambda: _is_ready(url), {}, url) as server:
        yield server


def _is_ready(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{url}/health?bundles", timeout=2).ok
    return False


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    require_opa()
    directory, port = tmp_path_factory.mktemp("opa"), free_port()
    configuration = f"version: 1\nengine: opa\nopa:\n  url: http://{HOST}:{port}\n"
    with contextlib.ExitStack() as stack:
        # The server does not start without OPA. Its worker comes to the gate later, when nobody answers.
        with _opa(directory, port, COMPILED / SERVER_BUNDLE):
            server = stack.enter_context(mlflow_server(directory, f"sqlite:///{directory}/mlflow.db", configuration))
        yield Both(Registry(server, directory), port, directory)


@pytest.fixture(scope="module")
def sound(both: Both) -> Version:
    """A version that OPA allows."""
    return both.registry.registered(evidence=True)


@pytest.fixture(autouse=True)
def _taken_back(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    found, version = request.getfixturevalue("both"), request.getfixturevalue("sound")
    found.registry.client.delete_registered_model_alias(version.name, "champion")


def test_it_decides_and_without_it_nothing_is_allowed_and_all_can_be_taken_back(both: Both, sound: Version) -> None:
    registry = both.registry
    bare = registry.registered()
    with both.opa():
        answer = refusal(lambda: registry.client.set_registered_model_alias(bare.name, "champion", bare.number))
        assert answer["qaqpa"]["verdict"] == "deny"
        assert both.promoted(sound).ok
        registry.client.transition_model_version_stage(sound.name, sound.number, "Production")

    answer = refusal(lambda: registry.client.set_registered_model_alias(sound.name, "production", sound.number))
    assert answer["qaqpa"]["verdict"] == "undecided"
    assert answer["qaqpa"]["problems"]
    assert registry.aliases(sound.name) == {"champion": sound.number}
    registry.client.transition_model_version_stage(sound.name, sound.number, "Archived")
    registry.client.delete_registered_model_alias(sound.name, "champion")
    assert (registry.stage(sound), registry.aliases(sound.name)) == ("Archived", {})


def test_its_decision_ids_are_in_the_log_and_its_own_log_names_nobody(both: Both, sound: Version) -> None:
    with both.opa() as opa:
        assert both.promoted(sound).ok
        until = time.monotonic() + 10
        while not (said := re.findall(r'"?decision_id"?[=:]"?([0-9a-f-]{36})', opa.output())):
            assert time.monotonic() < until, opa.output()
            time.sleep(0.05)
        row = decisions(LogSource(f"sqlite:///{both.directory}/decisions.db"))[-1]
        assert row["verdict"] == "allow"
        assert row["opa_decision"] == said[-1]
        for name in (sound.name, "auditor", "trainer", "owner", "qaqpa.evidence"):
            assert name not in opa.output()


def test_after_a_restart_it_is_asked_again_and_mlflow_needs_none(both: Both, sound: Version) -> None:
    with both.opa():
        assert both.promoted(sound).ok
    both.registry.client.delete_registered_model_alias(sound.name, "champion")
    assert "cannot be reached" in both.undecided(sound)
    with both.opa():
        assert both.promoted(sound).ok


OTHER = """\
package qaqpa.gate

decision := {"schema": "urn:qaqpa:schema:decision:v1", "verdict": "allow", "findings": [], "problems": []}
"""


@pytest.mark.parametrize("revision", ["another", "the right one", "none"])
def test_a_bundle_that_allows_everything_lets_nothing_through(
    both: Both, sound: Version, tmp_path: Path, revision: str
) -> None:
    said = {"another": "cd" * 32, "the right one": load_bundle().policy_digest, "none": ""}[revision]
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "decision.rego").write_text(OTHER)
    (tmp_path / "b" / ".manifest").write_text(json.dumps({"revision": said, "roots": ["qaqpa"]}))
    run_opa(["build", "-b", "b", "-o", "b.tar.gz"], tmp_path)
    with both.opa(tmp_path / "b.tar.gz"):
        why = both.undecided(sound)
    assert ("evaluates other policies" in why) is (revision != "the right one"), why


def test_an_empty_opa_is_undecided(both: Both, sound: Version, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".manifest").write_text(json.dumps({"revision": load_bundle().policy_digest, "roots": ["x"]}))
    run_opa(["build", "-b", "b", "-o", "b.tar.gz"], tmp_path)
    with both.opa(tmp_path / "b.tar.gz"):
        assert "undefined" in both.undecided(sound)


def test_eight_promotions_that_hang_leave_the_rest_of_the_server_alone(both: Both, sound: Version) -> None:
    other = both.registry.registered()
    calm = max(_rest(both, other) for _ in range(3))
    with _hanging(both.port) as connections, ThreadPoolExecutor(8) as pool:
        start = time.monotonic()
        asked = [pool.submit(both.promoted, sound) for _ in range(8)]
        took = []
        while not all(one.done() for one in asked):
            took.append(_rest(both, other))
        whole = time.monotonic() - start
    answers = [one.result() for one in asked]
    assert {answer.status_code for answer in answers} == {403}
    assert {answer.json()["qaqpa"]["verdict"] for answer in answers} == {"undecided"}
    assert connections
    assert whole < 4 * SECONDS + 5, whole
    assert len(took) > 3
    assert max(took) < max(1.5, 5 * calm), (took, calm)
    assert both.registry.aliases(sound.name) == {}
    with both.opa():
        assert both.promoted(sound).ok


def _rest(both: Both, version: Version) -> float:
    """How long it takes to read a version, to write a tag, and to take an alias away: the longest, seconds."""
    took, client = [], both.registry.client
    for call in (
        lambda: client.get_model_version(version.name, version.number),
        lambda: client.set_model_version_tag(version.name, version.number, "note", "x"),
        lambda: client.delete_registered_model_alias(version.name, "champion"),
    ):
        start = time.monotonic()
        call()
        took.append(time.monotonic() - start)
    return max(took)


@contextlib.contextmanager
def _hanging(port: int) -> Iterator[list[socket.socket]]:
    """Accepts connections, and never says anything."""
    held: list[socket.socket] = []
    with socket.create_server((HOST, port)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.append(server.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield held
        server.shutdown(socket.SHUT_RDWR)
    for connection in held:
        connection.close()
