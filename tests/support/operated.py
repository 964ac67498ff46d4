# SPDX-License-Identifier: Apache-2.0
"""A gate in this process as a server has it: built from a configuration file that can be changed while it judges."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

from qaqpa.config import LogSource
from qaqpa.evidence.digest import dir_hash
from qaqpa.mlflow import selftest, sources
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.gated import GatedStore
from qaqpa.policy.bundle import DATA, MANIFEST
from qaqpa.record.log.chain import peek
from qaqpa.record.log.database import Database
from qaqpa.record.log.reading import rows
from qaqpa.resources import COMPILED
from support.configurations import parties_part
from support.logs import log_source
from support.registry import passing

GATES = "gates:\n  - {stage: production, profiles: [article-baseline], aliases: [production]}\n"


class Operated:
    """A registry with `good`, whose version 1 has all evidence, and the files of its gate."""

    def __init__(self, directory: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Writes a configuration that works. `open` starts the gate."""
        self.directory, self.file = directory, directory / "qaqpa.yaml"
        shutil.copy(empty_database, directory)
        self.database = f"sqlite:///{directory}/mlflow.db"
        mlflow.set_tracking_uri(self.database)
        monkeypatch.setenv("QAQPA_CONFIG", str(self.file))
        monkeypatch.setattr(sources, "SETTLE_SECONDS", 0.0)
        self.log: LogSource = log_source(directory)
        self._parties = parties_part(directory)
        self.parties_file = directory / "parties.signed.json"
        self.configure()
        self.raw = SqlAlchemyStore(self.database)

    def configure(self, text: str = GATES, *, parties: bool = True, log: bool = True) -> None:
        """Writes the configuration anew."""
        kept = f"log: {{url: '{self.log.url}', key: {self.log.key}}}\n" if log else ""
        self.file.write_text(f"version: 1\n{text}{self._parties if parties else ''}{kept}")

    def open(self) -> GatedStore:
        """The registry with the gate in front."""
        store = GatedStore(self.database, gatekeeper=selftest.started())
        if not self.raw.search_registered_models():
            self._register("good")
        return store

    def own_policies(self) -> Path:
        """The shipped policies in a directory of their own."""
        folder = self.directory / "policy"
        shutil.copytree(COMPILED, folder)
        return folder

    def rows(self, *kinds: str) -> list[Any]:
        """The fields of rows of the log, by number."""
        with Database(self.log).reading() as connection:
            entries = [peek(row.body) for row in rows(connection)]
        return [entry.fields for entry in entries if entry.kind in kinds]

    def _register(self, name: str) -> None:
        files = self.directory / name
        files.mkdir()
        (files / "weights").write_text(name)
        self.raw.create_registered_model(name)
        self.raw.create_model_version(name, str(files))
        tags = passing([name], dir_hash(files))
        for key, value in tags.model.items():
            self.raw.set_registered_model_tag(name, RegisteredModelTag(key, value))
        self.evidence = next(iter(tags.version))
        for key, value in tags.version.items():
            self.raw.set_model_version_tag(name, "1", ModelVersionTag(key, value))


def another_build(folder: Path, digest: str = "ab" * 32) -> dict[str, bytes]:
    """The files of policies that decide the same and have another digest."""
    data = json.loads((folder / DATA).read_bytes())
    data["another"] = digest
    changed = json.dumps(data).encode()
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["policy_digest"] = digest
    manifest["sha256"][DATA] = hashlib.sha256(changed).hexdigest()
    return {DATA: changed, MANIFEST: json.dumps(manifest).encode()}


def refused(store: GatedStore, alias: str = "production", name: str = "good") -> dict[str, Any]:
    """What the gate says of a promotion that it refuses."""
    with pytest.raises(RefusedError) as caught:
        store.set_registered_model_alias(name, alias, 1)
    found: dict[str, Any] = caught.value.json_kwargs["qaqpa"]
    return found
