# SPDX-License-Identifier: Apache-2.0
"""What somebody signed is not left behind: on a real server, on both databases, and in the record itself."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.exceptions import MlflowException
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import create_engine, event, select, text

from qaqpa import times
from qaqpa.config import Config
from qaqpa.errors import UndecidedError
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.envelope import IN_TOTO, parse_envelope, sign
from qaqpa.evidence.statement import context_digest
from qaqpa.mlflow.envelopes import keep, of_context, of_model, of_name, read
from qaqpa.mlflow.gated import GatedStore
from qaqpa.mlflow.judge import Gatekeeper
from qaqpa.mlflow.tables import ENVELOPES, SUBJECTS, make_tables
from qaqpa.policy.embedded import EmbeddedEngine
from support.contents import context
from support.keyring import signing_key, trusted
from support.registry import Registry, Version, failed_audit, passing, refusal, signed

DIGEST = "ab" * 32
KEY, AUDIT = failed_audit(["credit"], DIGEST)


def _codes(registry: Registry, version: Version) -> set[str]:
    answer = refusal(lambda: registry.client.set_registered_model_alias(version.name, "production", version.number))
    assert "production" not in registry.aliases(version.name)
    found = answer["qaqpa"]
    return {one["code"] for finding in found["findings"] for one in finding["violations"]} | {
        one["code"] for one in (*found["problems"], *found["rejected"])
    }


def _again(registry: Registry, version: Version, name: str) -> Version:
    """The same bytes, uploaded to another place and registered there, with all evidence but what is bad."""
    before = times.now() - timedelta(days=60)
    run = registry.client.create_run("0", start_time=int(before.timestamp() * 1000))
    registry.client.log_artifacts(run.info.run_id, str(version.files), "model")
    source = f"{run.info.artifact_uri}/model"
    number = registry.client.create_model_version(name, source, run.info.run_id).version
    again = Version(name, str(number), version.files, source, run.info.run_id)
    registry.attach(again, passing([name], dir_hash(version.files)))
    return again


@pytest.mark.server
def test_uploading_the_bytes_again_does_not_leave_a_failed_audit_behind(registry: Registry) -> None:
    first = registry.registered(evidence=True)
    second_name = registry.new_name()
    registry.client.create_registered_model(second_name)
    allowed = _again(registry, first, second_name)
    registry.client.set_registered_model_alias(allowed.name, "production", allowed.number)
    registry.client.delete_registered_model_alias(allowed.name, "production")
    # The audit concerns the bytes under any name, though the context of the other name does not.
    key, audit = failed_audit([second_name], dir_hash(first.files))
    registry.client.set_model_version_tag(first.name, first.number, key, audit)
    assert "conclusion_negative" in _codes(registry, allowed)


@pytest.mark.server
def test_renaming_a_model_and_taking_its_name_again_leaves_nothing_behind(registry: Registry) -> None:
    first = registry.registered(evidence=True)
    name = first.name
    key, audit = failed_audit([name], dir_hash(first.files))
    registry.client.set_model_version_tag(name, first.number, key, audit)
    _, newer, text = signed(context(models=[{"name": name}], version=7), name, "", None)
    registry.client.set_registered_model_tag(name, newer, text)
    registry.client.rename_registered_model(name, registry.new_name("gone"))
    registry.client.create_registered_model(name)
    again = _again(registry, first, name)
    assert {"other_context"} <= _codes(registry, again)


@pytest.mark.server
def test_deleting_a_version_without_evidence_and_its_model_brings_nothing_back(registry: Registry) -> None:
    """Version numbers start again; what was said of the bytes is still known, and nothing else is."""
    first = registry.registered(evidence=True)
    other = registry.registered()
    registry.client.delete_registered_model(other.name)
    registry.client.create_registered_model(other.name)
    again = registry.added(other.name)
    assert again.number == other.number == first.number == "1"
    assert "evidence_missing" in _codes(registry, again)


@pytest.fixture
def new_store(tmp_path: Path, engine: EmbeddedEngine, empty_database: Path) -> Callable[[], GatedStore]:
    shutil.copy(empty_database, tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    config = Config(parties=trusted(tmp_path, times.now(), state=tmp_path / "state"))
    return lambda: GatedStore(f"sqlite:///{tmp_path}/mlflow.db", gatekeeper=Gatekeeper(config, engine))


def _rows(store: Any) -> list[str]:
    with store.ManagedSessionMaker(read_only=False) as session:
        return [text for (text,) in session.execute(select(ENVELOPES.c.envelope))]


def _about(store: GatedStore, subject: str) -> list[str]:
    with store.ManagedSessionMaker(read_only=False) as session:
        return [kept.statement.kind.name for kept in read(session, [subject], store._keeper()) or ()]


def test_each_way_to_write_a_tag_is_recorded_in_its_transaction(new_store: Callable[[], GatedStore]) -> None:
    store = new_store()
    tags = passing(["credit"], DIGEST)
    (key, value), *more = tags.version.items()
    store.create_registered_model("credit", [RegisteredModelTag(*next(iter(tags.model.items())))])
    assert len(_rows(store)) == 1
    store.create_model_version("credit", "s3://bucket/model", tags=[ModelVersionTag(key, value)])
    assert len(_rows(store)) == 2
    store.set_model_version_tag("credit", 1, ModelVersionTag(*more[0]))
    assert len(_rows(store)) == 3
    for other in tags.model.items():
        store.set_registered_model_tag("credit", RegisteredModelTag(*other))
    assert len(_rows(store)) == 2 + len(tags.model)
    with pytest.raises(MlflowException):
        store.set_model_version_tag("credit", 99, ModelVersionTag(*more[1]))
    assert len(_rows(store)) == 2 + len(tags.model), "a write that failed leaves nothing"


def test_what_it_is_about_is_found(new_store: Callable[[], GatedStore]) -> None:
    store = new_store()
    store.create_registered_model("credit")
    tags = passing(["credit", "loans"], DIGEST)
    with store.ManagedSessionMaker(read_only=False) as session:
        keep(session, [*tags.model.values(), *tags.version.values(), AUDIT, "junk", "{}"], store._keeper())
    assert "audit" in _about(store, of_model(DIGEST))
    assert _about(store, of_model("cd" * 32)) == []
    assert _about(store, of_name("default", "credit")) == _about(store, of_name("default", "loans")) == ["system"]
    assert _about(store, of_name("elsewhere", "credit")) == []
    system = context_digest(context(models=[{"name": "credit"}, {"name": "loans"}]))
    assert "responsibility" in _about(store, of_context(system))


def test_nobody_unknown_adds_an_envelope_or_a_signature(new_store: Callable[[], GatedStore]) -> None:
    store = new_store()
    store.create_registered_model("credit")
    stranger = signing_key("stranger1")
    known = parse_envelope(AUDIT)
    both = sign(known.payload, IN_TOTO, [stranger], known)
    for value in (sign(known.payload, IN_TOTO, [stranger]), both, AUDIT, both):
        store.set_registered_model_tag("credit", RegisteredModelTag(f"{KEY}x", value))
    (row,) = _rows(store)
    assert parse_envelope(row).signatures == known.signatures


def test_a_second_signature_joins_the_first_whatever_the_tag_holds_later(new_store: Callable[[], GatedStore]) -> None:
    store = new_store()
    store.create_registered_model("credit")
    known = parse_envelope(AUDIT)
    for who in ("trainer", "dpo"):
        value = sign(known.payload, IN_TOTO, [signing_key(who)])
        store.set_registered_model_tag("credit", RegisteredModelTag("qaqpa.evidence.audit.elsewhere", value))
    (row,) = _rows(store)
    assert len(parse_envelope(row).signatures) == 2


def test_what_tags_carry_from_before_is_taken_in_at_the_start(
    new_store: Callable[[], GatedStore], tmp_path: Path
) -> None:
    raw = SqlAlchemyStore(f"sqlite:///{tmp_path}/mlflow.db")
    raw.create_registered_model("credit", [RegisteredModelTag(KEY, AUDIT), RegisteredModelTag("other", "x")])
    assert len(_rows(new_store())) == 1
    raw.set_registered_model_tag("credit", RegisteredModelTag("qaqpa.evidence.audit.1", "junk"))
    assert len(_rows(new_store())) == 1


def test_more_than_can_be_read_is_no_selection(
    new_store: Callable[[], GatedStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store()
    monkeypatch.setattr("qaqpa.mlflow.envelopes.MOST_ENVELOPES", 1)
    tags = passing(["credit"], DIGEST)
    with store.ManagedSessionMaker(read_only=False) as session:
        keep(session, tags.version.values(), store._keeper())
        assert read(session, [of_model(DIGEST)], store._keeper()) is None


def test_a_role_that_may_not_make_tables_is_told_so(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///file:{tmp_path}/none.db?mode=ro&uri=true")
    (tmp_path / "none.db").touch()
    with pytest.raises(UndecidedError, match="qaqpa_envelopes"):
        make_tables(engine)


def test_two_processes_that_make_the_tables_at_once(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/new.db"
    engines = [create_engine(database) for _ in range(2)]

    @event.listens_for(engines[0], "before_cursor_execute")
    def other_first(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.lstrip().startswith("CREATE TABLE qaqpa_envelopes"):
            make_tables(engines[1])

    make_tables(engines[0])
    with engines[1].connect() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {SUBJECTS.name}")).scalar_one() == 0


@pytest.mark.server
def test_eight_writers_of_one_payload_on_postgresql(
    new_postgresql_database: Callable[[str, str], str], tmp_path: Path, engine: EmbeddedEngine
) -> None:
    database = new_postgresql_database("psycopg2", "envelopes")
    config = Config(parties=trusted(tmp_path, times.now(), state=tmp_path / "state"))
    store = GatedStore(database, gatekeeper=Gatekeeper(config, engine))
    for number in range(8):
        store.create_registered_model(f"credit-{number}")
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            store.set_registered_model_tag(f"credit-{number}", RegisteredModelTag(KEY, AUDIT))
        except BaseException as error:  # noqa: BLE001 - it is told below
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(_rows(store)) == 1
