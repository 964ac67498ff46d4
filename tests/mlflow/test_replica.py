# SPDX-License-Identifier: Apache-2.0
"""A read replica that is behind: the gate judges what the primary database has, and so do those who freeze."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.exceptions import MlflowException
from mlflow.server import handlers
from mlflow.server.constants import READ_REPLICA_BACKEND_STORE_URI_ENV_VAR
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from qaqpa.evidence.digest import dir_hash
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.gated import GatedStore
from qaqpa.mlflow.lineage import origin
from qaqpa.mlflow.server import tracking_store
from support.frozen import MODEL, World
from support.registry import Tags, failed_audit, passing


def attach(store: Any, tags: Tags) -> None:
    for key, value in tags.model.items():
        store.set_registered_model_tag("credit", RegisteredModelTag(key, value))
    for key, value in tags.version.items():
        store.set_model_version_tag("credit", 1, ModelVersionTag(key, value))


@pytest.fixture
def evidence(world: World) -> Tags:
    """Evidence that passes everything."""
    return passing(["credit"], dir_hash(world.root / MODEL))


@pytest.fixture
def behind(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], GatedStore]:
    """Makes a replica of what the primary has now, which stays behind, and opens a store with both."""

    def make() -> GatedStore:
        shutil.copy(tmp_path / "mlflow.db", tmp_path / "replica.db")
        replica = f"sqlite:///{tmp_path}/replica.db"
        monkeypatch.setenv(READ_REPLICA_BACKEND_STORE_URI_ENV_VAR, replica)
        monkeypatch.setattr(handlers, "_tracking_store", None)
        return GatedStore(world.database, read_db_uri=replica, gatekeeper=world.gated._gatekeeper)

    return make


def promote(store: GatedStore) -> None:
    store.set_registered_model_alias("credit", "production", 1)


def test_evidence_that_only_the_replica_has_does_not_count(
    world: World, evidence: Tags, behind: Callable[[], GatedStore]
) -> None:
    store = behind()
    attach(RegistryStore(f"sqlite:///{world.directory}/replica.db"), evidence)
    assert len(store.get_model_version("credit", 1).tags) == len(evidence.version), "reading asks the replica"
    with pytest.raises(RefusedError):
        promote(store)
    assert world.raw.get_registered_model("credit").aliases == {}


def test_a_failed_audit_that_the_replica_does_not_have_yet_denies(
    world: World, evidence: Tags, behind: Callable[[], GatedStore]
) -> None:
    attach(world.raw, evidence)
    store = behind()
    key, text = failed_audit(["credit"], dir_hash(world.root / MODEL))
    store.set_model_version_tag("credit", 1, ModelVersionTag(key, text))
    with pytest.raises(RefusedError) as caught:
        promote(store)
    assert caught.value.json_kwargs["qaqpa"]["verdict"] == "deny"


def test_evidence_that_the_replica_does_not_have_yet_counts(
    world: World, evidence: Tags, behind: Callable[[], GatedStore]
) -> None:
    store = behind()
    attach(world.raw, evidence)
    promote(store)
    assert world.raw.get_registered_model("credit").aliases == {"production": 1}
    assert store.get_registered_model("credit").aliases == {}, "the replica is behind"
    assert world.frozen(f"{MODEL}/weights")


def test_a_digest_ahead_and_a_freeze_are_asked_of_the_primary(
    world: World, evidence: Tags, behind: Callable[[], GatedStore]
) -> None:
    attach(world.raw, evidence)
    world.limit(in_request_mib=0)
    store = behind()
    with pytest.raises(RefusedError):
        promote(store)
    while store.hasher._known:
        time.sleep(0.05)
    promote(store)


def test_who_trained_a_model_is_asked_of_the_primary(world: World, behind: Callable[[], GatedStore]) -> None:
    """A replica that knows nothing of the run would let its user pass for independent."""
    behind()
    primary = SqlAlchemyStore(world.database, f"file://{world.root}")
    run = primary.create_run("0", "trainer", 1_700_000_000_000, [], "x").info
    location = f"{run.artifact_uri}/model"
    with pytest.raises(MlflowException):
        handlers._get_tracking_store().get_run(run.run_id)
    found = origin(tracking_store(), location, run.run_id)
    assert found.users == ("trainer",)
    assert found.trained_at
