# SPDX-License-Identifier: Apache-2.0
"""Nobody is believed who says that something has merely ended since, or goes back in a way that cannot be."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from qaqpa.errors import UndecidedError
from qaqpa.gate import input_document
from qaqpa.policy.check import check_document, check_input
from support.going_back import DAY
from support.judged import CATALOG, NOW, asked, expect_unsound, fact, finding, violation
from support.statements import everything, request

CARD = {"evidence": ["audit"], "waivable": True, "expires": ["old"]}
EXPIRING = replace(CATALOG, controls=dict.fromkeys(CATALOG.controls, CARD))
OLD = {**violation("deny", "now", "warn"), "code": "old", "ended_since": 7}


def moment(days: float) -> dict[str, Any]:
    return {"text": f"day {days}", "seconds": NOW["seconds"] + int(days * DAY.total_seconds())}


BACK = {"decision": 7, "allowed_at": moment(-30)}
ENDED = {
    "code": "evidence_ended",
    "level": "warn",
    "evidence": "f1",
    "field": "audit",
    "found": "day -1",
    "required": 7,
    "ended_since": 7,
}


@pytest.fixture
def gone_back(request_document: dict[str, Any], document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A rollback in which the audit has ended since, and the decision that follows."""
    asked_again, decided = deepcopy(request_document), deepcopy(document)
    asked_again["rollback"] = BACK
    asked_again["evidence"]["audit"] = [fact("f1", ended_at=moment(-1))]
    decided["rollback"] = {**BACK, "ended": [{"kind": "audit", "id": "f1", "ended_at": moment(-1)}]}
    for number, profile in enumerate(("now", "now", "later")):
        warned = {**ENDED, "asked_by": asked(profile, "warn")}
        decided["findings"][number].update(status="warn", violations=[warned])
    return asked_again, decided


def test_a_rollback_that_says_what_has_ended_counts(gone_back: tuple[dict[str, Any], dict[str, Any]]) -> None:
    asked_again, decided = gone_back
    check_document(decided, asked_again, EXPIRING)
    decided["findings"][0]["violations"].append(OLD)
    check_document(decided, asked_again, EXPIRING)


UNSOUND: dict[str, tuple[str, Any]] = {
    "says nothing of it": ("`rollback`", lambda d: d.pop("rollback")),
    "names another decision": ("`rollback`", lambda d: d["rollback"].update(decision=8)),
    "names another moment": ("`rollback`", lambda d: d["rollback"].update(allowed_at=moment(-29))),
    "hides what has ended": ("`rollback`", lambda d: d["rollback"].update(ended=[])),
    "passes what has ended": (
        "other evidence that has ended",
        lambda d: d["findings"].__setitem__(0, finding("AAA-01", "now")),
    ),
    "says it of what has not ended": (
        "other evidence that has ended",
        lambda d: d["findings"][0]["violations"].append({**ENDED, "evidence": "s1", "asked_by": asked("now", "warn")}),
    ),
    "eases a violation that is no end": (
        "merely ended since",
        lambda d: d["findings"][0]["violations"].append({**OLD, "code": "bad"}),
    ),
    "eases by another decision": (
        "merely ended since",
        lambda d: d["findings"][0]["violations"].append({**OLD, "ended_since": 8}),
    ),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_a_rollback_that_does_not_follow_counts_not(
    gone_back: tuple[dict[str, Any], dict[str, Any]], name: str
) -> None:
    asked_again, decided = gone_back
    why, change = UNSOUND[name]
    change(decided)
    expect_unsound(decided, asked_again, why, EXPIRING)


def test_nothing_has_merely_ended_where_nobody_goes_back(
    request_document: dict[str, Any], document: dict[str, Any]
) -> None:
    document["findings"][0].update(status="warn", violations=[OLD])
    expect_unsound(document, request_document, "merely ended since", EXPIRING)
    document["rollback"] = {**BACK, "ended": []}
    expect_unsound(document, request_document, "`rollback`", EXPIRING)


IMPOSSIBLE: dict[str, tuple[str, dict[str, Any]]] = {
    "91 days": ("last 90 days", {"rollback": {"decision": 7, "allowed_at": moment(-91)}}),
    "to the future": ("last 90 days", {"rollback": {"decision": 7, "allowed_at": moment(1)}}),
    "at review": ("nothing is served", {"stage": "review"}),
    "as of a day": ("nothing is served", {"as_of": True}),
    "row 0": ("minimum", {"rollback": {"decision": 0, "allowed_at": moment(-1)}}),
    "no moment": ("required", {"rollback": {"decision": 7}}),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_an_input_that_goes_back_in_a_way_that_cannot_be_is_refused(name: str) -> None:
    good = {**input_document(request(everything())), "rollback": {"decision": 7, "allowed_at": moment(-30)}}
    check_input(good)
    why, change = IMPOSSIBLE[name]
    with pytest.raises(UndecidedError, match=why):
        check_input({**good, **change})


@pytest.mark.parametrize(("days", "fits"), [(-31, False), (-30, False), (-29, True), (0, True), (1, False)])
def test_evidence_ended_between_the_two_decisions_or_the_input_is_refused(days: float, *, fits: bool) -> None:
    document: dict[str, Any] = deepcopy(dict(input_document(request(everything()))))
    document["rollback"] = {"decision": 7, "allowed_at": moment(-30)}
    document["evidence"]["audit"][0]["ended_at"] = moment(days)
    if fits:
        check_input(document)
        return
    with pytest.raises(UndecidedError, match="did not end between"):
        check_input(document)
