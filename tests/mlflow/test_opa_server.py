# SPDX-License-Identifier: Apache-2.0
"""The veto with an OPA server as its engine, also when that server is gone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from qaqpa.policy.bundle import SERVER_BUNDLE
from qaqpa.resources import COMPILED
from support.registry import Registry, refusal
from support.servers import HOST, Running, free_port, mlflow_server, need, opa_server

pytestmark = [pytest.mark.server, pytest.mark.opa]


@dataclass(frozen=True)
class Both:
    """MLflow, and the OPA server it asks."""

    registry: Registry
    opa: Running


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    need(shutil.which("opa"), "opa")
    port = free_port()
    configuration = f"version: 1\nengine: opa\nopa:\n  url: http://{HOST}:{port}\n"
    with (
        opa_server(COMPILED / SERVER_BUNDLE, tmp_path, port) as opa,
        mlflow_server(tmp_path, f"sqlite:///{tmp_path}/mlflow.db", configuration) as server,
    ):
        yield Both(Registry(server, tmp_path), opa)


def test_it_decides_and_without_it_nothing_is_allowed_and_all_can_be_taken_back(both: Both) -> None:
    registry = both.registry
    bare, sound = registry.registered(), registry.registered(evidence=True)
    answer = refusal(lambda: registry.client.set_registered_model_alias(bare.name, "champion", bare.number))
    assert answer["qaqpa"]["verdict"] == "deny"
    registry.client.set_registered_model_alias(sound.name, "champion", sound.number)
    registry.client.transition_model_version_stage(sound.name, sound.number, "Production")

    both.opa.stop()
    answer = refusal(lambda: registry.client.set_registered_model_alias(sound.name, "production", sound.number))
    assert answer["qaqpa"]["verdict"] == "undecided"
    assert answer["qaqpa"]["problems"]
    assert registry.aliases(sound.name) == {"champion": sound.number}
    registry.client.transition_model_version_stage(sound.name, sound.number, "Archived")
    registry.client.delete_registered_model_alias(sound.name, "champion")
    assert (registry.stage(sound), registry.aliases(sound.name)) == ("Archived", {})
