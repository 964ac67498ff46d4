# SPDX-License-Identifier: Apache-2.0
"""The question whether a gate refuses: answered as every promotion is, and never by a write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from qaqpa.mlflow import going_back, judge
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.gated import GatedStore
from qaqpa.mlflow.recording import Recorder
from qaqpa.mlflow.worker import this_worker
from qaqpa.model import Decision, Verdict
from qaqpa.record.log.errors import LogError
from support.operated import GATES, Operated, refused
from support.servers import free_port

NAME = "qaqpa-canary-0123456789abcdef"


@pytest.fixture
def operated(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Operated:
    return Operated(tmp_path, empty_database, monkeypatch)


def _read(store: GatedStore, name: str) -> dict[str, Any]:
    with pytest.raises(RefusedError) as caught:
        store.get_registered_model(name)
    found: dict[str, Any] = caught.value.json_kwargs["qaqpa"]
    return found


def _names(store: GatedStore) -> list[str]:
    return [found.name for found in store.search_registered_models()]


def test_it_is_denied_and_the_gate_says_what_is_in_force(operated: Operated) -> None:
    store = operated.open()
    found = refused(store, name=NAME)
    assert (found["verdict"], found["mode"]) == ("deny", "enforce")
    assert {finding["status"] for finding in found["findings"]} == {"fail"}
    (row,) = operated.rows("decision")
    assert (row["model"], row["verdict"]) == ("qaqpa-canary-", "deny")
    says = found["server"]
    assert (says["policy"], says["configuration"]) == (row["policy"], row["configuration"])
    assert (says["closed"], says["parties"], says["kept"], says["frozen"], says["reload_failed"]) == (
        (False, 1, True, False, False)
    )
    assert str(operated.directory) not in str(found)
    assert _names(store) == ["good"]


def test_an_alias_that_is_not_gated_is_told(operated: Operated) -> None:
    found = refused(operated.open(), "staging", NAME)
    assert found["problems"][0]["code"] == "canary_not_gated"


@pytest.mark.parametrize("mode", ["observed", "lax"])
def test_a_gate_that_would_let_it_through_says_so_and_writes_nothing(
    operated: Operated, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mode == "observed":
        operated.configure(f"{GATES}observe:\n  - {{models: ['*'], until: {judge.times.now().date()}}}\n")
    store = operated.open()
    if mode == "lax":
        real = going_back.decide

        def lax(*arguments: object) -> Decision:
            decision = real(*arguments)  # type: ignore[arg-type]
            return Decision(Verdict.ALLOW, decision.document, decision.policy_digest, decision.engine, input={})

        monkeypatch.setattr(going_back, "decide", lax)
    assert refused(store, name=NAME)["problems"][0]["code"] == "canary_allowed"
    assert _names(store) == ["good"]


def test_a_gate_that_is_stale_or_closed_says_so(operated: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    store = operated.open()
    operated.configure("gates: 7\n")
    assert refused(store, name=NAME)["server"]["reload_failed"]
    operated.configure()
    monkeypatch.setenv("QAQPA_START", "closed")
    found = refused(operated.open(), name=NAME)
    assert found["server"]["closed"]
    assert found["problems"][0]["code"] == "gate_closed"


def test_a_registered_model_of_that_name_is_judged_as_all_others(operated: Operated) -> None:
    store = operated.open()
    operated.raw.create_registered_model(NAME)
    with pytest.raises(MlflowException) as caught:
        store.set_registered_model_alias(NAME, "production", 1)
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    operated.raw.create_model_version(NAME, str(operated.directory / "good"))
    assert "server" not in refused(store, name=NAME)


def test_whoever_may_only_read_gets_the_same_answer_and_makes_no_log_grow(operated: Operated) -> None:
    store = operated.open()
    before = len(operated.rows("decision"))
    asked, read = refused(store, name=NAME), _read(store, f"{NAME}@production")
    assert (read["verdict"], read["findings"]) == (asked["verdict"], asked["findings"])
    assert read["server"] == asked["server"]
    assert _read(store, f"{NAME}@staging")["problems"][0]["code"] == "canary_not_gated"
    assert len(operated.rows("decision")) == before + 1
    operated.configure(f"{GATES}observe:\n  - {{models: ['*'], until: {judge.times.now().date()}}}\n")
    assert _read(store, f"{NAME}@production")["problems"][0]["code"] == "canary_allowed"


def test_reading_says_which_process_answers_after_it_has_taken_up_what_is_configured(operated: Operated) -> None:
    store = operated.open()
    before = _read(store, f"{NAME}@")
    assert before["problems"][0]["code"] == "canary_state"
    assert (before["server"]["worker"], before["server"]["workers"]) == (this_worker(), None)
    operated.configure(f"{GATES}limits: {{refusals_per_minute: 1}}\n")
    after = _read(store, f"{NAME}@")
    assert after["server"]["configuration"] != before["server"]["configuration"]
    assert len(operated.rows("reload")) == 1
    _read(store, f"{NAME}@production")
    assert _read(store, f"{NAME}@production")["problems"][0]["code"] == "too_many_refusals"
    assert _read(store, f"{NAME}@")["problems"][0]["code"] == "canary_state"


def test_reading_with_a_log_that_cannot_be_used_says_so(operated: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    store = operated.open()

    def lost(*_: object) -> None:
        raise LogError("gone")

    monkeypatch.setattr(Recorder, "problems", lost)
    assert _read(store, f"{NAME}@production")["problems"][0]["code"] == "log_unusable"


@pytest.mark.parametrize("name", ["good", "good@production", "qaqpa-canary-1", "@", "@production"])
def test_all_other_names_are_read_as_they_are(operated: Operated, name: str) -> None:
    store = operated.open()
    operated.raw.create_registered_model("good@production")
    if "good" in name:
        assert store.get_registered_model(name).name == name
        return
    with pytest.raises(MlflowException) as caught:
        store.get_registered_model(name)
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_why_a_reload_failed_names_no_directory_and_no_address(operated: Operated) -> None:
    store = operated.open()
    operated.configure("gates: 7\n")
    assert _read(store, f"{NAME}@")["server"]["reload_problem"] == 'qaqpa.yaml:2:8: gates: 7 is not of type "array"'
    for line in ("policy: /srv/secret/nowhere", "parties: {file: /srv/secret/x.json, threshold: 9, roots: []}"):
        operated.configure(f"{GATES}{line}\n", parties=False)
        found = _read(store, f"{NAME}@")
        assert found["server"]["reload_failed"]
        assert "secret" not in str(found)
    port = free_port()
    operated.configure(f"engine: opa\nopa: {{url: 'http://127.0.0.1:{port}', timeout_seconds: 0.5}}\n{GATES}")
    says = _read(store, f"{NAME}@")["server"]
    assert (says["reload_problem"], str(port) in str(says)) == ("the server's log says why (reload_failed)", False)


def test_who_asks_without_end_is_told_that_it_is_enough(operated: Operated) -> None:
    operated.configure(f"{GATES}limits: {{refusals_per_minute: 2}}\n")
    store = operated.open()
    codes = [refused(store, name=f"{NAME}{number}")["problems"] for number in range(4)]
    assert [found[0]["code"] if found else "" for found in codes] == ["", "", *["too_many_refusals"] * 2]
