# SPDX-License-Identifier: Apache-2.0
"""The JSON report follows its schema, for one model and for several."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest

from qaqpa import __version__
from qaqpa.documents import load_schema, validator
from qaqpa.gate import decide
from qaqpa.model import Problem, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report import json as json_report
from qaqpa.report.judged import Comparison, Judged, Review
from support.engine import FakeEngine
from support.reports import COMMIT, EXAMPLES, LOW, of_directory, review_of, unplaced, waived
from support.statements import everything, request


def rendered(report: Judged | Review, engine: EmbeddedEngine) -> dict[str, Any]:
    written = json_report.render(report, engine.catalog)
    assert written.endswith("}\n")
    found: dict[str, Any] = json.loads(written)
    validator("review" if isinstance(report, Review) else "report").validate(found)
    return found


def test_every_kind_of_decision_fits_the_schema(engine: EmbeddedEngine) -> None:
    undecided = decide(replace(request(everything()), problems=[Problem("busy", "x")]), engine)
    broken = decide(request(everything()), FakeEngine(engine, lambda document: document.clear()))
    assert broken.verdict is Verdict.UNDECIDED
    for judged in (
        unplaced(decide(request(everything()), engine)),
        unplaced(decide(request([]), engine)),
        unplaced(undecided),
        unplaced(broken),
        waived(engine),
        of_directory(engine, EXAMPLES / "credit-scoring" / "failing"),
    ):
        report = rendered(judged, engine)
        assert report["outcome"] == report["decision"]["verdict"] == judged.decision.verdict.value
        assert report["qaqpa"] == __version__
        assert report["comparison"] is None
        assert (report["outcome"] == "allow") <= (not report["results"])


def test_a_review_has_a_report_for_each_model(engine: EmbeddedEngine) -> None:
    failing = of_directory(
        engine,
        EXAMPLES / "credit-scoring" / "failing",
        comparison=Comparison(existed=True, base_verdict="allow", new=(LOW,), ending=("AUD-01",)),
    )
    review = rendered(review_of(failing, waived(engine)), engine)
    assert (review["outcome"], review["fail_on"], review["base"], review["commit"]) == ("deny", "new", "main", COMMIT)
    first = review["reports"][0]
    assert first["comparison"]["new"] == [
        {"control": "NDQ-02", "code": "selection_ratio_low", "field": "groups", "level": "deny"}
    ]
    assert [result["change"] for result in first["results"][:2]] == ["new", "known"]
    assert rendered(review_of(outcome=Verdict.ALLOW), engine)["reports"] == []


def test_advice_allows_what_a_model_would_be_denied(engine: EmbeddedEngine) -> None:
    review = review_of(unplaced(decide(request([]), engine)), outcome=Verdict.ALLOW, fail_on="never")
    report = rendered(review, engine)
    assert report["outcome"] == "allow"
    assert report["reports"][0]["outcome"] == "deny"


@pytest.mark.parametrize("field", ["outcome", "results", "decision", "comparison"])
def test_a_report_without_a_part_or_with_another_does_not_fit(engine: EmbeddedEngine, field: str) -> None:
    report = rendered(unplaced(decide(request([]), engine)), engine)
    for spoiled in ({**report, field: "x"}, {key: report[key] for key in report if key != field}, {**report, "x": 1}):
        assert not validator("report").is_valid(spoiled)
    result = copy.deepcopy(report)
    del result["results"][0]["fingerprint"]
    assert not validator("report").is_valid(result)


def test_both_schemas_describe_every_field_and_share_the_report() -> None:
    report, review = load_schema("report"), load_schema("review")
    jsonschema_rs.meta.validate(report)
    jsonschema_rs.meta.validate(review)
    for name in ("properties", "required", "additionalProperties"):
        assert review["$defs"]["report"][name] == report[name]
    for part in ("result", "place", "change", "comparison"):
        assert review["$defs"][part] == report["$defs"][part]
    for objects in ([report, *report["$defs"].values()], [review]):
        for one in objects:
            assert one["additionalProperties"] is False
            assert sorted(one["required"]) == sorted(one["properties"])
            assert all(own.get("description") or "$ref" in own for own in one["properties"].values())


def test_a_runner_of_workflows_finds_no_command_in_it(engine: EmbeddedEngine) -> None:
    evil = "##[add-mask]x\n::add-mask::y"
    decision = decide(replace(request([]), problems=[Problem("digest_failed", evil)]), engine)
    written = json_report.render(unplaced(decision), engine.catalog)
    assert "##[" not in written
    assert not [line for line in written.splitlines() if line.strip().startswith("::")]
    assert json.loads(written)["decision"]["problems"][0]["detail"] == evil
