# SPDX-License-Identifier: Apache-2.0
"""SARIF: what GitHub shows of it, what of waivers and of what was not decided, and its limits.

`tests/conformance/test_sarif.py` asks the schema of OASIS and GitHub's rules.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qaqpa.errors import UsageError
from qaqpa.gate import decide
from qaqpa.model import Problem, Subject, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report import sarif
from qaqpa.report.judged import Judged, Review
from qaqpa.report.places import Places
from support.reports import EXAMPLES, of_directory, review_of, unplaced, waived
from support.statements import DIGEST, everything, request

ROOT = EXAMPLES.parent
FAILING = "examples/credit-scoring/failing"


def runs(report: Judged | Review, engine: EmbeddedEngine) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(sarif.render(report, engine.catalog))["runs"]
    return found


@pytest.fixture
def failing(engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch) -> Judged:
    monkeypatch.chdir(ROOT)
    return of_directory(engine, FAILING)


def test_a_result_stands_on_its_line_with_its_rule(engine: EmbeddedEngine, failing: Judged) -> None:
    (run,) = runs(failing, engine)
    first = run["results"][0]
    assert (first["ruleId"], first["level"]) == ("NDQ-02", "error")
    rule = run["tool"]["driver"]["rules"][first["ruleIndex"]]
    assert (rule["id"], rule["name"]) == ("NDQ-02", "BiasTestAcrossProtectedGroups")
    assert rule["fullDescription"]["text"].startswith("The exact model is tested")
    assert "helpUri" not in rule
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == f"{FAILING}/evidence/bias.yaml"
    assert place["region"] == {"startLine": 7, "startColumn": 3}
    assert run["invocations"][0]["executionSuccessful"] is True
    assert run["properties"]["verdict"] == "deny"
    assert not any("suppressions" in result for result in run["results"])
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(ids[result["ruleIndex"]] == result["ruleId"] for result in run["results"])


def test_two_results_on_one_line_are_two_for_github(engine: EmbeddedEngine, failing: Judged) -> None:
    results = runs(failing, engine)[0]["results"]
    assert results[0]["locations"] == results[1]["locations"]
    hashes = [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]
    assert len(set(hashes)) == len(results)


def test_what_is_waived_is_suppressed_with_its_reason(engine: EmbeddedEngine) -> None:
    results = runs(waived(engine), engine)[0]["results"]
    (excused,) = [result for result in results if result["suppressions"]]
    assert (excused["ruleId"], excused["level"]) == ("AUD-01", "note")
    (suppression,) = excused["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    for said in ("3 December 2026", "No auditor is free.", "RISK-1", "risk"):
        assert said in suppression["justification"]


def test_what_was_not_decided_is_no_success(engine: EmbeddedEngine) -> None:
    asked = replace(request(everything()), problems=[Problem("bytes_missing", "No model/.")])
    (run,) = runs(unplaced(decide(asked, engine)), engine)
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (notice,) = invocation["toolExecutionNotifications"]
    assert notice["level"] == "error"
    assert "No model/." in notice["message"]["text"]
    assert run["results"][0]["ruleId"] == "gate/bytes_missing"


def test_a_model_without_files_stands_at_the_configuration(engine: EmbeddedEngine, here: Path) -> None:
    assert here.is_dir()
    asked = request([])
    judged = Judged(decide(asked, engine), "models:/credit/7", Places(asked, None, "my config/gate ä.yaml"))
    location = runs(judged, engine)[0]["results"][0]["locations"][0]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "my%20config/gate%20%C3%A4.yaml"
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "models:/credit/7"


def test_runs_of_a_review_have_names_of_their_own(engine: EmbeddedEngine, failing: Judged) -> None:
    mended = of_directory(engine, "examples/credit-scoring/mended")
    names = [run["automationDetails"]["id"] for run in runs(review_of(failing, mended, waived(engine)), engine)]
    assert names == [
        "qaqpa/mortgage-approval/review/examples%2Fcredit-scoring%2Ffailing/",
        "qaqpa/mortgage-approval/review/examples%2Fcredit-scoring%2Fmended/",
        "qaqpa/credit/production/",
    ]
    assert runs(failing, engine)[0]["automationDetails"]["id"] == "qaqpa/mortgage-approval/review/"


def test_more_models_than_github_takes_are_refused(engine: EmbeddedEngine) -> None:
    one = unplaced(decide(request([]), engine))
    assert len(runs(review_of(*[one] * 20), engine)) == 20
    with pytest.raises(UsageError, match="21 models") as error:
        sarif.render(review_of(*[one] * 21), engine.catalog)
    assert "Check parts of the tree" in error.value.mend


def test_more_results_than_github_takes_leave_out_the_least_and_say_so(
    engine: EmbeddedEngine, failing: Judged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sarif, "MAX_RESULTS", 3)
    (run,) = runs(failing, engine)
    assert [result["level"] for result in run["results"]] == ["error", "error", "warning"]
    (notice,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notice["message"]["text"].startswith("3 that weigh least are left out")


def test_a_file_that_github_would_refuse_for_its_size_is_made_smaller(
    engine: EmbeddedEngine, failing: Judged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sarif, "MAX_BYTES", 10)
    monkeypatch.setattr(sarif, "_SMALLEST", 1)
    (run,) = runs(failing, engine)
    assert [result["level"] for result in run["results"]] == ["error"]
    assert run["invocations"][0]["toolExecutionNotifications"]


def test_nothing_but_sarif_hides_in_texts(engine: EmbeddedEngine) -> None:
    evil = "[click](https://example.org) {0} " + "x" * 5000
    asked = replace(request([], subject=Subject(evil[:200], "7", DIGEST)), problems=[Problem("digest_failed", evil)])
    judged = unplaced(decide(asked, engine))
    assert judged.decision.verdict is not Verdict.ALLOW
    (run,) = runs(judged, engine)
    text = run["results"][0]["message"]["text"]
    assert "](" not in text
    assert "{{0}}" in text
    assert len(text) < 1100
    assert run["automationDetails"]["id"].count("/") == 3
