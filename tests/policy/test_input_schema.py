# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
from typing import Any

import pytest

from qaqpa.errors import UndecidedError
from qaqpa.policy.check import check_input
from qaqpa.policy.input_schema import LAST_SECOND, input_schema, render
from qaqpa.policy.samples import samples
from qaqpa.resources import SCHEMAS


@pytest.fixture
def document() -> Any:
    everything = list(samples(["article-baseline"]))[1]
    return copy.deepcopy(everything)


def test_schema_of_the_checkout_is_up_to_date() -> None:
    assert (SCHEMAS / "input.json").read_text("utf-8") == render(), "run `python -m qaqpa.policy.compile`"


def test_schema_stands_alone() -> None:
    references: list[str] = []

    def collect(node: Any) -> None:
        if isinstance(node, dict):
            references.extend(value for name, value in node.items() if name == "$ref")
            for child in node.values():
                collect(child)
        elif isinstance(node, list):
            for child in node:
                collect(child)

    collect(input_schema())
    assert references
    assert {reference.rpartition("/")[0] for reference in references} == {"#/$defs"}
    assert {reference.rpartition("/")[2] for reference in references} <= set(input_schema()["$defs"])


def test_complete_document_fits(document: Any) -> None:
    check_input(document)


@pytest.mark.parametrize("seconds", [-1, LAST_SECOND + 1, 1.5, "1", None])
def test_moment_outside_the_calendar_is_refused(document: Any, seconds: Any) -> None:
    document["now"]["seconds"] = seconds
    with pytest.raises(UndecidedError, match="now/seconds"):
        check_input(document)


def test_date_as_text_is_refused(document: Any) -> None:
    document["evidence"]["bias"][0]["predicate"]["tested_on"] = "2026-11-23"
    with pytest.raises(UndecidedError, match="evidence/bias/0/predicate/tested_on"):
        check_input(document)


@pytest.mark.parametrize("place", [(), ("subject",), ("settings",), ("context",), ("evidence",)])
def test_unknown_field_is_refused(document: Any, place: tuple[str, ...]) -> None:
    target = document
    for step in place:
        target = target[step]
    target["surprise"] = 1
    with pytest.raises(UndecidedError, match="surprise"):
        check_input(document)


NEEDED = ["now", "stage", "profiles", "settings", "actor", "subject", "context", "evidence", "problems"]


@pytest.mark.parametrize("name", NEEDED)
def test_missing_part_is_refused(document: Any, name: str) -> None:
    del document[name]
    with pytest.raises(UndecidedError, match=name):
        check_input(document)


@pytest.mark.parametrize("actor", ["", 5, False, ["risk"], {"id": "risk"}])
def test_actor_is_a_party_or_nobody(document: Any, actor: Any) -> None:
    for known in ("risk", None):
        check_input({**document, "actor": known})
    with pytest.raises(UndecidedError, match="actor"):
        check_input({**document, "actor": actor})


@pytest.mark.parametrize("setting", ["on", "", None, False])
def test_separation_of_duties_is_one_of_three(document: Any, setting: Any) -> None:
    document["settings"]["separation_of_duties"] = setting
    with pytest.raises(UndecidedError, match="settings/separation_of_duties"):
        check_input(document)


WRONG_SIGNER = {
    "id": ["", None, 1],
    "unit": [None, 1],
    "roles": [None, "auditor", [1], [""]],
    "disciplines": [None, "law", [None]],
    "independent": [None, "true", 1, 0],
    "surprise": [1],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in WRONG_SIGNER.items() for value in values]
)
def test_signer_of_the_wrong_type_is_refused(document: Any, field: str, value: Any) -> None:
    document["evidence"]["audit"][0]["signers"][0][field] = value
    with pytest.raises(UndecidedError, match="evidence/audit/0/signers/0"):
        check_input(document)


@pytest.mark.parametrize("field", ["envelope", "signers", "strength", "predicate", "id", "expires_at"])
def test_fact_without_a_part_is_refused(document: Any, field: str) -> None:
    del document["evidence"]["audit"][0][field]
    with pytest.raises(UndecidedError, match="evidence/audit/0"):
        check_input(document)


INSIDER, OUTSIDER = (
    {"id": "a", "unit": "u", "roles": [], "disciplines": [], "independent": own} for own in (False, True)
)


@pytest.mark.parametrize(
    ("strength", "signers", "fits"),
    [
        ("declared", [], True),
        ("declared", [OUTSIDER], False),
        ("signed", [INSIDER], True),
        ("signed", [], False),
        ("independent", [INSIDER, OUTSIDER], True),
        ("independent", [INSIDER], False),
        ("independent", [], False),
    ],
)
def test_fact_is_as_strong_as_its_signers_make_it(document: Any, strength: str, signers: Any, *, fits: bool) -> None:
    document["evidence"]["audit"][0].update(strength=strength, signers=signers)
    if fits:
        check_input(document)
    else:
        with pytest.raises(UndecidedError, match="evidence/audit/0/signers"):
            check_input(document)


def test_waiver_has_a_stage_and_an_end(document: Any) -> None:
    waiver = document["evidence"]["waiver"][0]
    check_input(document)
    for changed in (
        {**waiver, "expires_at": None},
        {**waiver, "predicate": {**waiver["predicate"], "stage": "live"}},
        {**waiver, "predicate": {name: value for name, value in waiver["predicate"].items() if name != "stage"}},
    ):
        with pytest.raises(UndecidedError, match="evidence/waiver/0"):
            check_input({**document, "evidence": {"waiver": [changed]}})


def test_withdrawal_never_reaches_the_policies(document: Any) -> None:
    assert "withdrawal" not in document["evidence"]
    facts = {"withdrawal": [{**document["evidence"]["audit"][0], "predicate": {"statement": "ab" * 32, "reason": "x"}}]}
    with pytest.raises(UndecidedError, match="withdrawal"):
        check_input({**document, "evidence": facts})


@pytest.mark.parametrize("document", [None, [], "x", {"now": float("nan")}, {1: 2}])
def test_what_is_no_document_is_refused(document: Any) -> None:
    with pytest.raises(UndecidedError):
        check_input(document)
