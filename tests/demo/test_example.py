# SPDX-License-Identifier: Apache-2.0
"""The examples of credit scoring: they are what is measured, and the gate says what `expected.json` says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from qaqpa.demo import example
from qaqpa.documents import read
from qaqpa.evidence.directory import read_directory
from qaqpa.gate import decide, request_about
from qaqpa.model import Decision, Settings, Stage
from qaqpa.policy.embedded import EmbeddedEngine

EXAMPLES = Path(__file__).parents[2] / "examples" / "credit-scoring"

LAWS = ["kz", "gdpr", "eu-ai-act-high-risk"]

variants = pytest.mark.parametrize("variant", sorted(example.VARIANTS))


@variants
def test_what_is_checked_in_is_what_is_measured(variant: str) -> None:
    base = EXAMPLES / variant
    there = {
        str(path.relative_to(base)): path.read_text(encoding="utf-8")
        for path in base.rglob("*")
        if path.is_file() and path.name != "expected.json"
    }
    assert there == example.files(variant), f"python -m qaqpa.demo.example {EXAMPLES.name}"


@variants
def test_the_gate_says_what_is_expected(variant: str, engine: EmbeddedEngine) -> None:
    expected = json.loads((EXAMPLES / variant / "expected.json").read_bytes())
    assert [case["profiles"] for case in expected["cases"]] == [["article-baseline"], LAWS]
    for case in expected["cases"]:
        decision = decided(EXAMPLES / variant, engine, expected["as_of"], case["profiles"])
        assert decision.verdict.value == case["verdict"]
        assert {finding["control"]: finding["status"] for finding in decision.findings} == case["controls"]


def test_only_what_was_measured_stands_in_the_way(engine: EmbeddedEngine) -> None:
    decision = decided(EXAMPLES / "failing", engine, "2026-11-23")
    failed = [finding for finding in decision.findings if finding["status"] == "fail"]
    assert [finding["control"] for finding in failed] == ["NDQ-02"]
    low = [found for found in failed[0]["violations"] if found["code"] == "selection_ratio_low"]
    assert [(found["found"]["attribute"], found["found"]["group"]) for found in low] == [("race", "Black")]


def test_what_warns_was_not_measured_or_is_not_known(engine: EmbeddedEngine) -> None:
    decision = decided(EXAMPLES / "mended", engine, "2026-11-23", [*LAWS, "article-baseline", "unesco"])
    warnings = {
        finding["control"]: {violation["code"] for violation in finding["violations"]}
        for finding in decision.findings
        if finding["status"] == "warn"
    }
    assert warnings == {
        "NDQ-01": {"data_old", "label_quality_unmeasured"},
        "NDQ-02": {"error_rate_small"},
        "TRN-02": {"comprehension_missing"},
    }


def test_the_same_papers_are_enough_when_the_last_duty_of_the_laws_has_begun(
    engine: EmbeddedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example, "DAY", date(2028, 8, 2))
    for path, text in example.files("mended").items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    decision = decided(tmp_path, engine, "2028-08-02", LAWS)
    assert decision.verdict.value == "allow"
    assert not [finding for finding in decision.findings if finding["denies_from"]]


@variants
@pytest.mark.parametrize(
    ("day", "codes"),
    [
        ("2026-12-24", {"signed_out_of_date"}),
        ("2027-05-23", {"signed_out_of_date", "validity_ended", "test_out_of_date"}),
        ("2029-01-01", {"signed_out_of_date", "validity_ended", "test_out_of_date", "review_out_of_date"}),
    ],
)
def test_later_both_are_denied_because_evidence_grew_old(
    variant: str, day: str, codes: set[str], engine: EmbeddedEngine
) -> None:
    decision = decided(EXAMPLES / variant, engine, day)
    assert decision.verdict.value == "deny"
    assert codes <= {violation["code"] for finding in decision.findings for violation in finding["violations"]}


def test_until_then_the_mended_one_is_allowed(engine: EmbeddedEngine) -> None:
    assert decided(EXAMPLES / "mended", engine, "2026-12-23").verdict.value == "allow"


@variants
def test_every_document_has_the_hash_that_evidence_names(variant: str) -> None:
    base = EXAMPLES / variant
    named = [found for path in base.glob("evidence/*.yaml") for found in documents(read(path).value)]
    assert len(named) > 50
    for document in named:
        data = (base / document["uri"].partition("#")[0]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == document["sha256"]


def decided(place: Path, engine: EmbeddedEngine, day: str, profiles: Sequence[str] = ("article-baseline",)) -> Decision:
    directory = read_directory(place)
    request = request_about(
        directory.subject,
        directory.carried,
        stage=Stage.REVIEW,
        profiles=profiles,
        settings=Settings(),
        now=times.parse(day),
    )
    return decide(request, engine)


def documents(value: Any) -> list[dict[str, str]]:
    if isinstance(value, dict):
        inside = [found for child in value.values() for found in documents(child)]
        return [value, *inside] if set(value) == {"uri", "sha256"} else inside
    return [found for child in value for found in documents(child)] if isinstance(value, list) else []
