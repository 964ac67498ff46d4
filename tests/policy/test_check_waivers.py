# SPDX-License-Identifier: Apache-2.0
"""Only a waiver that holds waives, and it is listed as it was signed."""

from __future__ import annotations

from typing import Any

import pytest

from qaqpa.policy.bundle import Catalog
from qaqpa.policy.check import check_document
from support.judged import CATALOG, NOW, WAIVED, asked, expect_unsound, failed, violation, waiver

NOT_ALLOWED = {
    "code": "waiver_not_allowed",
    "level": "warn",
    "evidence": "w1",
    "field": "waiver",
    "found": "AAA-01",
    "required": "no waiver",
    "asked_by": asked("now", "warn"),
}


def waived(document: dict[str, Any], **changes: Any) -> None:
    document["findings"][0].update(status="waived", violations=[violation()], waivers=[{**WAIVED, **changes}])


def test_waiver_that_holds_waives(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    request_document["evidence"]["waiver"] = [waiver("AAA-02", "AAA-01")]
    check_document(document, request_document, CATALOG)
    waived(document)
    check_document(document, request_document, CATALOG)
    failed(document)
    expect_unsound(document, request_document, "make it `waived`")


@pytest.mark.parametrize("stage", ["review", "staging", "production"])
def test_a_review_shows_waivers_for_a_later_stage_and_nothing_else_does(
    document: dict[str, Any], request_document: dict[str, Any], stage: str
) -> None:
    kept = waiver("AAA-01")
    kept["predicate"] = {**kept["predicate"], "stage": stage}
    request_document["evidence"]["waiver"] = [kept]
    waived(document)
    for asked_stage in ("review", "staging", "production"):
        document["stage"] = request_document["stage"] = asked_stage
        if asked_stage in {"review", stage}:
            check_document(document, request_document, CATALOG)
        else:
            expect_unsound(document, request_document, "make it `fail`")


def test_measures_of_a_waiver_are_repeated(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    request_document["evidence"]["waiver"] = [waiver("AAA-01", category="mitigated", compensating=["b", "a"])]
    waived(document, category="mitigated", compensating=["b", "a"])
    check_document(document, request_document, CATALOG)
    waived(document, category="mitigated", compensating=["a", "b"])
    expect_unsound(document, request_document, "other waivers")


def test_every_waiver_is_listed(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    request_document["evidence"]["waiver"] = [waiver("AAA-01"), {**waiver("AAA-01"), "id": "w0"}]
    waived(document)
    expect_unsound(document, request_document, "other waivers")
    document["findings"][0]["waivers"] = [{**WAIVED, "id": "w0"}, WAIVED]
    check_document(document, request_document, CATALOG)


@pytest.mark.parametrize(
    "changed",
    [
        {"reason": "Other."},
        {"ticket": ""},
        {"category": "mitigated"},
        {"until": NOW},
        {"signers": ["ann"]},
        {"id": "f1"},
    ],
)
def test_waiver_is_listed_as_it_was_signed(
    document: dict[str, Any], request_document: dict[str, Any], changed: dict[str, Any]
) -> None:
    request_document["evidence"]["waiver"] = [waiver("AAA-01")]
    waived(document, **changed)
    expect_unsound(document, request_document, "other waivers")


UNFIT: dict[str, dict[str, Any]] = {
    "ended": {**waiver("AAA-01"), "expires_at": NOW},
    "other stage": waiver("AAA-01", stage="staging"),
    "other control": waiver("AAA-02"),
    "declared": {**waiver("AAA-01"), "strength": "declared", "signers": [], "envelope": ""},
}


@pytest.mark.parametrize("name", UNFIT)
def test_waiver_that_does_not_hold_waives_nothing(
    document: dict[str, Any], request_document: dict[str, Any], name: str
) -> None:
    request_document["evidence"]["waiver"] = [UNFIT[name]]
    waived(document)
    expect_unsound(document, request_document, "make it `fail`")


def test_declared_waiver_waives_nothing_at_review_either(
    document: dict[str, Any], request_document: dict[str, Any]
) -> None:
    nobody = {**waiver("AAA-01", stage="review"), "strength": "declared", "signers": [], "envelope": ""}
    request_document["evidence"]["waiver"] = [nobody]
    request_document["stage"] = document["stage"] = "review"
    waived(document)
    expect_unsound(document, request_document, "make it `fail`")


@pytest.mark.parametrize("waivable", [False, None, "true", 1])
def test_card_may_allow_no_waiver(document: dict[str, Any], request_document: dict[str, Any], waivable: Any) -> None:
    card = {**CATALOG.controls["AAA-01"], "waivable": waivable}
    catalog = Catalog({**CATALOG.controls, "AAA-01": card}, CATALOG.profiles, {})
    request_document["evidence"]["waiver"] = [waiver("AAA-01")]
    waived(document)
    expect_unsound(document, request_document, "may not be waived", catalog)
    document["findings"][0]["violations"] = [violation(), NOT_ALLOWED]
    expect_unsound(document, request_document, "make it `fail`", catalog)
    failed(document)
    expect_unsound(document, request_document, "may not be waived", catalog)
    document["findings"][0]["violations"] = [violation(), NOT_ALLOWED]
    check_document(document, request_document, catalog)


def test_undecided_control_is_never_waived(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    request_document["evidence"]["waiver"] = [waiver("AAA-01")]
    undecided = {"status": "undecided", "evidence": []}
    document["findings"][0].update(undecided, waivers=[WAIVED])
    expect_unsound(document, request_document, "lists waivers")
    document["findings"][0].update(undecided, waivers=[])
    expect_unsound(document, request_document, "verdict")
    document["verdict"] = "undecided"
    check_document(document, request_document, CATALOG)
