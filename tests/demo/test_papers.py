# SPDX-License-Identifier: Apache-2.0
"""The papers of the made-up bank."""

from __future__ import annotations

import hashlib
import re
from datetime import date

import pytest

from qaqpa.demo import papers
from qaqpa.demo.papers import Papers
from qaqpa.demo.people import APPROVERS, TRAINER
from qaqpa.documents import DocumentError
from qaqpa.evidence.kinds import NO_EVIDENCE, SYSTEM, kinds
from qaqpa.policy.embedded import EmbeddedEngine

DAY = date(2026, 3, 1)
REPORTS = ("bias-report.json", "datasheet.md", "evaluation-report.json", "model-card.md")


def bank(**measured: object) -> Papers:
    files = {**papers.made_up(), **dict.fromkeys(REPORTS, b"a report"), "letters.md": b"letters"}
    numbers = {
        "dataset": {"id": "d", "sha256": "a" * 64},
        "training-id": "d",
        "training-sha256": "a" * 64,
        "holdout-sha256": "b" * 64,
        "metrics": [{"name": "accuracy", "value": 0.5, "threshold": 0.4, "direction": "higher_is_better"}],
        "stress-tests": [{"name": "noise", "result": "passed"}],
        "groups": [{"attribute": "sex", "group": "women", "n": 1, "selected": 1}],
        "fidelity": {"metric": "m", "value": 1.0},
        "performance": [{"metric": "accuracy", "value": 0.5}],
        **measured,
    }
    return Papers("some: 'model'", "0" * 32, DAY, "runs:/r/documents/", files, numbers)


def test_the_bank_can_hand_in_every_kind_but_exceptions_withdrawals_and_what_it_does_not_do() -> None:
    others = {"automated_decision", "content_label"}
    assert set(kinds()) - set(papers.KINDS) == others | (NO_EVIDENCE - {SYSTEM})


def test_the_bank_can_hand_in_all_that_article_baseline_asks_for(engine: EmbeddedEngine) -> None:
    controls = engine.catalog.controls
    needed = {name for control in engine.catalog.asked(["article-baseline"]) for name in controls[control]["evidence"]}
    assert len(needed) == 23
    assert needed <= set(papers.KINDS)


@pytest.mark.parametrize("name", papers.KINDS)
def test_every_kind_has_a_template_that_fits_its_schema(name: str) -> None:
    assert bank().content(name)["kind"] == name


@pytest.mark.parametrize("name", papers.KINDS)
def test_a_template_says_that_it_is_made_up(name: str) -> None:
    text = (papers.TEMPLATES / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# Made up for the demo")
    # What is measured is not, and where data lie is said in codes alone.
    if name not in {"bias", "data_location", "datasheets", "evaluation", "explanation"}:
        assert re.search("made.up", str(bank().content(name)).lower())


def test_days_are_counted_from_the_day_of_the_demo() -> None:
    audit = bank().content("audit")
    assert audit["issued_on"] == "2026-03-01"
    assert audit["valid_until"] == "2026-08-28"


def test_a_document_is_named_by_the_hash_of_its_bytes() -> None:
    samples = bank().content("explanation")["samples"]
    assert samples == {"uri": "runs:/r/documents/letters.md", "sha256": hashlib.sha256(b"letters").hexdigest()}


def test_every_section_that_evidence_names_is_in_the_made_up_papers() -> None:
    text = papers.made_up()[papers.MADE_UP].decode()
    named = {
        part.partition("'")[0]
        for name in papers.KINDS
        for part in str(bank().content(name)).split(f"{papers.MADE_UP}#")[1:]
    }
    assert len(named) > 8
    assert {f"## {section}" for section in named} <= set(text.splitlines())


def test_limits_are_declared_before_the_test() -> None:
    evaluation = bank().content("evaluation")
    assert [metric["declared_on"] for metric in evaluation["metrics"]] == ["2026-01-15"]
    assert evaluation["tested_on"] == "2026-03-01"


def test_the_reasons_for_attributes_left_out_serve_every_profile(engine: EmbeddedEngine) -> None:
    named = {entry["attribute"] for entry in bank().content("bias")["attributes_excluded"]}
    for profile in engine.catalog.profiles.values():
        demand = profile["controls"].get("NDQ-02", {"parameters": {"attributes": []}})
        assert set(demand["parameters"]["attributes"]) <= {*named, "race"}
    assert "race" not in named


def test_those_who_approve_a_release_did_not_train_the_model() -> None:
    approval = bank().content("release_approval")
    assert tuple(entry["approver"] for entry in approval["approvers"]) == APPROVERS
    assert approval["authors"] == [TRAINER]
    assert TRAINER not in APPROVERS


def test_a_name_that_would_be_yaml_stays_a_text() -> None:
    assert bank().content("system")["models"] == [{"name": "some: 'model'"}]


def test_measured_numbers_that_do_not_fit_the_schema_are_refused() -> None:
    with pytest.raises(DocumentError, match="value"):
        bank(fidelity={"metric": "m", "value": 7}).content("explanation")
