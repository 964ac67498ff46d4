# SPDX-License-Identifier: Apache-2.0
"""The examples of credit scoring: they are what is measured, and the gate says what `expected.json` says."""

from __future__ import annotations

import hashlib
import json
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
    decision = decided(variant, engine, expected["as_of"], tuple(expected["profiles"]))
    assert decision.verdict.value == expected["verdict"]
    assert {finding["control"]: finding["status"] for finding in decision.findings} == expected["controls"]


def test_only_what_was_measured_stands_in_the_way(engine: EmbeddedEngine) -> None:
    decision = decided("failing", engine, "2026-11-23")
    failed = [finding for finding in decision.findings if finding["status"] == "fail"]
    assert [finding["control"] for finding in failed] == ["NDQ-02"]
    assert "selection_ratio_low" in {violation["code"] for violation in failed[0]["violations"]}


@variants
@pytest.mark.parametrize("day", ["2027-05-23", "2029-01-01"])
def test_later_both_are_denied_because_evidence_grew_old(variant: str, day: str, engine: EmbeddedEngine) -> None:
    decision = decided(variant, engine, day)
    assert decision.verdict.value == "deny"
    codes = {violation["code"] for finding in decision.findings for violation in finding["violations"]}
    assert {"validity_ended", "test_out_of_date"} <= codes


@variants
def test_every_document_has_the_hash_that_evidence_names(variant: str) -> None:
    base = EXAMPLES / variant
    named = [found for path in base.glob("evidence/*.yaml") for found in documents(read(path).value)]
    assert len(named) > 10
    for document in named:
        data = (base / document["uri"].partition("#")[0]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == document["sha256"]


def decided(
    variant: str, engine: EmbeddedEngine, day: str, profiles: tuple[str, ...] = ("article-baseline",)
) -> Decision:
    directory = read_directory(EXAMPLES / variant)
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
