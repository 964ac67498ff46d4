# SPDX-License-Identifier: Apache-2.0
"""SARIF that others accept: the schema of OASIS, and the rules of GitHub, as Microsoft's tool has both.

The tool ends with 0 whatever it finds, so its log is read, and a file that is wrong has to be found.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from qaqpa.gate import decide
from qaqpa.model import Problem
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report import sarif
from qaqpa.report.judged import Comparison, Judged, Review
from support.reports import ALL_PROFILES, EXAMPLES, LOW, of_directory, review_of, unplaced, waived
from support.statements import everything, request

HERE = Path(__file__).parent / "sarif"
TOOL = "node_modules/@microsoft/sarif-multitool-linux"

Validate = Callable[[dict[str, str]], dict[str, list[str]]]
"""Takes files by name; gives the ids of the rules that each breaks as an error."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tool in the version that the lock file pins."""
    if not shutil.which("npm") or sys.platform != "linux":
        assert "CI" not in os.environ, "continuous integration has Node"
        pytest.skip("there is no Node, or no tool for this system")
    root = tmp_path_factory.mktemp("sarif")
    shutil.copytree(HERE, root, dirs_exist_ok=True)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    subprocess.run(install, cwd=root, check=True, capture_output=True, timeout=240)
    (root / TOOL / "Sarif.Multitool").chmod(0o755)
    return root / TOOL


@pytest.fixture(scope="module")
def schema(installed: Path) -> Any:
    """The schema of OASIS, as the package has it."""
    return jsonschema_rs.validator_for(json.loads((installed / "sarif-2.1.0.json").read_bytes()), validate_formats=True)


@pytest.fixture
def validate(installed: Path, tmp_path: Path) -> Validate:
    def call(files: dict[str, str]) -> dict[str, list[str]]:
        found = {}
        for name, text in files.items():
            (tmp_path / f"{name}.sarif").write_text(text, encoding="utf-8")
            log = tmp_path / f"{name}.log"
            rules = ["--rule-kind", "Sarif;Ghas", "--level", "Error;Warning", "--kind", "Fail"]
            command = [str(installed / "Sarif.Multitool"), "validate", f"{name}.sarif", "--output", str(log), *rules]
            done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60)
            assert "Analysis completed successfully." in done.stdout, done.stdout + done.stderr
            results = json.loads(log.read_text("utf-8-sig"))["runs"][0]["results"]
            found[name] = sorted(result["ruleId"] for result in results if result.get("level", "warning") == "error")
        return found

    return call


@pytest.fixture
def reports(engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch) -> dict[str, Judged | Review]:
    monkeypatch.chdir(EXAMPLES.parent)
    compared = Comparison(existed=True, base_verdict="allow", new=(LOW,))
    first, second = (
        of_directory(engine, f"examples/{name}/failing", profiles=ALL_PROFILES, comparison=compared)
        for name in ("credit-scoring", "medical-diagnosis")
    )
    undecided = replace(request(everything()), problems=[Problem("bytes_missing", "No model/.")])
    return {
        "failing": first,
        "waived": waived(engine),
        "undecided": unplaced(decide(undecided, engine)),
        "allowed": unplaced(decide(request(everything()), engine)),
        "lacking": unplaced(decide(request([]), engine)),
        "review": review_of(first, second),
    }


@pytest.mark.parametrize("language", ["en", "kk"])
def test_every_report_fits_the_schema_of_oasis(
    engine: EmbeddedEngine, schema: Any, reports: dict[str, Judged | Review], language: str
) -> None:
    for name, report in reports.items():
        document = json.loads(sarif.render(report, engine.catalog, language))
        assert [error.message for error in schema.iter_errors(document)] == [], name
    document["runs"][0]["results"][0]["level"] = "fatal"
    del document["runs"][1]["tool"]["driver"]["name"]
    assert len(list(schema.iter_errors(document))) == 2


def test_every_report_is_one_that_github_takes(
    engine: EmbeddedEngine, validate: Validate, reports: dict[str, Judged | Review]
) -> None:
    files = {name: sarif.render(report, engine.catalog) for name, report in reports.items()}
    wrong = json.loads(files["failing"])
    for rule in wrong["runs"][0]["tool"]["driver"]["rules"]:
        del rule["fullDescription"], rule["help"]
    found = validate({**files, "wrong": json.dumps(wrong)})
    assert found.pop("wrong"), "a file that GitHub would not take is found"
    assert found == {name: [] for name in files}
