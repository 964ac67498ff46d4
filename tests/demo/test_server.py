# SPDX-License-Identifier: Apache-2.0
"""The server process of the demo."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qaqpa.demo import server
from qaqpa.demo.server import Server, ServerError, client_environment

CONFIGURATION = "version: 1\n"


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o700)
    return str(path)


def running_in_group(group: int) -> list[str]:
    """Processes of a group, without those that ended and were not waited for."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, own_group = path.read_text(encoding="utf-8").rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(own_group) == group and state != "Z":
            found.append(path.parent.name)
    return found


def test_a_server_that_ends_at_once_is_told_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.sys, "executable", script(tmp_path / "python", "echo the disk is full; exit 3"))
    started = Server(tmp_path, CONFIGURATION)
    with pytest.raises(ServerError, match="the disk is full"):
        started.wait()
    started.stop()


def test_a_server_that_never_answers_is_given_up_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        server.sys, "executable", script(tmp_path / "python", "trap '' TERM; sleep 60 & wait; sleep 60")
    )
    monkeypatch.setattr(server, "_READY_SECONDS", 0.5)
    monkeypatch.setattr(server, "_STOP_SECONDS", 0.5)
    started = Server(tmp_path, CONFIGURATION)
    with pytest.raises(ServerError, match="did not answer"):
        started.wait()
    started.stop()
    assert not running_in_group(started.process.pid)


def test_the_server_is_on_loopback_with_the_gate_and_no_setting_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
    monkeypatch.setenv("QAQPA_ENGINE", "opa")
    monkeypatch.setattr(server.sys, "executable", script(tmp_path / "python", 'echo "$@"; env'))
    started = Server(tmp_path, CONFIGURATION)
    started.process.wait(10)
    log = (tmp_path / "server.log").read_text(encoding="utf-8")
    assert "--host 127.0.0.1" in log
    assert f"--registry-store-uri qaqpa+sqlite:///{tmp_path}" in log
    assert "elsewhere" not in log
    assert "QAQPA_ENGINE" not in log
    assert f"QAQPA_CONFIG={tmp_path}/qaqpa.yaml" in log
    assert started.configuration.read_text(encoding="utf-8") == CONFIGURATION
    started.stop()


def test_the_client_reaches_no_other_server_and_leaves_the_environment_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
    before = dict(os.environ)
    with client_environment():
        assert "MLFLOW_TRACKING_URI" not in os.environ
        assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert dict(os.environ) == before
