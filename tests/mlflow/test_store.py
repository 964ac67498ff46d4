# SPDX-License-Identifier: Apache-2.0
"""The stores in this process, with an engine that answers what a test wants."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask
import mlflow
import pytest
from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.exceptions import MlflowException

from qaqpa import times
from qaqpa.config import DEFAULT_GATE, Config, Gate, Observe
from qaqpa.evidence.digest import dir_hash
from qaqpa.mlflow import going_back
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.gated import GatedStore
from qaqpa.mlflow.in_force import InForce
from qaqpa.mlflow.judge import Gatekeeper
from qaqpa.mlflow.selftest import UnusableError, try_gatekeeper
from qaqpa.model import Answer, Decision, JsonObject, Request, Stage, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.engine import Engine
from support.keyring import trusted
from support.registry import passing

STAGING = Gate(Stage.STAGING, ("article-baseline",), mlflow_stages=("Staging",), models=("staged",))
LIVE = Gate(Stage.PRODUCTION, ("article-baseline",), names=("live*",))


class BrokenEngine:
    """Fails whenever it is asked."""

    name = "broken"
    policy_digest = "0" * 64

    def __init__(self, catalog: Any) -> None:
        self.catalog = catalog

    def evaluate(self, document: JsonObject) -> Answer:
        raise RuntimeError(f"a secret of the server, {document['stage']}")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Model files."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_text("1")
    return tmp_path / "model"


@pytest.fixture
def new_store(tmp_path: Path, files: Path, engine: EmbeddedEngine, empty_database: Path) -> Callable[..., GatedStore]:
    """Makes a store with the registered model `credit`, whose version 1 has no evidence."""
    shutil.copy(empty_database, tmp_path)
    database = f"sqlite:///{tmp_path}/mlflow.db"
    mlflow.set_tracking_uri(database)

    def make(config: Config | None = None, asked: Any = None) -> GatedStore:
        found = replace(config or Config(gates=(DEFAULT_GATE, STAGING, LIVE)), parties=trusted(tmp_path, times.now()))
        store = GatedStore(database, gatekeeper=Gatekeeper(found, asked or engine))
        if not store.search_registered_models():
            store.create_registered_model("credit")
            store.create_model_version("credit", str(files))
        return store

    return make


def test_a_server_without_a_parties_file_says_that_first(
    new_store: Callable[..., GatedStore], engine: EmbeddedEngine
) -> None:
    store = new_store()
    store._in_force = InForce(Gatekeeper(Config(gates=(DEFAULT_GATE,)), engine))
    with pytest.raises(RefusedError, match=r"1\) No parties file is configured, so nobody's signature counts"):
        store.set_registered_model_alias("credit", "production", 1)


@pytest.fixture
def store(new_store: Callable[..., GatedStore]) -> GatedStore:
    return new_store()


@pytest.fixture
def broken(new_store: Callable[..., GatedStore], engine: EmbeddedEngine) -> GatedStore:
    return new_store(asked=BrokenEngine(engine.catalog))


def refused(call: Callable[[], object]) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        call()
    assert caught.value.get_http_status_code() == 403
    return caught.value


def attach(store: GatedStore, name: str, files: Path, names: list[str] | None = None, **changes: Any) -> None:
    tags = passing([name, *(names or [])], dir_hash(files), **changes)
    for key, value in tags.model.items():
        store.set_registered_model_tag(name, RegisteredModelTag(key, value))
    for key, value in tags.version.items():
        store.set_model_version_tag(name, 1, ModelVersionTag(key, value))


def test_every_promoting_call_is_refused_without_evidence(store: GatedStore, files: Path) -> None:
    store.create_registered_model("live")
    version = store.get_model_version("credit", 1)
    refused(lambda: store.set_registered_model_alias("credit", "champion", 1))
    refused(lambda: store.set_prompt_alias("credit", "production", "1"))
    refused(lambda: store.transition_model_version_stage("credit", "1", "production", archive_existing_versions=False))
    refused(lambda: store.create_model_version("live", str(files)))
    refused(lambda: store.copy_model_version(version, "live"))
    refused(lambda: store.rename_registered_model("credit", "live-2"))
    assert store.get_registered_model("credit").aliases == {}
    assert store.get_model_version("credit", 1).current_stage == "None"
    assert store.search_model_versions("name = 'live'") == []


def test_a_refused_copy_leaves_no_empty_target(store: GatedStore) -> None:
    refused(lambda: store.copy_model_version(store.get_model_version("credit", 1), "live-new"))
    with pytest.raises(MlflowException, match="not found"):
        store.get_registered_model("live-new")


def test_the_refusal_is_json_with_findings_and_the_user(store: GatedStore) -> None:
    answer = json.loads(refused(lambda: store.set_registered_model_alias("credit", "champion", 1)).serialize_as_json())
    assert answer["error_code"] == "PERMISSION_DENIED"
    assert answer["qaqpa"]["user"] == "system"
    assert {finding["status"] for finding in answer["qaqpa"]["findings"]} == {"fail"}


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.set_registered_model_alias("credit", "champion", 1),
        lambda store: store.transition_model_version_stage("credit", 1, "Production", archive_existing_versions=False),
        lambda store: store.create_model_version("live", "/tmp"),
        lambda store: store.rename_registered_model("credit", "live"),
    ],
)
def test_a_broken_engine_refuses_and_tells_no_secret(broken: GatedStore, call: Callable[[Any], object]) -> None:
    error = refused(lambda: call(broken))
    assert error.json_kwargs["qaqpa"]["verdict"] == "undecided"
    assert "secret" not in error.serialize_as_json()
    assert "Nothing was changed." in error.message


def test_a_gatekeeper_that_raises_refuses(store: GatedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store._gatekeeper, "config", None)
    error = refused(lambda: store.set_registered_model_alias("credit", "champion", 1))
    assert error.json_kwargs["qaqpa"]["problems"][0]["code"] == "gate_failed"


@pytest.mark.parametrize("stage", ["None", "Archived", "archived"])
def test_what_takes_out_of_production_works_with_nothing_left_of_the_gate(
    store: GatedStore, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store._in_force, "judging", None)
    monkeypatch.setattr(store._in_force, "fresh", None)
    assert store.transition_model_version_stage("credit", 1, stage, archive_existing_versions=False)
    store.delete_registered_model_alias("credit", "champion")
    store.delete_model_version("credit", 1)


def test_a_stage_that_is_not_gated_is_not_judged(broken: GatedStore) -> None:
    moved = broken.transition_model_version_stage("credit", " 1", "staging", archive_existing_versions=True)
    assert moved.current_stage == "Staging"


def test_a_stage_can_be_gated_for_some_models(store: GatedStore, files: Path) -> None:
    store.create_registered_model("staged")
    store.create_model_version("staged", str(files))
    error = refused(
        lambda: store.transition_model_version_stage("staged", 1, "STAGING", archive_existing_versions=False)
    )
    assert error.json_kwargs["qaqpa"]["stage"] == "staging"


def test_with_evidence_all_passes(store: GatedStore, files: Path) -> None:
    attach(store, "credit", files, ["live", "live-2"])
    store.set_registered_model_alias("credit", "champion", "01")
    store.create_registered_model("live")
    copy = store.copy_model_version(store.get_model_version("credit", 1), "live")
    store.rename_registered_model("credit", "live-2")
    assert copy.version == 1
    assert store.get_registered_model("live-2").aliases == {"champion": 1}


def test_a_context_that_names_the_old_creation_of_a_name_does_not_count(store: GatedStore, files: Path) -> None:
    created = store.get_registered_model("credit").creation_timestamp
    attach(store, "credit", files, models=[{"name": "credit", "created": created - 1}])
    problems = refused(lambda: store.set_registered_model_alias("credit", "champion", 1)).json_kwargs["qaqpa"]
    assert problems["verdict"] == "deny"
    attach(store, "credit", files, models=[{"name": "credit", "created": created}], version=2)
    store.set_registered_model_alias("credit", "champion", 1)


def test_prompts_pass(store: GatedStore) -> None:
    store.create_registered_model("live-prompt", [RegisteredModelTag("mlflow.prompt.is_prompt", "true")])
    store.create_model_version("live-prompt", "prompt-template")
    store.set_registered_model_alias("live-prompt", "production", 1)
    assert store.get_registered_model("live-prompt").aliases == {"production": 1}


def test_a_version_that_poses_as_a_prompt_is_judged(store: GatedStore) -> None:
    mark = "mlflow.prompt.is_prompt"
    store.create_model_version("credit", "dummy-source", tags=[ModelVersionTag(mark, "true")])
    refused(lambda: store.set_registered_model_alias("credit", "production", 2))
    store.set_registered_model_tag("credit", RegisteredModelTag(mark, "true"))
    refused(lambda: store.set_registered_model_alias("credit", "production", 2))
    refused(lambda: store.rename_registered_model("credit", "live-credit"))
    store.create_registered_model("live-other")
    refused(lambda: store.create_model_version("live-other", "prompt-template"))
    assert store.get_registered_model("credit").aliases == {}


def test_observing_passes_and_an_ended_observation_enforces(
    new_store: Callable[..., GatedStore], caplog: pytest.LogCaptureFixture
) -> None:
    today = times.now().date()
    ended = new_store(Config(observe=(Observe(("credit",), today - timedelta(days=1)),)))
    refused(lambda: ended.set_registered_model_alias("credit", "champion", 1))
    observing = new_store(Config(observe=(Observe(("credit",), today),)))
    with caplog.at_level("WARNING", "mlflow.qaqpa"):
        observing.set_registered_model_alias("credit", "champion", 1)
    assert observing.get_registered_model("credit").aliases == {"champion": 1}
    assert "qaqpa-observe: would have been refused: alias champion of credit version 1" in caplog.text


def test_a_broken_engine_is_seen_and_passes_while_observing(
    new_store: Callable[..., GatedStore], engine: EmbeddedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    config = Config(observe=(Observe(("*",), times.now().date()),))
    observing = new_store(config, BrokenEngine(engine.catalog))
    observing.set_registered_model_alias("credit", "champion", 1)
    assert "would have been refused" in caplog.text


def test_local_files_outside_the_artifact_roots_are_not_read(
    new_store: Callable[..., GatedStore], tmp_path: Path, files: Path
) -> None:
    inside, outside = Config(artifact_roots=(files,)), Config(artifact_roots=(tmp_path / "other",))
    attach(new_store(), "credit", files)
    problems = refused(lambda: new_store(outside).set_registered_model_alias("credit", "champion", 1)).json_kwargs[
        "qaqpa"
    ]["problems"]
    assert [problem["code"] for problem in problems] == ["bytes_missing"]
    new_store(inside).set_registered_model_alias("credit", "champion", 1)


def test_the_user_whom_the_login_verified_is_told(store: GatedStore) -> None:
    with flask.Flask("server").test_request_context():
        flask.g.mlflow_authenticated_user = "alice"
        error = refused(lambda: store.set_registered_model_alias("credit", "champion", 1))
    assert error.json_kwargs["qaqpa"]["user"] == "alice"


@pytest.mark.parametrize(("alias", "version"), [("", 1), (None, 1), ("champion", "one")])
def test_mlflow_itself_says_what_is_not_valid(store: GatedStore, alias: Any, version: Any) -> None:
    with pytest.raises(MlflowException) as caught:
        store.set_registered_model_alias("credit", alias, version)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


def test_an_engine_that_allows_the_canary_stops_the_start(
    engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def allow(_: Request, asked: Engine) -> Decision:
        return Decision(Verdict.ALLOW, {"findings": [], "problems": []}, asked.policy_digest, asked.name)

    monkeypatch.setattr(going_back, "decide", allow)
    with pytest.raises(UnusableError, match="allows a model that has no evidence at all"):
        try_gatekeeper(Config(), engine)


def test_an_engine_that_is_down_at_the_start_is_logged(
    engine: EmbeddedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    try_gatekeeper(Config(), BrokenEngine(engine.catalog))
    assert "no decision can be made now, all is refused" in caplog.text
