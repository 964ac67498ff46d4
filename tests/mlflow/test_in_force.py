# SPDX-License-Identifier: Apache-2.0
"""Configuration and policies are replaced while a gate judges: whole or not at all, and not in the middle of a call."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from qaqpa.mlflow import gated, in_force, selftest, sources
from qaqpa.policy.bundle import DATA, MANIFEST
from qaqpa.resources import COMPILED
from support.logs import checked
from support.operated import GATES, Operated, another_build, refused

STRICTER = GATES.replace("article-baseline", "article-baseline, kz")


@pytest.fixture
def operated(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Operated:
    return Operated(tmp_path, empty_database, monkeypatch)


def test_another_configuration_is_in_force_at_the_next_promotion_and_is_recorded(operated: Operated) -> None:
    store = operated.open()
    store.set_registered_model_alias("good", "production", 1)
    operated.configure(STRICTER.replace("[production]", "[production, live]"))
    assert {"kz"} <= {profile for finding in refused(store, "live")["findings"] for profile in finding["profiles"]}
    (start,), (reload,) = operated.rows("start"), operated.rows("reload")
    assert reload["changed"] == ["gates"]
    assert reload["configuration"] not in {None, start["configuration"]}
    first, second = operated.rows("decision")
    assert (first["configuration"], second["configuration"]) == (start["configuration"], reload["configuration"])
    operated.configure()
    store.set_registered_model_alias("good", "production", 1)
    assert operated.rows("reload")[-1]["configuration"] == start["configuration"]
    assert checked(operated.log).problems == []


def test_half_a_configuration_that_is_being_written_is_not_in_force(
    operated: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is valid, and names no alias of production any more."""
    monkeypatch.setattr(sources, "SETTLE_SECONDS", 60.0)
    store = operated.open()
    operated.configure(GATES.replace("aliases: [production]", "aliases: [other]"))
    store.set_registered_model_alias("good", "production", 1)
    assert (len(operated.rows("decision")), operated.rows("reload")) == (1, [])
    long_ago = operated.file.stat().st_mtime - 61
    os.utime(operated.file, (long_ago, long_ago))
    store.set_registered_model_alias("good", "production", 1)
    assert (len(operated.rows("decision")), len(operated.rows("reload"))) == (1, 1)


def test_a_configuration_that_was_only_touched_is_not_loaded_again(operated: Operated) -> None:
    store = operated.open()
    operated.configure()
    store.set_registered_model_alias("good", "production", 1)
    assert operated.rows("reload") == []


@pytest.mark.parametrize("wrong", ["gates: 7\n", GATES.replace("article-baseline", "unheard-of"), "policy: nowhere\n"])
def test_what_cannot_be_used_leaves_what_was_in_force(
    operated: Operated, wrong: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_force.log, "propagate", True)
    store = operated.open()
    operated.configure(wrong)
    store.set_registered_model_alias("good", "production", 1)
    store.set_registered_model_alias("good", "production", 1)
    assert caplog.text.count("NOT RELOADED") == 1
    assert store._in_force.failure is not None
    assert operated.rows("reload") == []
    operated.configure(STRICTER)
    assert refused(store)["verdict"] == "deny"
    assert store._in_force.failure is None


def test_a_configuration_that_is_gone_is_not_taken_for_none(
    operated: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QAQPA_CONFIG")
    monkeypatch.chdir(operated.directory)
    store = operated.open()
    operated.file.unlink()
    store.set_registered_model_alias("good", "production", 1)
    assert "The configuration file is gone" in store._in_force.failure.reason
    operated.configure(STRICTER)
    assert refused(store)["verdict"] == "deny"


def test_the_decision_log_is_not_exchanged_under_a_server_that_runs(operated: Operated) -> None:
    store = operated.open()
    operated.configure(f"{GATES}log: none\n", log=False)
    store.set_registered_model_alias("good", "production", 1)
    assert "takes a restart" in store._in_force.failure.reason
    assert len(operated.rows("decision")) == 1


def test_what_failed_for_a_while_is_tried_again(operated: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    store = operated.open()
    real, down = selftest.open_engine, [True]

    def sometimes(config: Any) -> Any:
        if down:
            raise selftest.UnusableError("The engine is down")
        return real(config)

    monkeypatch.setattr(selftest, "open_engine", sometimes)
    operated.configure(STRICTER)
    store.set_registered_model_alias("good", "production", 1)
    down.clear()
    monkeypatch.setattr(in_force, "_RETRY_SECONDS", 0.0)
    assert refused(store)["verdict"] == "deny"


def test_policies_are_never_in_force_while_they_are_being_copied(operated: Operated) -> None:
    folder = operated.own_policies()
    operated.configure(f"policy: policy\n{GATES}")
    store = operated.open()
    for name, content in another_build(folder).items():
        (folder / name).write_bytes(content[: len(content) // 2])
        store.set_registered_model_alias("good", "production", 1)
        (folder / name).write_bytes(content)
        store.set_registered_model_alias("good", "production", 1)
    digests = [row["policy"] for row in operated.rows("decision")]
    assert digests == [*[operated.rows("start")[0]["policy"]] * 3, "ab" * 32]
    assert [row["policy"] for row in operated.rows("reload")] == ["ab" * 32]


def test_policies_that_allow_without_evidence_are_never_in_force(
    operated: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = operated.own_policies()
    operated.configure(f"policy: policy\n{GATES}")
    store = operated.open()
    real = selftest.try_gatekeeper

    def lax(*_: Any, **__: Any) -> Any:
        raise selftest.UnusableError("The gate allows a model that has no evidence at all")

    monkeypatch.setattr(selftest, "try_gatekeeper", lax)
    for name, content in another_build(folder).items():
        (folder / name).write_bytes(content)
    store.set_registered_model_alias("good", "production", 1)
    monkeypatch.setattr(selftest, "try_gatekeeper", real)
    assert store._in_force.latest.facts["policy"] != "ab" * 32


def test_a_call_is_judged_by_one_gatekeeper_although_another_comes_meanwhile(
    operated: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    operated.configure("gates:\n" + GATES.removeprefix("gates:\n").replace("[production]", "[production]") * 2)
    store = operated.open()
    real = gated.of_version

    def meanwhile(*arguments: Any) -> Any:
        operated.configure(STRICTER)
        assert store._in_force.fresh().facts["configuration"] != before
        return real(*arguments)

    before = store._in_force.latest.facts["configuration"]
    monkeypatch.setattr(gated, "of_version", meanwhile)
    store.set_registered_model_alias("good", "production", 1)
    first, second = operated.rows("decision")
    assert first["configuration"] == second["configuration"] == before
    monkeypatch.setattr(gated, "of_version", real)
    assert refused(store)["verdict"] == "deny"


def test_what_takes_out_of_production_never_waits_for_a_reload(operated: Operated) -> None:
    store = operated.open()
    store.set_registered_model_alias("good", "production", 1)
    operated.configure(STRICTER)
    with store._in_force._loading:
        began = time.monotonic()
        store.transition_model_version_stage("good", 1, "Archived", archive_existing_versions=False)
        store.delete_registered_model_alias("good", "production")
        assert time.monotonic() - began < 2


def test_many_at_once_load_it_once_and_all_are_judged_by_it(
    operated: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = operated.open()
    loads, real = [], store._in_force._load

    def slowly(before: Any) -> Any:
        loads.append(1)
        time.sleep(0.3)
        return real(before)

    monkeypatch.setattr(store._in_force, "_load", slowly)
    operated.configure(STRICTER)
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(store._in_force.fresh())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
    assert {keeper.facts["configuration"] for keeper in found} == {store._in_force.latest.facts["configuration"]}
    assert len(found) == 8


def test_a_revocation_needs_no_reload_and_waits_for_none(operated: Operated) -> None:
    store = operated.open()
    store.set_registered_model_alias("good", "production", 1)
    store._in_force.latest.config.parties.file.unlink()
    with store._in_force._loading:
        assert refused(store)["problems"][0]["code"] == "parties_missing"


def test_evidence_is_kept_by_the_parties_file_that_was_configured_last(operated: Operated) -> None:
    operated.configure(parties=False)
    store = operated.open()
    assert store._keeper() is None
    operated.configure()
    with store._guarded("good", "qaqpa.evidence.audit.0123456789abcdef", "x"):
        assert store._keeper() is not None


def test_shipped_policies_are_those_of_the_installed_version(operated: Operated) -> None:
    """They are replaced with the code that goes with them, by a restart."""
    store = operated.open()
    assert not any(str(COMPILED / name) == path for name in (MANIFEST, DATA) for path, _ in store._in_force._stamp)


def test_a_store_that_was_given_a_gatekeeper_keeps_it(operated: Operated) -> None:
    store = operated.open()
    fixed = gated.GatedStore(operated.database, gatekeeper=store._in_force.latest)
    operated.configure("gates: 7\n")
    fixed.set_registered_model_alias("good", "production", 1)
    with pytest.raises(MlflowException):
        selftest.started()
