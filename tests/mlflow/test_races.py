# SPDX-License-Identifier: Apache-2.0
"""What is written is what was judged: somebody changes the registry while the gate is judging."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest
from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.store.model_registry import sqlalchemy_store
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

from qaqpa import times
from qaqpa.config import DEFAULT_GATE, Config, Gate
from qaqpa.evidence.digest import dir_hash
from qaqpa.mlflow import subject
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.gated import GatedStore
from qaqpa.mlflow.judge import Gatekeeper
from qaqpa.model import Answer, JsonObject, Stage
from qaqpa.policy.embedded import EmbeddedEngine
from support.keyring import trusted
from support.registry import passing

LIVE = Gate(Stage.PRODUCTION, ("article-baseline",), names=("live*",))


class Meddling:
    """An engine that changes the registry after it has answered, before the answer arrives."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._engine = engine
        self.name, self.policy_digest, self.catalog = engine.name, engine.policy_digest, engine.catalog
        self.meddle: Callable[[], object] = lambda: None

    def evaluate(self, document: JsonObject) -> Answer:
        answer = self._engine.evaluate(document)
        self.meddle()
        return answer


class World:
    """A registry with `good`, whose version 1 has all evidence, and `evil`, which has none."""

    def __init__(self, directory: Path, engine: Meddling) -> None:
        database = f"sqlite:///{directory}/mlflow.db"
        mlflow.set_tracking_uri(database)
        self.engine = engine
        self.raw = SqlAlchemyStore(database)
        config = Config(gates=(DEFAULT_GATE, LIVE), parties=trusted(directory, times.now()))
        self.gated = GatedStore(database, gatekeeper=Gatekeeper(config, engine))
        self.sources = {name: self._registered(directory, name) for name in ("good", "evil")}
        tags = passing(["good", "live-good"], dir_hash(directory / "good"))
        for key, value in tags.model.items():
            self.raw.set_registered_model_tag("good", RegisteredModelTag(key, value))
        for key, value in tags.version.items():
            self.raw.set_model_version_tag("good", "1", ModelVersionTag(key, value))

    def _registered(self, directory: Path, name: str) -> str:
        (directory / name).mkdir()
        (directory / name / "weights").write_text(name)
        self.raw.create_registered_model(name)
        return str(self.raw.create_model_version(name, str(directory / name)).source)

    def swap(self) -> None:
        self.raw.rename_registered_model("good", "was-good")
        self.raw.rename_registered_model("evil", "good")


@pytest.fixture
def world(tmp_path: Path, engine: EmbeddedEngine, empty_database: Path) -> World:
    shutil.copy(empty_database, tmp_path)
    return World(tmp_path, Meddling(engine))


def _promote(world: World) -> Any:
    return world.gated.set_registered_model_alias("good", "production", 1)


def _stage(world: World) -> Any:
    return world.gated.transition_model_version_stage("good", 1, "Production", archive_existing_versions=False)


def _copy(world: World) -> Any:
    return world.gated.create_model_version("live-good", "models:/good/1")


def _rename(world: World) -> Any:
    return world.gated.rename_registered_model("good", "live-good")


def test_without_a_meddler_each_call_is_allowed(world: World) -> None:
    world.raw.create_registered_model("live-good")
    assert _copy(world).source == "models:/good/1"
    world.raw.delete_registered_model("live-good")
    _promote(world)
    _stage(world)
    _rename(world)
    assert world.raw.get_registered_model("live-good").aliases == {"production": 1}


@pytest.mark.parametrize("call", [_promote, _stage, _rename])
def test_swapping_names_while_the_gate_judges(world: World, call: Callable[[World], Any]) -> None:
    world.engine.meddle = world.swap
    with pytest.raises(RefusedError) as caught:
        call(world)
    assert caught.value.json_kwargs["qaqpa"]["problems"][0]["code"] == "changed_meanwhile"
    assert world.raw.get_registered_model("good").aliases == {}
    assert world.raw.get_model_version("good", 1).current_stage == "None"
    assert world.raw.search_registered_models("name LIKE 'live%'") == []


def test_swapping_the_source_of_a_copy_while_the_gate_judges(world: World) -> None:
    world.raw.create_registered_model("live-good")
    world.engine.meddle = world.swap
    with pytest.raises(Exception, match="changed while it was judged"):
        _copy(world)
    assert world.raw.search_model_versions("name = 'live-good'") == []


@pytest.mark.parametrize(
    "meddle",
    [
        lambda world: world.raw.create_model_version("good", world.sources["evil"]),
        lambda world: world.raw.transition_model_version_stage("good", 1, "Staging", archive_existing_versions=False),
        lambda world: world.raw.set_registered_model_alias("good", "else", 1),
    ],
)
def test_adding_to_a_model_while_its_renaming_is_judged(world: World, meddle: Callable[[World], Any]) -> None:
    world.engine.meddle = lambda: meddle(world)
    with pytest.raises(RefusedError):
        _rename(world)
    assert world.raw.get_registered_model("good").name == "good"


def test_bad_news_that_arrives_while_the_gate_judges(world: World) -> None:
    tag = ModelVersionTag("qaqpa.evidence.audit.0123456789abcdef", "{}")
    world.engine.meddle = lambda: world.raw.set_model_version_tag("good", "1", tag)
    with pytest.raises(RefusedError):
        _promote(world)
    assert world.raw.get_registered_model("good").aliases == {}


def test_deleting_and_making_again_while_the_gate_judges(world: World) -> None:
    def again() -> None:
        world.raw.delete_registered_model("good")
        world.raw.create_registered_model("good")
        world.raw.create_model_version("good", world.sources["evil"])

    world.engine.meddle = again
    with pytest.raises(RefusedError):
        _promote(world)
    assert world.raw.get_registered_model("good").aliases == {}


def test_a_logged_model_that_moves_while_it_is_judged_is_not_registered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow asks a second time where a logged model lies, and whoever may write to the tracking store can move it."""
    at = {"place": world.sources["good"]}

    class Tracking:
        def get_logged_model(self, _: str) -> Any:
            return SimpleNamespace(artifact_location=at["place"], source_run_id=None)

    monkeypatch.setattr(subject, "tracking_store", Tracking)
    monkeypatch.setattr(sqlalchemy_store, "MlflowClient", Tracking)
    world.raw.create_registered_model("live-good")
    found = passing(["good", "live-good"], dir_hash(Path(world.sources["good"])))
    tags = [ModelVersionTag(key, value) for key, value in {**found.model, **found.version}.items()]
    source = f"models:/m-{'0' * 32}"

    world.engine.meddle = lambda: at.update(place=world.sources["evil"])
    with pytest.raises(RefusedError, match="changed while it was judged"):
        world.gated.create_model_version("live-good", source, tags=tags)
    assert world.raw.search_model_versions("name = 'live-good'") == []
    world.engine.meddle = lambda: None
    at.update(place=world.sources["good"])
    assert world.gated.create_model_version("live-good", source, tags=tags).version
