# SPDX-License-Identifier: Apache-2.0
"""The check itself: it finds what was planted, and finds nothing where nothing is wrong."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest
from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import text

from qaqpa import times
from qaqpa.config import DEFAULT_GATE, Config
from qaqpa.evidence.digest import dir_hash
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.gated import GatedStore
from qaqpa.mlflow.judge import Gatekeeper
from qaqpa.policy.embedded import EmbeddedEngine
from support.invariant import Invariant, digest_of
from support.keyring import trusted
from support.logs import Owner, log_source
from support.pairs import tagged
from support.reconciled import Answer, differences
from support.servers import write_empty_database

GOOD, BAD = "alias production of good version 1", "alias production of good version 2"


class World:
    """A registry in which version 1 of `good` was promoted, and version 2, which has no evidence, was refused."""

    def __init__(self, directory: Path, engine: EmbeddedEngine, log: str) -> None:
        database = f"sqlite:///{directory}/mlflow.db"
        write_empty_database(directory / "mlflow.db")
        mlflow.set_tracking_uri(database)
        self.directory = directory
        self.source = log_source(directory, log)
        gate = replace(DEFAULT_GATE, profiles=("gdpr",))
        config = Config(gates=(gate,), parties=trusted(directory, times.now()), log=self.source)
        keeper = Gatekeeper(config, engine)
        keeper.start()
        self.store = GatedStore(database, gatekeeper=keeper)
        self.raw = SqlAlchemyStore(database)
        self.raw.create_registered_model("good")
        for number in "12":
            (directory / number).mkdir()
            (directory / number / "weights").write_text(number)
            self.raw.create_model_version("good", str(directory / number))
        tags = tagged("good", dir_hash(directory / "1"))
        for key, value in tags.model.items():
            self.raw.set_registered_model_tag("good", RegisteredModelTag(key, value))
        for key, value in tags.version.items():
            self.raw.set_model_version_tag("good", "1", ModelVersionTag(key, value))
        self.store.set_registered_model_alias("good", "production", 1)
        with pytest.raises(RefusedError) as caught:
            self.store.set_registered_model_alias("good", "production", 2)
        self.answers = [Answer(GOOD, 200), Answer(BAD, 403, caught.value.json_kwargs["qaqpa"])]
        self.invariant = Invariant(database, self.source.url, Path)

    def plant(self, statement: str) -> None:
        with self.raw.engine.begin() as connection:
            connection.execute(text(statement))


@pytest.fixture(params=["sqlite", "psycopg2"])
def world(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    engine: EmbeddedEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.setenv(name, "")
    log = ""
    if request.param != "sqlite":
        new: Callable[[str, str], str] = request.getfixturevalue("new_database")
        log = new("psycopg2", f"invariant{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:8]}")
    world = World(tmp_path, engine, log)
    assert world.invariant.look() == []
    assert differences(world.invariant, world.answers, ["good"]) == []
    yield world
    mlflow.set_tracking_uri(None)


def test_the_digest_is_the_one_that_the_gate_computes(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parent, tmp_path / "model")
    assert digest_of(tmp_path / "model") == dir_hash(tmp_path / "model")


def test_an_alias_that_nobody_let_through(world: World) -> None:
    world.plant("UPDATE registered_model_aliases SET version = 2 WHERE alias = 'production'")
    (found,) = world.invariant.look()
    assert found.startswith(f"{BAD} stands, and nothing let ")


def test_a_stage_that_nobody_let_through(world: World) -> None:
    world.plant("UPDATE model_versions SET current_stage = 'Production' WHERE version = 1")
    (found,) = world.invariant.look()
    assert found.startswith("stage Production of good version 1 stands")


def test_two_versions_in_one_stage(world: World) -> None:
    world.plant("UPDATE model_versions SET current_stage = 'Production'")
    assert "stage Production of good: versions 1, 2 at once" in world.invariant.look()


def test_bytes_that_changed_after_they_were_let_through(world: World) -> None:
    (world.directory / "1" / "weights").write_text("others")
    (found,) = world.invariant.look()
    assert found.startswith(f"{GOOD} stands")


@pytest.mark.parametrize("number", [3, 5])
def test_a_row_that_was_removed(world: World, number: int) -> None:
    owner = Owner(world.source)
    owner.run(text(f"DELETE FROM qaqpa_log WHERE seq = {number}"))
    assert any("missing" in problem or "changed" in problem for problem in world.invariant.look())
    later = Invariant(world.invariant.registry, world.invariant.log, Path).look()
    # Who did not look before sees no end that was cut off; a checkpoint does.
    assert later == [] if number == 5 else later[0].startswith("rows of the log are missing")


def test_a_promotion_of_which_the_log_knows_nothing(world: World) -> None:
    answers = [*world.answers, Answer(GOOD, 200)]
    assert f"{GOOD}: told 2 times, and in the log 1 times" in differences(world.invariant, answers, ["good"])


def test_a_refusal_of_which_the_log_knows_nothing(world: World) -> None:
    answers = [*world.answers, Answer(BAD, 403, {"verdict": "deny", "log": 99})]
    assert any("row 99, which does not say so" in found for found in differences(world.invariant, answers, ["good"]))


def test_a_promotion_that_nobody_asked_for(world: World) -> None:
    found = differences(world.invariant, world.answers[1:], ["good"])
    assert found == [f"{GOOD}: written 1 times, and told 0 times"]


def test_a_write_that_is_not_in_the_registry(world: World) -> None:
    world.plant("DELETE FROM registered_model_aliases")
    assert world.invariant.look() == []
    expected = ["alias production of good was written, and is not there"]
    assert differences(world.invariant, world.answers, ["good"]) == expected
    assert differences(world.invariant, world.answers, ["good"], taken_out=["good"]) == []
