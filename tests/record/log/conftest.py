# SPDX-License-Identifier: Apache-2.0
"""Logs on each kind of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qaqpa.config import LogSource
from qaqpa.model import Decision
from qaqpa.policy.embedded import EmbeddedEngine
from support.logs import log_source, made, without_log
from support.servers import postgresql


@pytest.fixture(scope="session")
def log_database() -> Iterator[Callable[[str], str]]:
    """A function from driver to the URI of a database without a log."""
    with postgresql() as new:
        urls = {driver: new(driver, driver) for driver in ("psycopg2", "psycopg")}
        yield lambda driver: without_log(urls[driver])


@pytest.fixture(params=["sqlite", "psycopg2", "psycopg"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> LogSource:
    """An empty log. An append may take long: a machine that does much else can stand still for two seconds."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("log_database")(request.param)
    return replace(log_source(tmp_path, url), timeout_seconds=20)


@pytest.fixture(scope="session")
def decision(engine: EmbeddedEngine) -> Decision:
    """One that was allowed."""
    return made(engine)
