# SPDX-License-Identifier: Apache-2.0
"""The services of the Compose file together: what a server needs works, and what it must not have it has not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from qaqpa.config import LogSource
from support.composed import PASSWORDS
from support.logs import checked, kinds
from support.registry import Version, refusal

pytestmark = [pytest.mark.server, pytest.mark.opa]


def test_a_model_is_refused_then_promoted_read_and_taken_out(server: Any) -> None:
    bare = server.registered(evidence=False)
    client = server.registry.client
    details = refusal(lambda: client.set_registered_model_alias(bare.name, "production", bare.number))["qaqpa"]
    assert (details["verdict"], details["user"]) == ("deny", "deployer")
    version = server.registered(evidence=True)
    client.set_registered_model_alias(version.name, "production", version.number)
    client.transition_model_version_stage(version.name, version.number, "Production")
    assert client.get_model_version_by_alias(version.name, "production").current_stage == "Production"
    files = client.download_artifacts(version.run_id, "model", str(server.machine.directory))
    assert sorted(file.name for file in Path(files).iterdir()) == ["MLmodel", "data"]
    # What is in production is frozen.
    login = ("trainer", "password of trainer")
    path = version.source.removeprefix("mlflow-artifacts:/")
    url = f"{server.stack.mlflow.url}/api/2.0/mlflow-artifacts/artifacts/{path}/data/weights"
    assert requests.put(url, data=b"other", auth=login, timeout=60).status_code == 403
    client.transition_model_version_stage(version.name, version.number, "Archived")
    client.delete_registered_model_alias(version.name, "production")
    assert client.get_registered_model(version.name).aliases == {}


def test_decisions_are_kept_in_a_database_of_their_own(server: Any, live: Version) -> None:
    del live
    log = LogSource(server.machine.uri("qaqpa_log", "qaqpa_log"), server.machine.directory / "gate.key")
    assert checked(log).problems == []
    assert {"start", "decision", "outcome"} <= set(kinds(log))


def test_the_doctor_finds_all_of_it_well(server: Any) -> None:
    machine = server.machine
    done = subprocess.run(
        [sys.executable, "-m", "qaqpa.cli.main", "doctor"],
        env=machine.environment("mlflow"),
        cwd=machine.directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "parties: in force" in done.stdout
    assert "engine opa" in done.stdout
    secrets = [value for name, value in machine.variables.items() if "PASSWORD" in name or "SECRET" in name]
    assert not [secret for secret in secrets if secret in done.stdout]


def test_the_server_starts_no_jobs_that_would_inherit_the_registry_s_address(server: Any) -> None:
    children = _processes_below(server.stack.mlflow.process.pid)
    assert len(children) > 2
    assert not [command for command in children if "huey" in command or "job_runner" in command]


def test_no_process_of_the_server_knows_the_password_of_the_owner(server: Any) -> None:
    process = server.stack.mlflow.process.pid
    environment = Path(f"/proc/{process}/environ").read_text("utf-8")
    secrets = {role: server.machine.variables[name] for role, name in PASSWORDS.items()}
    assert secrets["mlflow_tracking"] in environment
    assert not [role for role in ("postgres", "mlflow_owner") if secrets[role] in environment]


def _processes_below(parent: int) -> list[str]:
    """The command lines of a process and of all that it started."""
    parents, commands = {}, {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                parents[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
                commands[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
            except (OSError, ValueError):
                continue
    below = {parent}
    while more := {one for one, above in parents.items() if above in below} - below:
        below |= more
    return [commands[one] for one in sorted(below) if one in commands]
