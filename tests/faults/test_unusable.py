# SPDX-License-Identifier: Apache-2.0
"""The log is locked, or its disk is full: nothing is promoted, in bounded time, and taking out works."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from faults.scene import Scene
from qaqpa.record.log.database import Database
from support.invariant import observing
from support.registry import Version

pytestmark = pytest.mark.server

BOUND_SECONDS = 15.0
"""The two seconds that an append may take, twice, and what a machine that does much else needs."""

_JUNK_MEGABYTES = 20
_LARGEST = 16 << 20
"""As large as a segment of PostgreSQL's journal, which has to be writable still."""


@contextmanager
def _locked(scene: Scene) -> Iterator[None]:
    with scene.log_held():
        yield


@contextmanager
def _full(scene: Scene) -> Iterator[None]:
    """No byte can be added to the log's database."""
    if scene.is_file:
        with _filled(scene):
            yield
        return
    with _limited(scene):
        yield


@contextmanager
def _filled(scene: Scene) -> Iterator[None]:
    """The file system of the log has no room."""
    if scene.full is None:
        pytest.skip("a small file system cannot be mounted here")
    # The journal keeps the room that it once had.
    Database(scene.source).settle()
    filler = scene.full / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def _limited(scene: Scene) -> Iterator[None]:
    """The processes of PostgreSQL that write to the log may not let any file grow, and its tables are large already."""
    with observing(scene.source.url).begin() as connection:
        query = text("INSERT INTO qaqpa_log_content (commitment, actual, body) VALUES (:name, :name, :body)")
        for number in range(_JUNK_MEGABYTES):
            connection.execute(query, {"name": f"junk {number}", "body": os.urandom(1 << 20)})
    pids = scene.backends(log=True)
    assert pids
    _limit(pids, str(_LARGEST))
    try:
        yield
    finally:
        _limit(pids, "unlimited")


def _limit(pids: Iterable[int], largest: str) -> None:
    """As the owner of the processes, who need not be allowed to change those of others."""
    for pid in pids:
        # One of a test before may end just now.
        with suppress(FileNotFoundError):
            owner = Path(f"/proc/{pid}").stat().st_uid
            subprocess.run(["prlimit", "--pid", str(pid), f"--fsize={largest}:"], user=owner, check=False)


def _refused(scene: Scene, version: Version) -> bool:
    """Asks; a refusal has to be one for the log, in bounded time."""
    started = time.monotonic()
    answer = scene.promoted(version, alias="champion")
    assert time.monotonic() - started < BOUND_SECONDS
    if answer.status == 403:
        assert answer.codes == ["log_unusable"]
    return answer.status == 403


@pytest.mark.parametrize("trouble", [_locked, _full])
def test_nothing_is_promoted_and_what_is_in_production_can_be_taken_out(
    scene: Scene, trouble: Callable[[Scene], Any]
) -> None:
    version = scene.good()
    assert scene.promoted(version).status == 200
    assert scene.promoted(version, "Production").status == 200
    with trouble(scene):
        # A page that is there already may have room for one or two rows more.
        refused = [_refused(scene, version) for _ in range(2 if trouble is _locked else 6)]
        assert refused[-1]
        if trouble is _locked:
            assert all(refused)
        started = time.monotonic()
        scene.registry.client.delete_registered_model_alias(version.name, "production")
        scene.registry.client.transition_model_version_stage(version.name, version.number, "Archived")
        assert time.monotonic() - started < BOUND_SECONDS
    assert "production" not in scene.registry.aliases(version.name)
    assert scene.registry.stage(version) == "Archived"
    assert scene.promoted(version).status == 200
    written = [kept for _, kept in scene.outcome(f"alias production of {version.name} version {version.number}")]
    assert written == ["written"] * 2
