# SPDX-License-Identifier: Apache-2.0
"""Which writes an artifact store with the prefix refuses, and what it does where it cannot tell."""

from __future__ import annotations

import asyncio
import io
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.server import (
    ARTIFACT_ROOT_ENV_VAR,
    ARTIFACTS_DESTINATION_ENV_VAR,
    BACKEND_STORE_URI_ENV_VAR,
    REGISTRY_STORE_URI_ENV_VAR,
    SERVE_ARTIFACTS_ENV_VAR,
    handlers,
)
from mlflow.store.artifact.artifact_repo import MultipartUploadMixin, StreamUploadMixin
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

from qaqpa import times
from qaqpa.config import DEFAULT_GATE, Config
from qaqpa.errors import UndecidedError
from qaqpa.mlflow import freezing, frozen
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.freezing import wait_for_writers, writing
from qaqpa.mlflow.gated import GatedStore
from qaqpa.mlflow.judge import Gatekeeper
from qaqpa.mlflow.store import build_frozen
from qaqpa.mlflow.writes import rows
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

    def __init__(self, directory: Path, engine: EmbeddedEngine) -> None:
        database = f"sqlite:///{directory}/mlflow.db"
        self.directory = directory
        self.root = directory / "artifacts"
        self.raw = SqlAlchemyStore(database)
        self.meddle: Callable[[], object] = lambda: None
        self._engine = engine
        self.name, self.policy_digest, self.catalog = engine.name, engine.policy_digest, engine.catalog
        config = Config(gates=(DEFAULT_GATE,), parties=trusted(directory, times.now()))
        self.gated = GatedStore(database, gatekeeper=Gatekeeper(config, self))
        self.register("credit", f"mlflow-artifacts:/{MODEL}")
        (self.root / MODEL).mkdir(parents=True)
        (self.root / MODEL / "weights").write_text("good")
        self.repo = build_frozen(f"qaqpa+file://{self.root}")

    def evaluate(self, document: JsonObject) -> Answer:
        self.meddle()
        return self._engine.evaluate(document)

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


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: EmbeddedEngine, empty_database: Path) -> World:
    shutil.copy(empty_database, tmp_path)
    tomorrow = str((times.now() + timedelta(days=1)).date())
    (tmp_path / "qaqpa.yaml").write_text(CONFIGURATION.replace("TOMORROW", tomorrow))
    database = f"sqlite:///{tmp_path}/mlflow.db"
    for name, value in {
        "QAQPA_CONFIG": str(tmp_path / "qaqpa.yaml"),
        ARTIFACTS_DESTINATION_ENV_VAR: f"qaqpa+file://{tmp_path}/artifacts",
        REGISTRY_STORE_URI_ENV_VAR: f"qaqpa+{database}",
        BACKEND_STORE_URI_ENV_VAR: database,
        ARTIFACT_ROOT_ENV_VAR: "mlflow-artifacts:/",
        SERVE_ARTIFACTS_ENV_VAR: "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(handlers, "_artifact_repo", None)
    monkeypatch.setattr(handlers, "_tracking_store", None)
    frozen._registry.cache_clear()
    return World(tmp_path, engine)


def _promote(world: World, name: str = "credit") -> None:
    world.raw.set_registered_model_alias(name, "production", 1)


def test_nothing_is_frozen_before_and_all_below_the_directory_is_while_in_production(world: World) -> None:
    assert not world.frozen(f"{MODEL}/weights")
    _promote(world)
    for path in (f"{MODEL}/weights", f"{MODEL}/new/file", MODEL, f"{MODEL}/.", "0/./run//artifacts/model/weights"):
        assert world.frozen(path), path
    for path in (f"{MODEL}-2/weights", "0/run/artifacts/plot.png", "0/other/model", "top"):
        assert not world.frozen(path), path
    world.raw.delete_registered_model_alias("credit", "production")
    assert not world.frozen(f"{MODEL}/weights")


@pytest.mark.parametrize(
    ("name", "bring", "is_frozen"),
    [
        (
            "other",
            lambda raw: raw.transition_model_version_stage("other", 1, "Production", archive_existing_versions=False),
            True,
        ),
        (
            "other",
            lambda raw: raw.transition_model_version_stage("other", 1, "Staging", archive_existing_versions=False),
            False,
        ),
        ("other", lambda raw: raw.set_registered_model_alias("other", "PRODUCTION", 1), True),
        ("other", lambda raw: raw.set_registered_model_alias("other", "latest-good", 1), False),
        ("live", lambda _: None, True),
        ("observed", lambda raw: raw.set_registered_model_alias("observed", "production", 1), False),
    ],
)
def test_production_is_what_the_configuration_says(
    world: World, name: str, bring: Callable[[Any], object], *, is_frozen: bool
) -> None:
    world.register(name, "mlflow-artifacts:/1/run/artifacts/model/")
    bring(world.raw)
    assert world.frozen("1/run/artifacts/model/weights") is is_frozen


def test_a_copy_keeps_the_bytes_of_its_source_frozen(world: World) -> None:
    world.raw.create_registered_model("live")
    world.raw.create_model_version("live", "models:/credit/1")
    assert world.frozen(f"{MODEL}/weights")


def test_the_paths_of_workspaces(world: World) -> None:
    world.register("live", "mlflow-artifacts:/workspaces/team/1/model")
    assert world.frozen("workspaces/team/1/model/weights")
    _promote(world)
    assert world.frozen(f"workspaces/other/{MODEL}/weights"), "a location without the workspace may lie in any"
    assert not world.frozen("workspaces/team/2/model/weights")


def test_deleting_what_holds_it_deletes_nothing(world: World) -> None:
    _promote(world)
    for path in (f"{MODEL}/weights", MODEL, "0/run/artifacts", "0/", "", None):
        with pytest.raises(RefusedError):
            world.repo.delete_artifacts(path)
    world.repo.delete_artifacts("1")
    assert (world.root / MODEL / "weights").read_text() == "good"


def test_each_method_that_writes_is_refused(world: World, tmp_path: Path) -> None:
    """All that the table knows, on a store that has them all."""
    _promote(world)
    frozen._registry.cache_clear()
    local = tmp_path / "weights"
    local.write_text("evil")

    class Everything(LocalArtifactRepository, MultipartUploadMixin):
        def create_multipart_upload(self, *_: Any) -> None:
            raise AssertionError

        complete_multipart_upload = abort_multipart_upload = create_multipart_upload

        def upload_archived_trace_data_bytes(self, _: bytes) -> None:
            raise AssertionError

    async def chunks() -> AsyncIterator[bytes]:
        yield b"evil"

    repo = frozen._frozen(Everything)(f"file://{world.root}")
    inside = frozen._frozen(Everything)(f"file://{world.root}/{MODEL}")
    calls = {
        "log_artifact": lambda: repo.log_artifact(str(local), MODEL),
        "log_artifacts": lambda: repo.log_artifacts(str(tmp_path), "0/run"),
        "log_artifact_from_stream": lambda: repo.log_artifact_from_stream(io.BytesIO(b"e"), "weights", MODEL),
        "log_artifact_from_async_stream": lambda: asyncio.run(
            repo.log_artifact_from_async_stream(chunks(), "weights", MODEL)
        ),
        "create_multipart_upload": lambda: repo.create_multipart_upload("weights", 1, MODEL),
        "complete_multipart_upload": lambda: repo.complete_multipart_upload("weights", "id", [], MODEL),
        "create_presigned_upload_url": lambda: repo.create_presigned_upload_url("1/free"),
        "upload_archived_trace_data_bytes": lambda: inside.upload_archived_trace_data_bytes(b"e"),
        "upload_trace_data": lambda: inside.upload_trace_data("{}"),
        "upload_attachment": lambda: inside.upload_attachment("7c1f0d1e-0000-4000-8000-000000000000", b"e"),
        "delete_artifacts": lambda: repo.delete_artifacts(MODEL),
    }
    writing_methods = {
        name for row in rows() if row.id in {"upload", "delete-artifacts"} for name in row.calls["artifacts"]
    }
    # What takes parts back writes nothing; archived trace data is written by the method for bytes.
    assert set(calls) == writing_methods - {"abort_multipart_upload", "upload_archived_trace_data"}
    for name, call in calls.items():
        with pytest.raises(RefusedError):
            call()
        assert sorted(path.name for path in (world.root / MODEL).iterdir()) == ["weights"], name
    assert (world.root / MODEL / "weights").read_text() == "good"


def test_what_arrives_after_the_promotion_is_not_put_in_place(world: World) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            _promote(world)
            return super().read(size)

    with pytest.raises(RefusedError):
        world.repo.log_artifact_from_stream(Slow(b"evil"), "weights", MODEL)
    assert (world.root / MODEL / "weights").read_text() == "good"


def test_the_bytes_are_frozen_while_they_are_judged_and_thaw_when_it_is_refused(world: World) -> None:
    seen = []
    world.meddle = lambda: seen.append(world.frozen(f"{MODEL}/weights"))
    with pytest.raises(RefusedError):
        world.gated.set_registered_model_alias("credit", "production", 1)
    assert seen == [True]
    assert not world.frozen(f"{MODEL}/weights")


def test_a_version_whose_bytes_lie_elsewhere_is_not_promoted(world: World) -> None:
    world.register("elsewhere", str(world.root / MODEL))
    with pytest.raises(RefusedError) as caught:
        world.gated.set_registered_model_alias("elsewhere", "production", 1)
    assert "not_frozen" in {problem["code"] for problem in caught.value.json_kwargs["qaqpa"]["problems"]}


def test_without_an_answer_of_the_database_nothing_is_written(world: World) -> None:
    (world.directory / "mlflow.db").rename(world.directory / "gone.db")
    with pytest.raises(RefusedError) as caught:
        world.upload("1/free")
    assert caught.value.json_kwargs["qaqpa"]["verdict"] == "undecided"
    assert not (world.root / "1").exists()


def test_a_freeze_that_a_killed_process_left_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with freezing.freezing(world.gated):
        assert freezing.freeze(f"mlflow-artifacts:/{MODEL}") == ()
        monkeypatch.setattr(freezing, "_thaw", lambda *_: None)
    assert world.frozen(f"{MODEL}/weights")
    later = freezing.time.time_ns() + 25 * 3600 * 10**9
    monkeypatch.setattr(freezing.time, "time_ns", lambda: later)
    assert not world.frozen(f"{MODEL}/weights")


def test_a_promotion_waits_for_those_who_write_and_not_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    del world
    wait_for_writers()
    monkeypatch.setattr(freezing, "_PATIENCE_SECONDS", 0.05)
    with writing(), writing(), pytest.raises(UndecidedError, match="writing"):
        wait_for_writers()


def test_a_deeper_address_is_frozen_by_where_it_lies(world: World) -> None:
    _promote(world)
    assert world.frozen("weights", build_frozen(f"qaqpa+file://{world.root}/{MODEL}"))
    assert not world.frozen("weights", build_frozen(f"qaqpa+file://{world.root}/1"))
    with pytest.raises(MlflowException):
        world.upload("weights", build_frozen(f"qaqpa+file://{world.directory}/elsewhere"))


def test_other_stores_are_what_mlflow_has_for_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    del world
    monkeypatch.setenv(ARTIFACTS_DESTINATION_ENV_VAR, "qaqpa+s3://bucket/root")
    repo = build_frozen("qaqpa+s3://bucket/root")
    assert isinstance(repo, S3ArtifactRepository)
    assert isinstance(repo, MultipartUploadMixin)
    assert not isinstance(repo, StreamUploadMixin)
    with pytest.raises(MlflowException, match="no artifact store"):
        build_frozen("qaqpa+unheard://of")


def test_an_artifact_store_whose_registry_has_no_gate_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REGISTRY_STORE_URI_ENV_VAR, f"sqlite:///{world.directory}/mlflow.db")
    frozen._registry.cache_clear()
    with pytest.raises(MlflowException, match="needs a registry"):
        build_frozen(f"qaqpa+file://{world.root}")


def test_what_is_in_production_is_told_by_the_configuration_in_force(world: World) -> None:
    world.raw.set_registered_model_alias("credit", "live", 1)
    file = world.directory / "qaqpa.yaml"
    before = file.read_text()
    found = [world.frozen(f"{MODEL}/more")]
    for text in (before.replace("aliases: [production]", "aliases: [production, live]"), "gates: 7", before):
        file.write_text(text)
        found.append(world.frozen(f"{MODEL}/more"))
    assert found == [False, True, True, False]
