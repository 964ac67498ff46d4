# SPDX-License-Identifier: Apache-2.0
"""How many decisions a second eight processes append durably, on each database, with what a real one weighs."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qaqpa.config import LogSource
from qaqpa.policy.embedded import EmbeddedEngine
from support.logs import append_for, checked, log_source, made
from support.servers import postgresql

PROCESSES, SECONDS = 8, 5.0
AT_LEAST = 500

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """A cluster that waits for the disk, as one in production does."""
    with postgresql(durable=True) as new:
        yield new


@pytest.fixture(params=["sqlite", "psycopg2", "psycopg"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> LogSource:
    url = ""
    if request.param != "sqlite":
        url = request.getfixturevalue("server")(request.param, f"log{next(_numbers)}")
    return replace(log_source(tmp_path, url), timeout_seconds=10)


@pytest.mark.parametrize("whole", [False, True], ids=["rows", "decisions"])
def test_durable_appends(
    source: LogSource,
    engine: EmbeddedEngine,
    whole: bool,  # noqa: FBT001
    capsys: pytest.CaptureFixture[str],
) -> None:
    decision = made(engine) if whole else None
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=append_for, args=(source, decision, SECONDS, start, results)) for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    taken = [one for _ in processes for one in results.get()]
    for process in processes:
        process.join()
    found = checked(source)
    with capsys.disabled():
        kind = "decisions with input and document" if whole else "bare rows"
        print(f"\n{source.url.partition(':')[0]}, {PROCESSES} processes, {kind}: ", end="")
        print(f"{len(taken) / SECONDS:.0f} a second (at least {AT_LEAST}), ", end="")
        print(f"median {statistics.median(taken) * 1000:.1f} ms, ", end="")
        print(f"worst {max(taken) * 1000:.0f} ms; load of the machine {os.getloadavg()[0]:.1f}")
    assert found.problems == []
    assert found.size == len(taken) + PROCESSES + 1
