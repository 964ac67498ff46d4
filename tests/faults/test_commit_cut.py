# SPDX-License-Identifier: Apache-2.0
"""The connection to PostgreSQL breaks after the registry committed, and before it could say so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from faults.scene import Scene
from qaqpa.config import load_config
from qaqpa.mlflow.gated import GatedStore
from qaqpa.mlflow.judge import Gatekeeper
from qaqpa.policy.embedded import EmbeddedEngine
from support.proxy import Proxy

pytestmark = pytest.mark.server


@pytest.fixture
def proxy(postgresql_scene: Scene) -> Iterator[Proxy]:
    with Proxy.before(postgresql_scene.registry.server.database) as found:
        yield found
    assert postgresql_scene.invariant.look() == []


@pytest.fixture
def store(postgresql_scene: Scene, proxy: Proxy, engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch) -> GatedStore:
    """Another gate on the same registry and log, in this process, behind the proxy."""
    scene = postgresql_scene
    directory = scene.registry.directory
    monkeypatch.setenv("QAQPA_LOG", scene.source.url)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", scene.registry.server.url)
    keeper = Gatekeeper(load_config(Path(directory, "qaqpa.yaml")), engine)
    keeper.start()
    return GatedStore(proxy.url, gatekeeper=keeper)


def test_a_write_whose_commit_nobody_confirmed_is_not_recorded_as_failed(
    postgresql_scene: Scene, proxy: Proxy, store: GatedStore
) -> None:
    scene = postgresql_scene
    version = scene.good()
    proxy.swallow_after(b"INSERT INTO registered_model_aliases", b"COMMIT")
    with pytest.raises(MlflowException):
        store.set_registered_model_alias(version.name, "production", version.number)
    assert proxy.swallowed == 1
    assert scene.registry.aliases(version.name) == {"production": version.number}
    assert scene.outcome(f"alias production of {version.name} version {version.number}") == [("allow", None)]


def test_a_write_that_was_cut_before_its_commit_is_unknown_too_and_nothing_stands(
    postgresql_scene: Scene, proxy: Proxy, store: GatedStore
) -> None:
    scene = postgresql_scene
    version = scene.good()
    proxy.swallow_after(b"INSERT INTO registered_model_aliases")
    with pytest.raises(MlflowException):
        store.set_registered_model_alias(version.name, "production", version.number)
    assert scene.registry.aliases(version.name) == {}
    assert scene.outcome(f"alias production of {version.name} version {version.number}") == [("allow", None)]
