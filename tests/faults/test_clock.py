# SPDX-License-Identifier: Apache-2.0
"""The clock of a running server jumps back and forth."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from faults.scene import Scene, configuration
from qaqpa.config import LogSource
from support.logs import checked
from support.registry import Registry
from support.servers import mlflow_server, need

pytestmark = pytest.mark.server


class Clock:
    """The wall clock of a server, as libfaketime shows it; what measures durations goes on as it is."""

    def __init__(self, directory: Path, library: Path) -> None:
        self._file = directory / "clock"
        self.jump(timedelta())
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # Looks again when the second has changed.
            "FAKETIME_CACHE_DURATION": "0",
            "NO_FAKE_STAT": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, to: timedelta) -> None:
        """Sets it to so much before or after the real time."""
        beside = self._file.with_name("clock.new")
        beside.write_text(f"{to.total_seconds():+.0f}s\n")
        beside.replace(self._file)
        time.sleep(1.1)


@pytest.fixture(params=["sqlite", "psycopg2"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Scene, Clock]]:
    """A server of its own: whatever the log has seen of the future stays in it."""
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    need(libraries, "libfaketime")
    clock = Clock(tmp_path, libraries[0])
    registry, log = f"sqlite:///{tmp_path}/mlflow.db", f"sqlite:///{tmp_path}/decisions.db"
    if request.param == "psycopg2":
        new: Callable[[str, str], str] = request.getfixturevalue("new_database")
        log = new("psycopg2", "clock")
    text, key = configuration(tmp_path)
    before = os.environ.copy()
    os.environ |= clock.environment
    try:
        server = mlflow_server(tmp_path, registry, text, log=log)
        with server as running:
            os.environ.clear()
            os.environ |= before
            yield Scene(Registry(running, tmp_path), LogSource(log, key)), clock
    finally:
        os.environ.clear()
        os.environ |= before
    assert checked(LogSource(log, key)).problems == []


def test_a_clock_that_jumps(world: tuple[Scene, Clock]) -> None:
    scene, clock = world
    version = scene.good()
    assert scene.promoted(version).status == 200

    # A little ahead: evidence is still in date, so this is allowed, and the log has seen it.
    clock.jump(timedelta(hours=1))
    assert scene.promoted(version).status == 200

    # Back to the real time, which is before the last row now: nothing is decided.
    clock.jump(timedelta())
    for _ in range(2):
        answer = scene.promoted(version)
        assert answer.status == 403
        assert (answer.qaqpa or {})["verdict"] == "undecided"
        assert "clock_went_back" in answer.codes
    scene.registry.client.delete_registered_model_alias(version.name, "production")

    # Years ahead: the parties file has ended, and so has the evidence.
    clock.jump(timedelta(days=1000))
    assert scene.promoted(version).status == 403
    assert scene.registry.aliases(version.name) == {}
    verdicts = [verdict for verdict, _ in scene.outcome(f"alias production of {version.name} version 1")]
    assert verdicts[:4] == ["allow"] * 2 + ["undecided"] * 2
    assert "allow" not in verdicts[4:]
