# SPDX-License-Identifier: Apache-2.0
"""The kinds of evidence, and how tags carry them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from qaqpa.documents import DocumentError, parse_yaml
from qaqpa.errors import UsageError
from qaqpa.evidence.carriers import TAG_PREFIX, carried_in_tags, tag_key
from qaqpa.evidence.kinds import kind, kinds
from support.contents import contents, context, override, override_review, waiver, withdrawal
from support.statements import NOW, payload

ALL = {
    "system": context(),
    **contents(NOW),
    "override": override(),
    "override_review": override_review("e" * 64),
    "waiver": waiver(),
    "withdrawal": withdrawal("e" * 64),
}


def test_each_kind_says_what_it_binds_and_who_supplies_it() -> None:
    assert all(own.binds and own.binds <= {"model", "system", "stage", "statement"} for own in kinds().values())
    assert [name for name, own in kinds().items() if "stage" in own.binds] == ["override", "release_approval", "waiver"]
    assert kind("withdrawal").binds == kind("override_review").binds == {"statement"}
    assert all(own.schema["properties"]["kind"]["const"] == name for name, own in kinds().items())
    assert all(own.actor and own.title for own in kinds().values())
    assert kind("audit").binds == {"model", "system"}
    assert kind("audit").predicate_type == "urn:qaqpa:evidence:audit:v1"


def test_only_what_is_about_the_system_alone_is_carried_by_the_registered_model() -> None:
    assert kind("legal_basis").carried_by_system
    assert not kind("bias").carried_by_system
    assert not kind("audit").carried_by_system


def test_an_unknown_kind_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UsageError, match="no kind of evidence 'absolution'") as caught:
        kind("absolution")
    assert "audit, automated_decision, bias" in caught.value.required


@pytest.mark.parametrize("name", sorted(ALL))
def test_sound_content_fits_its_schema_and_no_other(name: str) -> None:
    assert [other for other in kinds() if kind(other).fits(ALL[name])] == [name]
    assert not kind(name).fits({**ALL[name], "extra": 1})


def test_a_file_that_does_not_fit_is_refused_with_its_place() -> None:
    with pytest.raises(DocumentError, match=r"f\.yaml:3:9: method"):
        kind("explanation").check(parse_yaml("kind: explanation\n\nmethod: x\ntested_on: 2026-01-01", "f.yaml"))


def test_dates_become_times_wherever_they_stand_and_nothing_else_does() -> None:
    facts = kind("commission").facts({**ALL["commission"], "appointed_by": "2026-01-31"})
    assert facts["decided_on"] == {"text": "2026-10-24", "seconds": 1792800000}
    assert facts["members"][0]["signed_on"] == facts["decided_on"]
    assert facts["appointed_by"] == "2026-01-31"
    assert facts["order"] == ALL["commission"]["order"]
    findings = [{"id": "1", "severity": "low", "status": "open", "due": "2027-01-01"}]
    due = kind("audit").facts({**ALL["audit"], "findings": findings})["findings"][0]["due"]
    assert due["text"] == "2027-01-01"


def test_a_tag_is_found_again_with_its_kind_and_others_are_passed_over() -> None:
    statement = payload(ALL["ethics_assessment"])
    key = tag_key(kind("ethics_assessment"), statement)
    assert key != tag_key(kind("ethics_assessment"), payload(ALL["ethics_assessment"], issued_at=NOW + timedelta(1)))
    assert len(key) <= 250, "the longest key that a registry takes"
    tags = {
        "z": "1",
        key: statement.decode(),
        "mlflow.note": "x",
        TAG_PREFIX.rstrip("."): "x",
        f"{TAG_PREFIX}audit": "",
    }
    found = carried_in_tags(tags)
    assert [(piece.source, piece.kind) for piece in found] == [
        (f"tag {TAG_PREFIX}audit", ""),
        (f"tag {key}", "ethics_assessment"),
    ]
    assert found[1].text == statement.decode()
    assert not any(piece.draft for piece in found), "a tag can never be a draft"
