# SPDX-License-Identifier: Apache-2.0
"""How much longer a gated alias move takes than one without the gate, through MLflow's own client.

The client keeps its connection, as it always does; the rounds alternate, so that whatever else the machine does reaches
both alike.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.registry import Registry, Version
from support.servers import mlflow_server

pytestmark = pytest.mark.server

ROUNDS = 60


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Registry, Registry]]:
    """A server without the gate, and one with it."""
    raw, gated = tmp_path / "raw", tmp_path / "gated"
    raw.mkdir()
    gated.mkdir()
    with (
        mlflow_server(raw, f"sqlite:///{raw}/mlflow.db", "version: 1\n", prefix="") as first,
        mlflow_server(gated, f"sqlite:///{gated}/mlflow.db", "version: 1\n") as second,
    ):
        yield Registry(first, raw), Registry(second, gated)


def test_moving_a_gated_alias(pair: tuple[Registry, Registry], capsys: pytest.CaptureFixture[str]) -> None:
    versions = [registry.registered(evidence=True) for registry in pair]
    taken: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for registry, version, seconds in zip(pair, versions, taken, strict=True):
            seconds.append(_move(registry, version))
    raw, gated = (statistics.median(seconds[ROUNDS // 6 :]) * 1000 for seconds in taken)
    tags = pair[1].client.get_model_version(versions[1].name, versions[1].number).tags
    pieces = len(tags) + len(pair[1].client.get_registered_model(versions[1].name).tags)
    with capsys.disabled():
        print(f"\nalias move, {pieces} pieces of evidence, median of {ROUNDS}: ", end="")
        print(f"without the gate {raw:.1f} ms, with it {gated:.1f} ms, ratio {gated / raw:.2f} (at most 1.5)")
    assert pieces >= 12, "as many as the goal is about"


def _move(registry: Registry, version: Version) -> float:
    started = time.perf_counter()
    registry.client.set_registered_model_alias(version.name, "champion", version.number)
    return time.perf_counter() - started
