# SPDX-License-Identifier: Apache-2.0
"""At most one version is in a gated stage, on both databases, and whoever leaves it brings no other one in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from mlflow import MlflowClient
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

from support.registry import Registry, Version, refusal

pytestmark = pytest.mark.server


def _move(registry: Registry, version: Version, stage: str, *, archive: bool = False) -> None:
    registry.client.transition_model_version_stage(version.name, version.number, stage, archive)


def _two(registry: Registry) -> tuple[Version, Version]:
    """Two versions that may both be in production; the first is."""
    first = registry.registered(evidence=True)
    second = registry.added(first.name, evidence=True)
    _move(registry, first, "Production")
    return first, second


def served(client: MlflowClient, name: str) -> list[str]:
    """What `models:/name/Production` would load."""
    return [str(version.version) for version in client.get_latest_versions(name, ["Production"])]


def test_a_second_version_in_a_gated_stage_is_refused_and_archiving_the_first_allows_it(registry: Registry) -> None:
    first, second = _two(registry)
    answer = refusal(lambda: _move(registry, second, "Production"))
    assert answer["qaqpa"]["problems"][0]["code"] == "stage_occupied"
    assert (registry.stage(first), registry.stage(second)) == ("Production", "None")
    _move(registry, second, "Production", archive=True)
    assert (registry.stage(first), registry.stage(second)) == ("Archived", "Production")
    _move(registry, second, "Archived")
    assert served(registry.client, first.name) == []


def test_eight_clients_at_once_bring_one_version_in(registry: Registry) -> None:
    first = registry.registered(evidence=True)
    for _ in range(3):
        registry.client.create_model_version(first.name, first.source, first.run_id)
    numbers = ["1", "2", "3", "4"] * 2

    def move(number: str) -> int:
        body = {"name": first.name, "version": number, "stage": "Production"}
        return registry.post("model-versions/transition-stage", body).status_code

    with ThreadPoolExecutor(len(numbers)) as pool:
        answers = dict(zip(range(8), pool.map(move, numbers), strict=True))
    inside = [
        version.version
        for version in registry.client.search_model_versions(f"name = '{first.name}'")
        if version.current_stage == "Production"
    ]
    assert len(inside) == 1
    # The same version may have been asked for twice.
    assert {numbers[asked] for asked, status in answers.items() if status == 200} == {str(inside[0])}
    assert set(answers.values()) == {200, 403}


def test_the_same_version_again_is_no_second_one(registry: Registry) -> None:
    first, _ = _two(registry)
    _move(registry, first, "Production")
    assert registry.stage(first) == "Production"


def test_a_stage_that_is_not_gated_and_a_model_that_is_observed_hold_as_many_as_they_like(registry: Registry) -> None:
    for prefix, stage in (("credit", "Staging"), ("observed-model", "Production")):
        first = registry.registered(prefix)
        second = registry.added(first.name)
        for version in (first, second):
            _move(registry, version, stage)
        assert {registry.stage(first), registry.stage(second)} == {stage}


@pytest.mark.parametrize("how", ["archive", "delete"])
def test_what_is_left_from_before_the_gate_is_not_promoted_by_the_newer_one_that_leaves(
    registry: Registry, how: str
) -> None:
    first = registry.registered()
    second, third = registry.added(first.name), registry.added(first.name)
    raw = SqlAlchemyStore(registry.server.database)
    for version in (first, second, third):
        raw.transition_model_version_stage(
            version.name, int(version.number), "Production", archive_existing_versions=False
        )
    _move(registry, first, "Archived")
    assert served(registry.client, first.name) == [third.number]
    assert registry.stage(second) == "Production"
    if how == "archive":
        _move(registry, third, "Archived")
    else:
        registry.client.delete_model_version(third.name, third.number)
    assert registry.stage(second) == "Archived"
    assert served(registry.client, first.name) == []
