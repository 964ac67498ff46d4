# SPDX-License-Identifier: Apache-2.0
"""What is kept of evidence, by stores in this process: under a lock, and with a parties file that cannot be used."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.exceptions import MlflowException

from qaqpa import times
from qaqpa.config import Config, PartiesSource
from qaqpa.evidence import collect
from qaqpa.evidence.carriers import TAG_PREFIX
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.envelope import IN_TOTO, sign
from qaqpa.mlflow import gated, guard
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.gated import GatedStore
from qaqpa.mlflow.identity import registrants, registration
from qaqpa.mlflow.judge import Gatekeeper
from qaqpa.mlflow.lineage import Origin, origin
from qaqpa.mlflow.selftest import try_gatekeeper
from qaqpa.mlflow.server import tracking_store
from qaqpa.policy.embedded import EmbeddedEngine
from support.keyring import parties_text, signing_key, trusted
from support.registry import failed_audit, passing

KEY, AUDIT = failed_audit(["credit"], "ab" * 32)
JUNK = sign(b"junk", IN_TOTO, [signing_key("auditor", 5)])
NewStore = Callable[..., GatedStore]


@pytest.fixture
def source(tmp_path: Path) -> PartiesSource:
    """A parties file that can be used."""
    return trusted(tmp_path, times.now(), state=tmp_path / "state")


@pytest.fixture
def new_store(tmp_path: Path, engine: EmbeddedEngine, empty_database: Path) -> NewStore:
    """Makes a store with the registered model `credit`, whose version 1 has no tags."""
    shutil.copy(empty_database, tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_text("1")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")

    def make(parties: PartiesSource | None, database: str = f"sqlite:///{tmp_path}/mlflow.db") -> GatedStore:
        store = GatedStore(database, gatekeeper=Gatekeeper(Config(parties=parties), engine))
        if not store.search_registered_models():
            store.create_registered_model("credit")
            store.create_model_version("credit", str(tmp_path / "model"))
        return store

    return make


def _set(store: GatedStore, value: str) -> None:
    store.set_model_version_tag("credit", 1, ModelVersionTag(KEY, value))


def _tag(store: GatedStore) -> str | None:
    found = store.get_model_version("credit", 1).tags.get(KEY)
    return None if found is None else str(found)


def _refused(call: Callable[[], object]) -> str:
    with pytest.raises(RefusedError) as caught:
        call()
    return str(caught.value.json_kwargs["qaqpa"]["problems"][0]["code"])


@pytest.mark.parametrize("driver", ["sqlite", pytest.param("psycopg2", marks=pytest.mark.server)])
def test_an_overwrite_at_the_same_moment(
    driver: str,
    request: pytest.FixtureRequest,
    new_store: NewStore,
    source: PartiesSource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = [request.getfixturevalue("new_postgresql_database")(driver, "kept")] if driver != "sqlite" else []
    store = new_store(source, *database)
    checked, go_on = threading.Event(), threading.Event()
    look = guard.check_version

    def slowly(session: Any, row: Any) -> None:
        look(session, row)
        if threading.current_thread() is attacker:
            checked.set()
            go_on.wait(3)

    monkeypatch.setattr(gated, "check_version", slowly)
    attacker = threading.Thread(target=_set, args=(store, "junk"))
    attacker.start()
    assert checked.wait(30)
    # The attacker saw no evidence and is about to write. The auditor must wait for that, and not be overwritten.
    auditor = threading.Thread(target=_set, args=(store, AUDIT))
    auditor.start()
    auditor.join(1)
    go_on.set()
    for thread in (attacker, auditor):
        thread.join(60)
    assert _tag(store) == AUDIT


@pytest.mark.parametrize("text", ["{}", None])
def test_while_the_parties_file_cannot_be_used_every_envelope_is_kept(
    new_store: NewStore, source: PartiesSource, text: str | None
) -> None:
    store = new_store(source)
    _set(store, JUNK)
    source.file.unlink() if text is None else source.file.write_text(text)
    assert _refused(lambda: _set(store, "junk")) == "evidence_kept"
    assert _refused(lambda: _set(store, AUDIT)) == "evidence_kept"
    assert _refused(lambda: store.delete_model_version_tag("credit", 1, KEY)) == "evidence_kept"
    _set(store, JUNK)
    other = ModelVersionTag(f"{TAG_PREFIX}audit.1", "junk")
    store.set_model_version_tag("credit", 1, other)
    store.delete_model_version_tag("credit", 1, other.key)
    assert _tag(store) == JUNK


def test_while_the_parties_file_cannot_be_used_all_is_refused_and_demoting_works(
    new_store: NewStore, source: PartiesSource, engine: EmbeddedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    source.file.unlink()
    store = new_store(source)
    try_gatekeeper(Config(parties=source), engine)
    assert "the parties file cannot be used, so every promotion is refused" in caplog.text
    assert "parties_missing" in caplog.text
    assert _refused(lambda: store.set_registered_model_alias("credit", "champion", 1)) == "parties_missing"
    store.transition_model_version_stage("credit", 1, "Archived", archive_existing_versions=False)
    store.delete_registered_model_alias("credit", "champion")
    store.delete_model_version("credit", 1)


def test_without_a_parties_file_nothing_is_kept(
    new_store: NewStore, engine: EmbeddedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    store = new_store(None)
    try_gatekeeper(Config(), engine)
    assert "no parties file is configured" in caplog.text
    _set(store, AUDIT)
    _set(store, "junk")
    store.delete_model_version_tag("credit", 1, KEY)
    _set(store, AUDIT)
    store.delete_registered_model("credit")


def test_evidence_by_a_key_that_was_compromised_since_is_kept(
    new_store: NewStore, source: PartiesSource, tmp_path: Path
) -> None:
    store = new_store(source)
    _set(store, AUDIT)
    now = times.now()
    text = parties_text(now, version=2).replace(
        "valid_from", "revoked: {at: 2026-01-01T00:00:00Z, reason: compromise}\n    valid_from"
    )
    trusted(tmp_path, now, text=text, state=source.state)
    assert store._gatekeeper.trusted()[1] == []
    assert _refused(lambda: _set(store, "junk")) == "evidence_kept"


def test_a_version_that_was_filled_with_copies_is_left_and_its_bytes_are_registered_again(
    new_store: NewStore, source: PartiesSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may change a version can attach more signed evidence of other models than can be read."""
    store, tags = new_store(source), passing(["credit"], dir_hash(tmp_path / "model"))
    for key, value in tags.model.items():
        store.set_registered_model_tag("credit", RegisteredModelTag(key, value))
    for key, value in tags.version.items():
        store.set_model_version_tag("credit", 1, ModelVersionTag(key, value))
    monkeypatch.setattr(collect, "MAX_CARRIED", len(tags.model) + len(tags.version) + 2)
    copies = [failed_audit(["other"], f"{number:064x}") for number in range(3)]
    for key, value in copies:
        store.set_model_version_tag("credit", 1, ModelVersionTag(key, value))
    promote = [
        lambda number=number: store.set_registered_model_alias("credit", "champion", number) for number in (1, 2)
    ]
    assert _refused(promote[0]) == "too_much_evidence"
    assert _refused(lambda: store.delete_model_version_tag("credit", 1, copies[0][0])) == "evidence_kept"
    store.create_model_version("credit", str(tmp_path / "model"))
    promote[1]()
    assert store.get_registered_model("credit").aliases == {"champion": 2}


def test_a_run_names_its_user_only_where_it_made_the_bytes(new_store: NewStore, tmp_path: Path) -> None:
    new_store(None)
    tracking = tracking_store()
    run = mlflow.MlflowClient().create_run("0", tags={"mlflow.user": "ana"})
    location = f"{run.info.artifact_uri}/model"
    assert "ana" in origin(tracking, location, run.info.run_id).users
    assert origin(tracking, str(tmp_path / "elsewhere"), run.info.run_id) == Origin()
    assert origin(tracking, location, None) == Origin()
    assert origin(tracking, location, "0" * 32) == Origin()


def test_a_logged_model_names_its_user_and_that_of_its_run(new_store: NewStore) -> None:
    new_store(None)
    client = mlflow.MlflowClient()
    run = client.create_run("0", tags={"mlflow.user": "ana"})
    model = client.create_logged_model("0", source_run_id=run.info.run_id, tags={"mlflow.user": "ben"})
    found = origin(tracking_store(), model.artifact_location, None)
    assert {"ana", "ben"} <= set(found.users)
    assert origin(tracking_store(), f"/elsewhere/models/{model.model_id}/artifacts", None) == Origin()


def test_a_copy_of_what_does_not_exist_is_what_mlflow_says(new_store: NewStore) -> None:
    store = new_store(None)
    with pytest.raises(MlflowException) as caught:
        store.create_model_version("credit", "models:/nobody/7")
    assert not isinstance(caught.value, RefusedError)


@pytest.mark.parametrize("value", [None, "", "x", "{}", "7", "[1]", '["a", ""]', '["a", null]', "[" * 5000])
def test_a_record_that_the_server_did_not_write_names_nobody(value: str | None) -> None:
    assert registrants(value) == ()


def test_a_record_is_sorted_and_read_back() -> None:
    assert registration(["b", "a", "b"]) == '["a", "b"]'
    assert registrants(registration(["ü", "a"])) == ("a", "ü")
