# SPDX-License-Identifier: Apache-2.0
"""What is counted and served: added up over processes, and never in the way of a decision."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

# Before the variable is set: this process counts in memory, as MLflow's own counters in it do.
import prometheus_client
import pytest

from qaqpa import times
from qaqpa.errors import UsageError
from qaqpa.mlflow import exposing, metrics
from qaqpa.mlflow.denial import Outcome, busy_outcome, outcome_of
from qaqpa.model import Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from support.logs import made
from support.servers import HOST, free_port

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "operations.md"
COUNTS = """\
import os, sys
from pathlib import Path
from types import SimpleNamespace
from qaqpa import times
from qaqpa.mlflow import metrics
from qaqpa.mlflow.denial import busy_outcome

metrics.enable()
for _ in range(int(sys.argv[1])):
    metrics.decided(busy_outcome("x", "production"), "enforce", 0.02)
metrics.refused("frozen")
metrics.reloaded(done=True)
metrics.reloaded(done=False)
metrics.overridden()
with metrics.appending("decision"):
    pass
try:
    with metrics.appending("outcome"):
        raise OSError
except OSError:
    pass
facts = {"policy": "old", "configuration": "c", "engine": "e", "closed": False}
metrics.in_force(facts)
metrics.in_force({**facts, "policy": "new"})
metrics.parties(SimpleNamespace(version=7, expires=times.parse("2026-12-01T00:00:00Z")), Path(sys.argv[0]))
if len(sys.argv) > 2:
    input()
"""


def _counted(directory: Path, *arguments: str, **more: Any) -> subprocess.Popen[str]:
    script = directory / "counts.py"
    script.write_text(COUNTS)
    environment = {**os.environ, metrics.DIRECTORY: str(directory / "counts")}
    return subprocess.Popen([sys.executable, str(script), *arguments], env=environment, text=True, **more)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Serves the directory into which processes count; a function that reads it."""
    (tmp_path / "counts").mkdir()
    monkeypatch.setenv(metrics.DIRECTORY, str(tmp_path / "counts"))
    monkeypatch.setattr(exposing, "_served", [])
    assert prometheus_client.values.ValueClass.__name__ == "MutexValue"
    port = free_port()
    exposing.serve(f"{HOST}:{port}")

    def read() -> dict[str, float]:
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    yield read
    ((server, _),) = exposing._served
    server.shutdown()
    server.server_close()


def test_a_process_that_was_killed_while_it_began_to_count_does_not_stop_the_others(
    served: Any, tmp_path: Path
) -> None:
    (tmp_path / "counts" / "counter_1.db").touch()
    assert _counted(tmp_path, "2").wait(60) == 0
    assert served()["qaqpa_overrides_total"] == 1.0


def test_what_several_processes_counted_is_added_up(served: Any, tmp_path: Path) -> None:
    assert _counted(tmp_path, "2").wait(60) == 0
    living = _counted(tmp_path, "3", "stay", stdin=subprocess.PIPE)
    try:
        until = times.now().timestamp() + 60
        while served().get('qaqpa_decisions_total{mode="enforce",stage="production",verdict="undecided"}') != 5.0:
            assert times.now().timestamp() < until
        found = served()
        while "qaqpa_parties_version" not in found:
            found = served()
    finally:
        living.communicate("\n", timeout=60)
    assert found['qaqpa_refusals_total{code="busy",control=""}'] == 5.0
    assert found['qaqpa_refusals_total{code="frozen",control=""}'] == 2.0
    assert (found['qaqpa_reloads_total{result="done"}'], found['qaqpa_reloads_total{result="failed"}']) == (2.0, 2.0)
    assert found["qaqpa_overrides_total"] == 2.0
    assert found['qaqpa_decision_seconds_count{stage="production"}'] == 5.0
    assert found['qaqpa_decision_seconds_bucket{le="0.01",stage="production"}'] == 0.0
    assert found['qaqpa_decision_seconds_bucket{le="0.025",stage="production"}'] == 5.0
    assert found['qaqpa_log_append_seconds_count{row="decision"}'] == 2.0
    assert found['qaqpa_log_failures_total{row="outcome"}'] == 2.0
    # Of what is in force, only those that live.
    assert found['qaqpa_in_force{closed="false",configuration="c",engine="e",policy="new"}'] == 1.0
    assert found['qaqpa_in_force{closed="false",configuration="c",engine="e",policy="old"}'] == 0.0
    assert found["qaqpa_parties_version"] == 7.0
    assert found["qaqpa_parties_expires_timestamp_seconds"] == times.parse("2026-12-01T00:00:00Z").timestamp()
    assert all(name.startswith("qaqpa_") for name in found)
    served_names = {name.partition("{")[0] for name in found}
    described = set(re.findall(r"qaqpa_[a-z_]+", GUIDE.read_text()))
    assert {re.sub("_(bucket|count|sum)$", "", name) for name in served_names} == {
        re.sub("_bucket$", "", name) for name in described
    }


def test_nothing_that_goes_wrong_reaches_who_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise OSError("the disk is full")

    monkeypatch.setattr(metrics, "_meters", [Broken()])
    metrics.decided(busy_outcome("x", "production"), "enforce", 1.0)
    metrics.refused("x")
    metrics.reloaded(done=True)
    metrics.parties(None, Path("/nowhere"))
    with metrics.appending("decision"):
        pass


def test_without_metrics_nothing_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(metrics.DIRECTORY, raising=False)
    monkeypatch.setattr(metrics, "_meters", [])
    metrics.enable()
    assert metrics._meters == []


def test_the_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics.need_client()
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(UsageError, match="metrics"):
        metrics.need_client()


def test_an_address_that_is_taken_keeps_no_server_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(metrics.DIRECTORY, str(tmp_path))
    monkeypatch.setattr(exposing, "_served", [])
    monkeypatch.setattr(exposing.log, "propagate", True)
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        exposing.serve(f"{HOST}:{taken.getsockname()[1]}")
    assert "metrics are not served" in caplog.text
    assert exposing._served == []


def test_directories_of_servers_that_ended_are_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposing.tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    gone, lives, other = (tmp_path / f"qaqpa-metrics-{end}" for end in (f"{ended.pid}-x", f"{os.getppid()}-x", "x-y"))
    for folder in (gone, lives, other):
        folder.mkdir()
    made_now = Path(exposing._new_directory())
    assert made_now.parent == tmp_path
    assert [folder.exists() for folder in (gone, lives, other, made_now)] == [False, True, True, True]
    assert made_now.stat().st_mode & 0o077 == 0


def test_reasons_are_each_violation_and_each_problem_once(engine: EmbeddedEngine) -> None:
    found = metrics.reasons(outcome_of(made(engine, evidence=False), ""))
    assert ("AUD-01", "evidence_missing") in found
    assert len(found) == len(set(found)) > 20
    assert metrics.reasons(outcome_of(made(engine), "")) == []
    twice = Outcome(Verdict.UNDECIDED, "", "production", problems=[{"code": "busy"}] * 2)
    assert metrics.reasons(twice) == [("", "busy")]
