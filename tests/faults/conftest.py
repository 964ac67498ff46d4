# SPDX-License-Identifier: Apache-2.0
"""One server for each kind of database, with two processes that answer; all faults here are theirs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.scene import Scene, configuration
from qaqpa.config import LogSource
from support.logs import checked
from support.registry import Registry
from support.servers import mlflow_server, postgresql

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    NO_PROXY="127.0.0.1",
    no_proxy="127.0.0.1",
)

_MEGABYTES = 64


@pytest.fixture(scope="session")
def new_database() -> Iterator[Callable[[str, str], str]]:
    """A function from driver and name to the URI of a new database."""
    with postgresql() as new:
        yield new


@pytest.fixture(scope="session")
def sqlite_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A registry and a log on SQLite."""
    directory = tmp_path_factory.mktemp("sqlite")
    with _small_file_system(directory / "log") as small:
        database, log = f"sqlite:///{directory}/mlflow.db", f"sqlite:///{directory}/log/decisions.db"
        yield from _scene(directory, database, log, directory / "log" if small else None)


@pytest.fixture(scope="session")
def postgresql_scene(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[str, str], str]
) -> Iterator[Scene]:
    """A registry and a log on PostgreSQL."""
    directory = tmp_path_factory.mktemp("postgresql")
    yield from _scene(directory, new_database("psycopg2", "registry"), new_database("psycopg2", "log"), None)


@pytest.fixture(params=["sqlite", "postgresql"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """Both kinds of databases; at the end of each test the invariant holds."""
    found: Scene = request.getfixturevalue(f"{request.param}_scene")
    yield found
    assert found.invariant.look() == []


def _scene(directory: Path, database: str, log: str, small: Path | None) -> Iterator[Scene]:
    text, key = configuration(directory)
    with mlflow_server(directory, database, text, log=log, more=["--workers", "2"]) as server:
        source = LogSource(log, key)
        yield Scene(Registry(server, directory), source, small)
    assert checked(source).problems == []


@contextmanager
def _small_file_system(place: Path) -> Iterator[bool]:
    """A file system of its own at a place, which can be filled; a directory where none can be mounted."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m", "qaqpa-test", str(place)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(place)], check=True)
