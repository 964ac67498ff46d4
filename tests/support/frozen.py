# SPDX-License-Identifier: Apache-2.0
"""A server's registry behind the gate, with an artifact store that freezes, in the process of a test."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mlflow.server import (
    ARTIFACT_ROOT_ENV_VAR,
    ARTIFACTS_DESTINATION_ENV_VAR,
    BACKEND_STORE_URI_ENV_VAR,
    REGISTRY_STORE_URI_ENV_VAR,
    SERVE_ARTIFACTS_ENV_VAR,
    handlers,
)
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

from qaqpa import times
from qaqpa.config import DEFAULT_GATE, Config, Hashing
from qaqpa.mlflow import frozen
from qaqpa.mlflow.artifact_stores import build_frozen
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.gated import GatedStore
from qaqpa.mlflow.judge import Gatekeeper
from qaqpa.model import Answer, JsonObject
from qaqpa.policy.embedded import EmbeddedEngine
from support.keyring import trusted

MODEL = "0/run/artifacts/model"
CONFIGURATION = """\
version: 1
gates:
  - {stage: production, profiles: [article-baseline], aliases: [production], mlflow_stages: [Production], names: [live]}
observe:
  - {models: [observed], until: TOMORROW}
"""


class World:
    """A server's registry and artifact store, in this process; `credit` has one version, without evidence."""

    def __init__(self, directory: Path, engine: EmbeddedEngine, database: str) -> None:
        self.directory = directory
        self.database = database
        self.root = directory / "artifacts"
        self.raw = SqlAlchemyStore(database)
        self.meddle: Callable[[], object] = lambda: None
        self._engine = engine
        self.name, self.policy_digest, self.catalog = engine.name, engine.policy_digest, engine.catalog
        self.asked: list[JsonObject] = []
        config = Config(gates=(DEFAULT_GATE,), parties=trusted(directory, times.now()))
        self.gated = GatedStore(database, gatekeeper=Gatekeeper(config, self))
        self.register("credit", f"mlflow-artifacts:/{MODEL}")
        (self.root / MODEL).mkdir(parents=True)
        (self.root / MODEL / "weights").write_text("good")
        self.repo = build_frozen(f"qaqpa+file://{self.root}")

    def evaluate(self, document: JsonObject) -> Answer:
        self.asked.append(document)
        self.meddle()
        return self._engine.evaluate(document)

    def limit(self, **hashing: int) -> None:
        """Sets limits of hashing."""
        keeper = self.gated._gatekeeper
        keeper.config = replace(keeper.config, hashing=Hashing(**hashing))

    def register(self, name: str, source: str) -> None:
        self.raw.create_registered_model(name)
        self.raw.create_model_version(name, source)

    def upload(self, path: str, repo: Any = None) -> None:
        directory, _, name = path.rpartition("/")
        (repo or self.repo).log_artifact_from_stream(io.BytesIO(b"evil"), name, directory or None)

    def frozen(self, path: str, repo: Any = None) -> bool:
        try:
            self.upload(path, repo)
        except RefusedError as error:
            assert error.json_kwargs["qaqpa"]["problems"][0]["code"] == "frozen"  # noqa: PT017 - it may not be raised
            return True
        return False


def serve(directory: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this process one of a server, on a database that has MLflow's tables."""
    tomorrow = str((times.now() + timedelta(days=1)).date())
    (directory / "qaqpa.yaml").write_text(CONFIGURATION.replace("TOMORROW", tomorrow))
    for name, value in {
        "QAQPA_CONFIG": str(directory / "qaqpa.yaml"),
        ARTIFACTS_DESTINATION_ENV_VAR: f"qaqpa+file://{directory}/artifacts",
        REGISTRY_STORE_URI_ENV_VAR: f"qaqpa+{database}",
        BACKEND_STORE_URI_ENV_VAR: database,
        ARTIFACT_ROOT_ENV_VAR: "mlflow-artifacts:/",
        SERVE_ARTIFACTS_ENV_VAR: "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(handlers, "_artifact_repo", None)
    monkeypatch.setattr(handlers, "_tracking_store", None)
    frozen._registry.cache_clear()
