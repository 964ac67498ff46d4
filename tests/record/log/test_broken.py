# SPDX-License-Identifier: Apache-2.0
"""Connections of PostgreSQL that break at the worst moments: the log goes on, and keeps all its places for others."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from qaqpa.config import LogSource
from qaqpa.record.log import together
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.opening import open_log
from qaqpa.record.log.putting import Draft
from support.logs import Owner, checked, kinds

# More than a pool has places.
TIMES = 14


@pytest.fixture
def cut(source: LogSource) -> Callable[[], None]:
    """Ends every connection of gates to the log."""
    if source.is_file:
        pytest.skip("a file has no connections")
    owner = Owner(source)

    def end() -> None:
        query = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'qaqpa decision log' AND datname = current_database()"
        )
        with owner.engine.begin() as connection:
            connection.execute(text(query))
        time.sleep(0.02)

    return end


@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after it"])
def test_a_connection_that_breaks_costs_no_place(
    source: LogSource, cut: Callable[[], None], monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    log = open_log(source)
    real, written = together.commit, 0

    def commit(*arguments: Any, **named: Any) -> None:
        if after:
            real(*arguments, **named)
            cut()
            return
        cut()
        real(*arguments, **named)

    for number in range(TIMES):
        log.append([Draft("x", {"number": number})])
        with monkeypatch.context() as patched:
            patched.setattr(together, "commit", commit)
            with suppress(LogError):
                log.append([Draft("y", {"number": number})])
                written += 1
    log.append([Draft("x", {})])
    assert written == (TIMES if after else 0)
    assert kinds(source).count("y") == written
    assert kinds(source).count("x") == TIMES + 1
    assert checked(source).problems == []


def test_a_gate_that_stands_still_loses_the_lock(
    source: LogSource, cut: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    del cut
    stopped, other = (open_log(replace(source, timeout_seconds=0.5)) for _ in range(2))
    stopped.append([Draft("x", {})])
    other.append([Draft("x", {})])
    real = together.commit

    def commit(*arguments: Any, **named: Any) -> None:
        monkeypatch.setattr(together, "commit", real)
        time.sleep(2.5)
        real(*arguments, **named)

    monkeypatch.setattr(together, "commit", commit)
    with pytest.raises(LogError, match="does not answer"):
        stopped.append([Draft("late", {})])
    time.sleep(1.5)
    other.append([Draft("x", {})])
    time.sleep(1.5)
    assert "late" not in kinds(source)
    assert checked(source).problems == []
