# SPDX-License-Identifier: Apache-2.0
"""The papers of the made-up bank."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest

from qaqpa.demo import papers
from qaqpa.demo.papers import Papers
from qaqpa.documents import DocumentError
from qaqpa.evidence.kinds import kinds

DAY = date(2026, 3, 1)


def bank(**measured: object) -> Papers:
    files = {**papers.made_up(), "bias-report.json": b"{}", "letters.md": b"letters", "model-card.md": b"card"}
    numbers = {
        "groups": [{"attribute": "sex", "group": "women", "n": 1, "selected": 1}],
        "fidelity": {"metric": "m", "value": 1.0},
        "performance": [{"metric": "accuracy", "value": 0.5}],
        **measured,
    }
    return Papers("some: 'model'", "0" * 32, DAY, "runs:/r/documents/", files, numbers)


def test_the_bank_hands_in_every_kind_but_exceptions_and_withdrawals() -> None:
    assert set(kinds()) - set(papers.KINDS) == {"waiver", "withdrawal"}


@pytest.mark.parametrize("name", papers.KINDS)
def test_every_kind_has_a_template_that_fits_its_schema(name: str) -> None:
    assert bank().content(name)["kind"] == name


@pytest.mark.parametrize("name", sorted(set(papers.KINDS) - {"bias", "explanation"}))
def test_a_template_says_that_it_is_made_up(name: str) -> None:
    text = (papers.TEMPLATES / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# Made up for the demo")
    assert "made-up" in str(bank().content(name)).lower()


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


def test_a_name_that_would_be_yaml_stays_a_text() -> None:
    assert bank().content("system")["models"] == [{"name": "some: 'model'"}]


def test_measured_numbers_that_do_not_fit_the_schema_are_refused() -> None:
    with pytest.raises(DocumentError, match="value"):
        bank(fidelity={"metric": "m", "value": 7}).content("explanation")
