# SPDX-License-Identifier: Apache-2.0
"""The log is locked, or its disk is full: nothing is promoted, in bounded time, and taking out works."""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InternalError

from faults.scene import Scene
from qaqpa.record.log.database import Database
from support.invariant import observing
from support.processes import below, parent
from support.registry import Version

pytestmark = pytest.mark.server

BOUND_SECONDS = 15.0
"""The two seconds that an append may take, twice, and what a machine that does much else needs."""

_JUNK_MEGABYTES = 20
_SIZES = (1 << 14, 4000, 2100)
"""Bytes of rows that PostgreSQL keeps outside of their table, as it does what policies were asked."""

_NUMBERS = itertools.count()

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
    """The processes of PostgreSQL may not let any file grow, and the log's tables are large already."""
    first = parent(scene.backends(log=True)[0])
    with observing(scene.source.url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for _ in range(_JUNK_MEGABYTES):
            _junk(connection, 1 << 20)
        # Processes that start meanwhile, for a connection that replaces one, inherit what the first may do.
        _limit(first, str(_LARGEST))
        try:
            _use_up(connection)
            yield
        finally:
            _limit(first, "unlimited")


def _use_up(connection: Any) -> None:
    """Fills the pages that are there: whoever writes next needs another one."""
    connection.execute(text("VACUUM qaqpa_log_content"))
    for size in _SIZES:
        with suppress(InternalError):
            while True:
                _junk(connection, size)


def _junk(connection: Any, size: int) -> None:
    query = text("INSERT INTO qaqpa_log_content (commitment, actual, body) VALUES (:name, :name, :body)")
    connection.execute(query, {"name": f"junk {next(_NUMBERS)}", "body": os.urandom(size)})


def _limit(first: int, largest: str) -> None:
    """For a process and its children. As their owner, who need not be allowed to change those of others."""
    for pid in (first, *below(first)):
        # One may end just now.
        with suppress(FileNotFoundError):
            owner = Path(f"/proc/{pid}").stat().st_uid
            subprocess.run(["prlimit", "--pid", str(pid), f"--fsize={largest}:"], user=owner, check=False)


def _refused(scene: Scene, version: Version) -> None:
    """Asks; the refusal is one for the log, in bounded time."""
    started = time.monotonic()
    answer = scene.promoted(version, alias="champion")
    assert time.monotonic() - started < BOUND_SECONDS
    assert answer.status == 403
    assert answer.codes == ["log_unusable"]


@pytest.mark.parametrize("trouble", [_locked, _full])
def test_nothing_is_promoted_and_what_is_in_production_can_be_taken_out(
    scene: Scene, trouble: Callable[[Scene], Any]
) -> None:
    version = scene.good()
    assert scene.promoted(version).status == 200
    assert scene.promoted(version, "Production").status == 200
    with trouble(scene):
        for _ in range(3):
            _refused(scene, version)
        started = time.monotonic()
        scene.registry.client.delete_registered_model_alias(version.name, "production")
        scene.registry.client.transition_model_version_stage(version.name, version.number, "Archived")
        assert time.monotonic() - started < BOUND_SECONDS
    assert "production" not in scene.registry.aliases(version.name)
    assert scene.registry.stage(version) == "Archived"
    assert scene.promoted(version).status == 200
    written = [kept for _, kept in scene.outcome(f"alias production of {version.name} version {version.number}")]
    assert written == ["written"] * 2
