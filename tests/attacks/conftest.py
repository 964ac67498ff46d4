# SPDX-License-Identifier: Apache-2.0
"""Servers that the attacks share, and the models in production that they are about."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from attacks.target import ADMIN, Target, attacked_server, new_target
from qaqpa.policy.embedded import EmbeddedEngine
from support.pull_requests import Capture, PullRequest
from support.registry import Registry
from support.servers import postgresql

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    NO_PROXY="127.0.0.1",
    no_proxy="127.0.0.1",
)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory, engine: EmbeddedEngine) -> Iterator[Registry]:
    """A server on SQLite, without a login."""
    with attacked_server(tmp_path_factory.mktemp("attacked"), engine) as found:
        yield found


@pytest.fixture(scope="session")
def plain(registry: Registry) -> Target:
    """On SQLite, attacked by nobody in particular."""
    return new_target(registry, "SQLite, no login")


@pytest.fixture(scope="session")
def new_postgresql_database() -> Iterator[Callable[[str, str], str]]:
    """A function from driver and name to the URI of a new database."""
    with postgresql() as new:
        yield new


@pytest.fixture(scope="session")
def login(
    tmp_path_factory: pytest.TempPathFactory,
    engine: EmbeddedEngine,
    new_postgresql_database: Callable[[str, str], str],
) -> Iterator[Target]:
    """On PostgreSQL, behind a login, attacked by an editor who is no administrator."""
    databases = [new_postgresql_database("psycopg2", name) for name in ("attacked", "attacked_log")]
    with attacked_server(tmp_path_factory.mktemp("login"), engine, *databases, login=ADMIN) as found:
        yield new_target(found, "PostgreSQL, basic-auth", login=True)


@pytest.fixture(params=["plain", "login"])
def target(request: pytest.FixtureRequest) -> Target:
    """Both."""
    found: Target = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def pull(here: Path, capsys: Capture) -> PullRequest:
    """A pull request that takes the audit away, against a base without a configuration."""
    request = PullRequest(here, capsys)
    request.system()
    request.branch()
    (request.credit / "evidence" / "audit.yaml").unlink()
    return request
