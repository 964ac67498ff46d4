# SPDX-License-Identifier: Apache-2.0
"""The decision log is slow, locked, full or gone: nothing is promoted, in bounded time, and taking out always works."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import mlflow
import pytest
import sqlalchemy
from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import event, text

from qaqpa import times
from qaqpa.config import DEFAULT_GATE, Config, LogSource, Observe
from qaqpa.evidence.digest import dir_hash
from qaqpa.mlflow import gated, recording
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.gated import GatedStore
from qaqpa.mlflow.judge import Gatekeeper
from qaqpa.mlflow.limiting import Refusals
from qaqpa.mlflow.selftest import try_gatekeeper
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.log.database import Database
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.listing import Wanted, listed, recorded
from support.keyring import trusted
from support.logs import checked, kinds, log_source
from support.registry import passing

BOUND_SECONDS = 3.5
"""The two seconds that an append may take, and what a machine that does much else needs to judge."""


class World:
    """A registry with `good`, whose version 1 has all evidence, and the log of its gate."""

    def __init__(self, directory: Path, engine: EmbeddedEngine, source: LogSource) -> None:
        self.database = f"sqlite:///{directory}/mlflow.db"
        mlflow.set_tracking_uri(self.database)
        self.raw = SqlAlchemyStore(self.database)
        until = times.now().date() + timedelta(days=30)
        self.config = Config(
            gates=(DEFAULT_GATE,),
            observe=(Observe(("seen",), until),),
            parties=trusted(directory, times.now()),
            log=source,
        )
        self.gatekeeper = Gatekeeper(self.config, engine)
        self.gatekeeper.start()
        self.gated = GatedStore(self.database, gatekeeper=self.gatekeeper)
        self.source = source
        self._register(directory, "good")

    def _register(self, directory: Path, name: str) -> None:
        (directory / name).mkdir()
        (directory / name / "weights").write_text(name)
        self.raw.create_registered_model(name)
        self.raw.create_model_version(name, str(directory / name))
        tags = passing([name], dir_hash(directory / name))
        for key, value in tags.model.items():
            self.raw.set_registered_model_tag(name, RegisteredModelTag(key, value))
        for key, value in tags.version.items():
            self.raw.set_model_version_tag(name, "1", ModelVersionTag(key, value))

    def promote(self) -> None:
        self.gated.set_registered_model_alias("good", "production", 1)

    def refused(self) -> dict[str, Any]:
        """Promotes; it has to be refused for the log, in bounded time, and nothing may change."""
        before = self.raw.get_registered_model("good").aliases
        started = time.monotonic()
        with pytest.raises(RefusedError, match="The decision log cannot be used") as caught:
            self.promote()
        assert time.monotonic() - started < BOUND_SECONDS
        assert self.raw.get_registered_model("good").aliases == before
        found: dict[str, Any] = caught.value.json_kwargs["qaqpa"]
        assert (found["verdict"], found["problems"][0]["code"]) == ("undecided", "log_unusable")
        return found

    def takes_out(self) -> None:
        """What is in production can be taken out."""
        self.raw.set_registered_model_alias("good", "champion", 1)
        started = time.monotonic()
        for alias in ("champion", "production"):
            self.gated.delete_registered_model_alias("good", alias)
        self.gated.transition_model_version_stage("good", 1, "Archived", archive_existing_versions=False)
        assert time.monotonic() - started < 1
        assert self.raw.get_registered_model("good").aliases == {}

    def outcomes(self) -> list[tuple[str, str, str]]:
        """Oldest first."""
        found = list(listed(Database(self.source), Wanted(), 100))[::-1]
        return [(one.entry.fields["verdict"], one.outcome, one.reason) for one in found]


@pytest.fixture(params=["sqlite", "psycopg2"])
def world(request: pytest.FixtureRequest, tmp_path: Path, engine: EmbeddedEngine, empty_database: Path) -> World:
    shutil.copy(empty_database, tmp_path)
    url = ""
    if request.param == "psycopg2":
        url = request.getfixturevalue("new_postgresql_database")("psycopg2", f"faults{time.monotonic_ns()}")
    return World(tmp_path, engine, log_source(tmp_path, url))


@contextmanager
def _held(world: World) -> Iterator[None]:
    """Somebody else holds the writer's lock."""
    database = Database(replace(world.source, timeout_seconds=10))
    with database.writing():
        yield


@contextmanager
def _stopped(world: World) -> Iterator[None]:
    """The database does not answer: of PostgreSQL, the process that serves the log's connection stands still."""
    if world.source.is_file:
        with _held(world):
            yield
        return
    with closing(sqlalchemy.create_engine(world.source.url).connect()) as connection:
        query = text("SELECT pid FROM pg_stat_activity WHERE application_name = 'qaqpa decision log'")
        pids = connection.execute(query).scalars().all()
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def _gone(world: World) -> Iterator[None]:
    """The tables are not there any more."""
    with sqlalchemy.create_engine(world.source.url).begin() as connection:
        connection.execute(text("ALTER TABLE qaqpa_log RENAME TO qaqpa_log_gone"))
    yield
    with sqlalchemy.create_engine(world.source.url).begin() as connection:
        connection.execute(text("ALTER TABLE qaqpa_log_gone RENAME TO qaqpa_log"))


@pytest.mark.parametrize("trouble", [_held, _stopped, _gone])
def test_nothing_is_promoted_and_everything_can_be_taken_out(world: World, trouble: Callable[[World], Any]) -> None:
    world.promote()
    with trouble(world):
        world.refused()
        world.takes_out()
    world.promote()
    assert world.raw.get_registered_model("good").aliases == {"production": 1}
    assert world.outcomes()[-1] == ("allow", "written", "")
    assert checked(world.source).problems == []


def test_a_connection_that_was_cut_is_made_again(world: World) -> None:
    world.promote()
    if not world.source.is_file:
        with sqlalchemy.create_engine(world.source.url).begin() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'qaqpa decision log'"
                )
            )
    world.promote()
    assert world.outcomes() == [("allow", "written", "")] * 2


def test_a_full_database(world: World) -> None:
    if not world.source.is_file:
        pytest.skip("a disk of PostgreSQL is not filled here")
    world.promote()
    engine = world.gatekeeper._recorder._log.database._engine  # type: ignore[union-attr]

    @event.listens_for(engine, "checkout")
    def _full(connection: Any, *_: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(RefusedError):
        # A page may have room for one or two rows more.
        [world.promote() for _ in range(5)]
    world.refused()
    world.takes_out()
    event.remove(engine, "checkout", _full)


def test_an_observed_model_is_refused_too_where_nothing_can_be_recorded(world: World, tmp_path: Path) -> None:
    world._register(tmp_path, "seen")
    with _held(world), pytest.raises(RefusedError, match="The decision log cannot be used"):
        world.gated.set_registered_model_alias("seen", "production", 1)
    world.gated.set_registered_model_alias("seen", "production", 1)


def test_an_outcome_that_cannot_be_recorded_is_unknown_and_the_write_stands(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def lost(*_: Any) -> None:
        raise LogError("The log went away")

    monkeypatch.setattr(recording.DecisionLog, "outcome", lost)
    monkeypatch.setattr(recording.log, "propagate", True)
    world.promote()
    assert world.raw.get_registered_model("good").aliases == {"production": 1}
    assert world.outcomes() == [("allow", "unknown", "")]
    assert "shown as unknown" in caplog.text


def test_a_write_that_fails_is_recorded_as_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("the registry went away")

    monkeypatch.setattr(SqlAlchemyStore, "set_registered_model_alias", broken)
    with pytest.raises(RuntimeError):
        world.promote()
    assert world.outcomes() == [("allow", "failed", "RuntimeError")]


def test_a_model_that_changed_while_it_was_judged_is_recorded_as_failed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Gatekeeper.admit

    def meddle(keeper: Gatekeeper, *arguments: Any) -> Any:
        found = real(keeper, *arguments)
        world.raw.set_model_version_tag("good", "1", ModelVersionTag("qaqpa.evidence.audit.0123456789abcdef", "{}"))
        return found

    monkeypatch.setattr(Gatekeeper, "admit", meddle)
    with pytest.raises(RefusedError):
        world.promote()
    assert world.outcomes() == [("allow", "failed", "changed_meanwhile")]


def test_that_the_gate_failed_before_anything_was_judged_is_in_the_log_and_fills_it_for_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("the registry went away")

    monkeypatch.setattr(gated, "read_version", broken)
    world.gatekeeper._refusals = Refusals(3)
    told = []
    for _ in range(5):
        with pytest.raises(RefusedError, match="The gate failed") as caught:
            world.promote()
        told.append(caught.value.json_kwargs["qaqpa"]["log"])
    assert world.outcomes() == [("undecided", "refused", "")] * 3
    found = list(listed(Database(world.source), Wanted(), 10))[::-1]
    assert told == [*(one.entry.seq for one in found), None, None]
    about = recorded(Database(world.source), told[0]).about
    assert about["action"] == "alias production of good version 1"
    assert [problem["code"] for problem in about["problems"]] == ["gate_failed"]
    assert checked(world.source).problems == []


def test_where_nothing_can_be_recorded_a_gate_that_failed_still_refuses(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("the registry went away")

    monkeypatch.setattr(gated, "read_version", broken)
    with _held(world), pytest.raises(RefusedError, match="The gate failed") as caught:
        world.promote()
    assert caught.value.json_kwargs["qaqpa"]["log"] is None


def test_a_clock_that_went_back_decides_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.promote()
    now = times.now()
    monkeypatch.setattr(times, "now", lambda: now - timedelta(hours=1))
    with pytest.raises(RefusedError, match="the decision log has rows of") as caught:
        world.promote()
    assert caught.value.json_kwargs["qaqpa"]["problems"][-1]["code"] == "clock_went_back"
    with pytest.raises(RefusedError):
        world.promote()
    assert [verdict for verdict, _, _ in world.outcomes()] == ["allow", "undecided", "undecided"]


PROMOTES_AND_DIES = """\
import os, signal, sys
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from qaqpa.mlflow.store import build_store

SqlAlchemyStore.set_registered_model_alias = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
build_store(sys.argv[1]).set_registered_model_alias("good", "production", 1)
"""


def test_a_process_that_is_killed_between_decision_and_write_leaves_an_unknown_outcome(
    world: World, tmp_path: Path
) -> None:
    parties = world.config.parties
    assert parties
    roots = ", ".join(f'"{root}"' for root in parties.roots)
    (tmp_path / "qaqpa.yaml").write_text(
        f"version: 1\nparties: {{file: {parties.file}, threshold: {parties.threshold}, roots: [{roots}]}}\n"
        f"log: {{url: '{world.source.url}', key: {world.source.key}}}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", PROMOTES_AND_DIES, f"qaqpa+{world.database}"],
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_TRACKING_URI": world.database},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert world.outcomes() == [("allow", "unknown", "")]
    assert world.raw.get_registered_model("good").aliases == {}
    world.promote()
    assert world.outcomes() == [("allow", "unknown", ""), ("allow", "written", "")]
    assert checked(world.source).problems == []


def test_a_server_starts_while_the_log_is_down_and_records_that_when_it_is_back(
    world: World, engine: EmbeddedEngine
) -> None:
    with _held(world):
        keeper = try_gatekeeper(world.config, engine)
        keeper.start()
        gated = GatedStore(world.database, gatekeeper=keeper)
        with pytest.raises(RefusedError):
            gated.set_registered_model_alias("good", "production", 1)
    assert kinds(world.source).count("start") == 1
    gated.set_registered_model_alias("good", "production", 1)
    assert kinds(world.source)[-3:] == ["start", "decision", "outcome"]
