# SPDX-License-Identifier: Apache-2.0
"""How much longer a gated alias move takes than one without the gate, on PostgreSQL.

MLflow's own client keeps its connection; curl and many pipelines make one for each request.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterator

import pytest
import requests

from support.pairs import PIECES, Pair, interleaved, numbers, pair, registered
from support.registry import Registry, Version

pytestmark = pytest.mark.server

ROUNDS = 120
AT_MOST = 1.5


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "frozen"])
def servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("pair"), frozen=request.param) as found:
        yield found


def _kept(registry: Registry, version: Version) -> Callable[[], object]:
    turns = numbers(version)
    return lambda: registry.client.set_registered_model_alias(version.name, "champion", next(turns))


def _fresh(registry: Registry, version: Version) -> Callable[[], object]:
    turns = numbers(version)

    def move() -> None:
        # Without a session, and so on a connection of its own.
        url = f"{registry.server.url}/api/2.0/mlflow/registered-models/alias"
        body = {"name": version.name, "alias": "champion", "version": next(turns)}
        requests.post(url, json=body, headers={"Connection": "close"}, timeout=60).raise_for_status()

    return move


_WORDS = {_kept: "MLflow's client", _fresh: "fresh connections"}


@pytest.mark.parametrize("move", [_kept, _fresh], ids=["client", "fresh"])
def test_moving_a_gated_alias(
    servers: Pair,
    move: Callable[[Registry, Version], Callable[[], object]],
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls = [move(registry, registered(registry)) for registry in servers.each()]
    raw, gated = map(statistics.median, interleaved(calls, ROUNDS))
    artifacts = "frozen artifacts" if "frozen" in request.node.callspec.id else "artifacts as they are"
    with capsys.disabled():
        print(f"\nalias move on PostgreSQL, {_WORDS[move]}, {artifacts}, {PIECES} pieces, median of {ROUNDS}: ", end="")
        print(
            f"without the gate {raw:.1f} ms, with it {gated:.1f} ms, ratio {gated / raw:.2f} (at most {AT_MOST}); ",
            end="",
        )
        print(f"load of the machine {os.getloadavg()[0]:.1f}")
