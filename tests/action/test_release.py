# SPDX-License-Identifier: Apache-2.0
"""The steps of the release workflow, run one after the other: decide and sign, take the key away, verify, deploy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from support.contents import contents
from support.directories import sign, signed_system, write_trust, write_yaml
from support.gate_action import GATE, ROOT, node, read_yaml
from support.keyring import private_key_file, public_line

WORKFLOW = read_yaml(ROOT / ".github" / "workflows" / "release.yml")
INPUTS = {
    "target": "system",
    "config": "trust/qaqpa.yaml",
    "require": "verify.yaml",
    "deploy": "bin/deploy",
    "stage": "production",
    "registry-uri": "http://127.0.0.1:9",
}

pytestmark = pytest.mark.usefixtures("gate")


class Release:
    """A repository with a system that may go to production, and a runner's directory."""

    def __init__(self, base: Path) -> None:
        self.base, self.temp = base, base / "temp"
        self.temp.mkdir()
        signed_system(base / "system")
        write_trust(base / "trust")
        private_key_file(base, "gate", 1)
        gate_key = public_line("gate", 1)
        requirements = f'version: 1\ngate_keys: ["{gate_key}"]\nmodel: credit\nprofiles: [article-baseline]\n'
        (base / "verify.yaml").write_text(requirements, "utf-8")
        self.qaqpa = self._program("qaqpa", f'exec "{sys.executable}" -m qaqpa.cli.main "$@"')
        self._program("bin/deploy", 'ls "$1" > deployed && echo "$MODEL_DIGEST" >> deployed')
        self.values: dict[str, str] = {
            **{f"inputs.{name}": value for name, value in INPUTS.items()},
            "runner.temp": str(self.temp),
            "secrets.GATE_KEY": (base / "gate-1").read_text("utf-8"),
            "secrets.REGISTRY_TOKEN": "",
            "secrets.DEPLOY_TOKEN": "",
            "steps.qaqpa.outputs.command": str(self.qaqpa),
        }

    def step(self, job: str, name: str) -> subprocess.CompletedProcess[str]:
        """Runs one step as the workflow has it."""
        step = next(each for each in WORKFLOW["jobs"][job]["steps"] if each["name"] == name)
        env = {**os.environ, "RUNNER_TEMP": str(self.temp), "PYTHONPATH": str(ROOT / "plugin")}
        env |= self._filled(step.get("env", {}))
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]] if "run" in step else []
        if not command:
            command, env = [str(node()), str(GATE / "dist" / "index.js")], env | self._runner(step["with"])
        return subprocess.run(command, cwd=self.base, env=env, capture_output=True, text=True, check=False, timeout=120)

    def outputs(self) -> dict[str, str]:
        """What the action has set."""
        text = (self.base / "output").read_text("utf-8")
        return dict(re.findall(r"(?ms)^(\S+?)<<(?:ghadelimiter_\S+)\n(.*?)\nghadelimiter_\S+$", text))

    def _runner(self, given: Mapping[str, Any]) -> dict[str, str]:
        defaults = {name: said.get("default", "") for name, said in read_yaml(GATE / "action.yml")["inputs"].items()}
        inputs = {**defaults, "github-token": "", **self._filled(given), "command": str(self.qaqpa)}
        for name in ("output", "summary"):
            (self.base / name).write_text("")
        return {
            **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
            "GITHUB_WORKSPACE": str(self.base),
            "GITHUB_OUTPUT": str(self.base / "output"),
            "GITHUB_STEP_SUMMARY": str(self.base / "summary"),
        }

    def _filled(self, given: Mapping[str, Any]) -> dict[str, str]:
        def value(match: re.Match[str]) -> str:
            return self.values[match[1]]

        return {name: re.sub(r"\$\{\{ (\S+) \}\}", value, str(text)) for name, text in given.items()}

    def _program(self, name: str, body: str) -> Path:
        path = self.base / name
        path.parent.mkdir(exist_ok=True)
        # The action keeps Python's own variables from the command.
        path.write_text(f"#!/bin/sh\nexport PYTHONPATH='{ROOT / 'plugin'}'\n{body}\n", "utf-8")
        path.chmod(0o755)
        return path


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release whose first job has passed."""
    release = Release(tmp_path_factory.mktemp("release"))
    assert release.step("gate", "Put the gate's key into a file").returncode == 0
    key = release.temp / "gate" / "key"
    assert key.stat().st_mode & 0o077 == 0
    done = release.step("gate", "Decide, and sign the verdict")
    assert done.returncode == 0, done.stdout + done.stderr
    assert release.step("gate", "Take the key away").returncode == 0
    assert not key.exists()
    release.values["needs.gate.outputs.model-digest"] = release.outputs()["model-digest"]
    # In a registry a version is its files; in a directory they are beside the evidence.
    release.values["inputs.target"] = "system/model"
    return release


VERIFY = "Verify the bytes that will be served"


def test_what_was_decided_is_verified_and_deployed(decided: Release) -> None:
    assert decided.outputs()["verdict"] == "allow"
    assert decided.outputs()["verdict-file"] == str(decided.temp / "verdict" / "verdict.dsse.json")
    done = decided.step("deploy", VERIFY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert decided.step("deploy", "Deploy these bytes").returncode == 0
    deployed = (decided.base / "deployed").read_text("utf-8").splitlines()
    assert deployed == [*sorted(path.name for path in (decided.base / "system" / "model").iterdir()), deployed[-1]]
    assert re.fullmatch("[0-9a-f]{64}", deployed[-1])


@pytest.mark.parametrize("altered", ["bytes", "stage", "key"])
def test_what_is_not_what_was_decided_is_not_deployed(
    decided: Release, altered: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(decided, "temp", tmp_path / "temp")
    (tmp_path / "temp").mkdir()
    verdict = decided.base / "temp" / "verdict"
    (tmp_path / "temp" / "verdict").symlink_to(verdict)
    model = next(path for path in sorted((decided.base / "system" / "model").iterdir()) if path.is_file())
    kept, required = model.read_bytes(), (decided.base / "verify.yaml").read_text("utf-8")
    if altered == "stage":
        (decided.base / "verify.yaml").write_text(f"{required}stage: staging\n", "utf-8")
    if altered == "bytes":
        model.write_bytes(kept + b"\n")
    if altered == "key":
        other = required.replace(public_line("gate", 1), public_line("auditor", 1))
        (decided.base / "verify.yaml").write_text(other, "utf-8")
    try:
        done = decided.step("deploy", VERIFY)
    finally:
        model.write_bytes(kept)
        (decided.base / "verify.yaml").write_text(required, "utf-8")
    assert done.returncode == 3, done.stdout + done.stderr
    assert not (tmp_path / "temp" / "model").exists()


def test_a_staging_verdict_is_not_deployed_to_production_whatever_the_caller_asks(tmp_path: Path) -> None:
    release = Release(tmp_path)
    release.values["inputs.stage"] = "staging"
    approval = tmp_path / "system" / "evidence" / "release_approval"
    approval.with_suffix(".json").unlink()
    draft = approval.with_suffix(".yaml")
    write_yaml(draft, contents(times.now())["release_approval"])
    assert sign(tmp_path / "system", "release_approval", draft, "--stage", "staging") == 0
    draft.unlink()
    assert release.step("gate", "Put the gate's key into a file").returncode == 0
    done = release.step("gate", "Decide, and sign the verdict")
    assert done.returncode == 0, done.stdout + done.stderr
    release.values["inputs.target"] = "system/model"
    done = release.step("deploy", VERIFY)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "it is for staging" in done.stdout
    with (tmp_path / "verify.yaml").open("a", encoding="utf-8") as file:
        file.write("stage: staging\n")
    assert release.step("deploy", VERIFY).returncode == 0
