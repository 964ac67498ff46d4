# SPDX-License-Identifier: Apache-2.0
"""How many alias moves a second eight clients reach together, each with a model of its own, on PostgreSQL."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.pairs import Pair, moves_a_second, pair, registered

pytestmark = pytest.mark.server

CLIENTS, WORKERS, SECONDS, ROUNDS = 8, 4, 5.0, 3
AT_LEAST = 0.5


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Pair]:
    """With as many workers as MLflow starts by itself."""
    with pair(tmp_path, WORKERS) as found:
        yield found


def test_eight_clients_promote_different_models(servers: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    versions = [[registered(registry) for _ in range(CLIENTS)] for registry in servers.each()]
    rates: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for registry, own, found in zip(servers.each(), versions, rates, strict=True):
            found.append(moves_a_second(registry, own, SECONDS))
    raw, gated = map(statistics.median, rates)
    with capsys.disabled():
        print(f"\n{CLIENTS} clients, {WORKERS} workers, different models, median of {ROUNDS} rounds: ", end="")
        print(f"without the gate {raw:.0f} moves a second, with it {gated:.0f}, ", end="")
        print(f"ratio {gated / raw:.2f} (at least {AT_LEAST}); ", end="")
        print(f"load of the machine {os.getloadavg()[0]:.1f}")
