# SPDX-License-Identifier: Apache-2.0
"""What a server needs to start, and how it comes up closed where it must run nevertheless."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from qaqpa.mlflow import selftest
from qaqpa.mlflow import store as entry
from qaqpa.mlflow.denial import RefusedError
from support.logs import kinds
from support.operated import GATES, Operated, refused
from support.servers import free_port

ANOTHER_PROCESS = "1"


@pytest.fixture
def operated(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Operated:
    return Operated(tmp_path, empty_database, monkeypatch)


def _no_parties(operated: Operated) -> str:
    next(operated.directory.rglob("parties*.json")).unlink()
    return "parties_missing"


def _no_log(operated: Operated) -> str:
    for file in operated.directory.glob("log.db*"):
        file.unlink()
    (operated.directory / "log.db").mkdir()
    return "log.db"


def _no_opa(operated: Operated) -> str:
    port = free_port()
    operated.configure(f"engine: opa\nopa: {{url: 'http://127.0.0.1:{port}', timeout_seconds: 0.5}}\n{GATES}")
    return f"127.0.0.1:{port}"


def _no_policies(operated: Operated) -> str:
    operated.configure(f"policy: nowhere\n{GATES}")
    return "nowhere"


def _no_end(operated: Operated) -> str:
    operated.configure(f"{GATES}observe:\n  - {{models: ['*'], until: 2999-01-01}}\n")
    return "too far away"


def _no_profile(operated: Operated) -> str:
    operated.configure(GATES.replace("article-baseline", "none"))
    return "no profile 'none'"


@pytest.mark.parametrize("trouble", [_no_parties, _no_log, _no_opa, _no_policies, _no_end, _no_profile])
def test_a_server_does_not_start_without_what_it_needs(operated: Operated, trouble: Any) -> None:
    named = trouble(operated)
    with pytest.raises(MlflowException, match="Qaqpa does not let this server start: ") as caught:
        selftest.started()
    assert named in caught.value.message
    assert "QAQPA_START=closed" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("trouble", [_no_parties, _no_log, _no_opa])
def test_a_worker_comes_up_where_these_are_gone_and_promotes_nothing(
    operated: Operated, trouble: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    operated.open().set_registered_model_alias("good", "production", 1)
    operated.raw.set_registered_model_alias("good", "champion", 1)
    trouble(operated)
    monkeypatch.setenv(selftest.STARTED, ANOTHER_PROCESS)
    store = operated.open()
    assert refused(store)["problems"]
    store.delete_registered_model_alias("good", "production")
    store.transition_model_version_stage("good", 1, "Archived", archive_existing_versions=False)
    assert operated.raw.get_registered_model("good").aliases == {"champion": 1}


@pytest.mark.parametrize("text", ["gates: 7\n", f"policy: nowhere\n{GATES}", "log: 7\n"])
def test_a_worker_whose_configuration_is_broken_comes_up_closed_and_opens_when_it_is_mended(
    operated: Operated, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operated.open().set_registered_model_alias("good", "production", 1)
    operated.configure(text)
    monkeypatch.setenv(selftest.STARTED, ANOTHER_PROCESS)
    store = operated.open()
    assert refused(store)["problems"][0]["code"] == "gate_closed"
    if "nowhere" not in text:
        # Nobody can tell what is gated.
        assert refused(store, "any-other")["problems"][0]["code"] == "gate_closed"
        with pytest.raises(RefusedError, match="is kept"):
            store.delete_model_version_tag("good", 1, operated.evidence)
    store.delete_registered_model_alias("good", "production")
    assert operated.raw.get_registered_model("good").aliases == {}
    operated.configure()
    store.set_registered_model_alias("good", "production", 1)
    assert operated.raw.get_registered_model("good").aliases == {"production": 1}


def test_a_server_that_is_told_to_start_closed_promotes_nothing_and_takes_out(
    operated: Operated, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(selftest.log, "propagate", True)
    operated.open().set_registered_model_alias("good", "production", 1)
    observed = f"{GATES}observe:\n  - {{models: ['*'], until: {selftest.times.now().date()}}}\n"
    operated.configure(observed)
    monkeypatch.setenv("QAQPA_START", "closed")
    store = operated.open()
    assert "THE GATE IS CLOSED" in caplog.text
    found = refused(store)
    assert (found["verdict"], found["problems"][0]["code"]) == ("undecided", "gate_closed")
    assert kinds(operated.log)[-2:] == ["start", "decision"]
    operated.configure()
    assert refused(store)["problems"][0]["code"] == "gate_closed"
    store.delete_registered_model_alias("good", "production")
    assert operated.raw.get_registered_model("good").aliases == {}


@pytest.mark.parametrize("trouble", [_no_parties, _no_log, _no_opa, _no_policies])
def test_started_closed_it_runs_whatever_is_broken(
    operated: Operated, trouble: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    operated.open().set_registered_model_alias("good", "production", 1)
    trouble(operated)
    monkeypatch.setenv("QAQPA_START", "closed")
    store = operated.open()
    assert refused(store)["verdict"] == "undecided"
    store.delete_registered_model_alias("good", "production")
    assert operated.raw.get_registered_model("good").aliases == {}


def test_there_is_no_other_way_to_start(operated: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QAQPA_START", "open")
    with pytest.raises(MlflowException, match="QAQPA_START"):
        operated.open()


def test_a_process_that_tested_nothing_leaves_no_word_of_it(
    operated: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(selftest.STARTED, raising=False)
    operated.configure("gates: 7\n")
    with pytest.raises(MlflowException):
        selftest.started()
    assert selftest.STARTED not in selftest.os.environ


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is `mlflow server`."""
    monkeypatch.setattr(selftest, "server_command", object)
    monkeypatch.setattr(selftest.log, "propagate", True)


def _build(operated: Operated) -> Any:
    # The registry's address decides nothing here: the gate is tested before.
    return entry.build_store(f"qaqpa+{operated.database}")


@pytest.mark.usefixtures("command")
def test_a_start_that_is_refused_ends_with_one_line(operated: Operated, caplog: pytest.LogCaptureFixture) -> None:
    operated.configure("gates: 7\n")
    with pytest.raises(SystemExit) as caught:
        _build(operated)
    assert caught.value.code == 1
    assert [record.exc_info for record in caplog.records] == [None]
    assert "NOT STARTED: Qaqpa does not let this server start: " in caplog.records[-1].getMessage()
    assert caplog.records[-1].qaqpa == {"event": "not_started"}  # type: ignore[attr-defined]


@pytest.mark.usefixtures("command")
def test_what_nobody_foresaw_is_logged_with_its_place_before_that_line(
    operated: Operated, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(selftest, "load", fail)
    with pytest.raises(SystemExit):
        _build(operated)
    first, last = caplog.records[-2:]
    assert first.exc_info
    assert str(first.exc_info[1]) == "nobody foresaw this"
    assert "NOT STARTED" in last.getMessage()


def test_any_other_process_gets_the_error(operated: Operated) -> None:
    operated.configure("gates: 7\n")
    with pytest.raises(MlflowException, match="does not let this server start"):
        _build(operated)
