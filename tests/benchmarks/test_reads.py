# SPDX-License-Identifier: Apache-2.0
"""How much longer reads take from a registry with the gate in front, through MLflow's own client, on PostgreSQL."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterator

import pytest

from support.pairs import Pair, interleaved, pair, registered
from support.registry import Registry, Version

pytestmark = pytest.mark.server

ROUNDS = 120
AT_MOST = 1.15


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("pair")) as found:
        yield found


@pytest.fixture(scope="module")
def versions(servers: Pair) -> list[tuple[Registry, Version]]:
    """A version that is in production, in each registry."""
    found = [(registry, registered(registry)) for registry in servers.each()]
    for registry, version in found:
        registry.client.set_registered_model_alias(version.name, "champion", version.number)
    return found


READS: dict[str, Callable[[Registry, Version], object]] = {
    "get a version": lambda registry, version: registry.client.get_model_version(version.name, version.number),
    "get by alias": lambda registry, version: registry.client.get_model_version_by_alias(version.name, "champion"),
    "get a model": lambda registry, version: registry.client.get_registered_model(version.name),
    "search versions": lambda registry, version: registry.client.search_model_versions(f"name = '{version.name}'"),
    "search models": lambda registry, _: registry.client.search_registered_models(max_results=10),
}


@pytest.mark.parametrize("name", READS)
def test_reading(versions: list[tuple[Registry, Version]], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    calls = [
        lambda registry=registry, version=version: READS[name](registry, version) for registry, version in versions
    ]
    raw, gated = map(statistics.median, interleaved(calls, ROUNDS))
    with capsys.disabled():
        print(f"\n{name} on PostgreSQL, median of {ROUNDS}: without the gate {raw:.1f} ms, ", end="")
        print(f"with it {gated:.1f} ms, ratio {gated / raw:.2f} (at most {AT_MOST}); ", end="")
        print(f"load of the machine {os.getloadavg()[0]:.1f}")
