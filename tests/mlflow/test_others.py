# SPDX-License-Identifier: Apache-2.0
"""What others register and say elsewhere blocks nobody, however much of it there is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mlflow.entities.model_registry import ModelVersionTag

from qaqpa.mlflow import others
from qaqpa.mlflow.identity import REGISTERED_BY, registration
from qaqpa.mlflow.others import read_tags
from support.frozen import World

MOST = 3


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few tags are many already."""
    others._tags_of_others.cache_clear()
    monkeypatch.setattr(others, "MOST_TAGS", MOST)
    yield
    others._tags_of_others.cache_clear()


def _register(world: World, name: str, login: str, times: int, source: str = "") -> str:
    source = source or world.raw.get_model_version("credit", 1).source
    if name != "credit":
        world.raw.create_registered_model(name)
    for _ in range(times):
        world.raw.create_model_version(name, source, tags=[ModelVersionTag(REGISTERED_BY, registration([login]))])
    return str(source)


def _read(world: World, source: str) -> list[tuple[str, str, bool]] | None:
    with world.gated.connected() as connection:
        found = read_tags(connection, "default", ["credit"], source, ("credit", 1))
    return None if found is None else [(tag.model, tag.value, tag.here) for tag in found]


def test_a_stranger_who_registers_these_bytes_very_often_counts_once(world: World) -> None:
    source = _register(world, "mine", "stranger", MOST + 5)
    assert _read(world, source) == [("", registration(["stranger"]), True)]


def test_a_stranger_who_registers_other_bytes_says_nothing(world: World) -> None:
    _register(world, "mine", "stranger", MOST + 5, "mlflow-artifacts:/elsewhere")
    assert _read(world, world.raw.get_model_version("credit", 1).source) == []


def test_more_persons_than_can_be_read_are_too_many(world: World) -> None:
    for number in range(MOST + 1):
        source = _register(world, f"mine-{number}", f"stranger {number}", 1)
    assert _read(world, source) is None


def test_whoever_may_change_the_model_itself_is_counted_each_time(world: World) -> None:
    source = _register(world, "credit", "colleague", MOST)
    assert _read(world, source) == [("credit", registration(["colleague"]), True)] * MOST
    _register(world, "credit", "colleague", 1)
    assert _read(world, source) is None
