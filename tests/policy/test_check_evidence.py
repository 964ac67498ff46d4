# SPDX-License-Identifier: Apache-2.0
"""A decision counts only where it rests on the evidence that counts, and on people and problems as they are known."""

from __future__ import annotations

from typing import Any

import pytest

from qaqpa.errors import UndecidedError
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.check import check_document
from support.judged import CATALOG, EARLY, LATER, MILD, expect_unsound, fact, signer, violation


def lacking(code: str, found: list[str], required: str) -> dict[str, Any]:
    return {"code": code, "level": "deny", "evidence": "", "field": "audit", "found": found, "required": required}


WEAK: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "missing": ({"audit": []}, lacking("evidence_refused", ["c"], "signed")),
    "declared": (
        {"audit": [fact("f1", strength="declared", envelope="", signers=[])]},
        lacking("evidence_too_weak", ["declared"], "signed"),
    ),
}


@pytest.mark.parametrize("name", WEAK)
def test_evidence_that_lacks_may_not_be_passed_over(
    document: dict[str, Any], request_document: dict[str, Any], name: str
) -> None:
    evidence, said = WEAK[name]
    request_document["evidence"].update(evidence)
    expect_unsound(document, request_document, "AAA-01 was not judged on the evidence that counts")
    for found in document["findings"]:
        found["evidence"] = []
    expect_unsound(document, request_document, "AAA-01 does not say that evidence of kind audit is lacking")
    for found, like in zip(document["findings"], [violation(), MILD, EARLY], strict=True):
        asked = {**said, "asked_by": like["asked_by"]}
        found.update(violations=[asked], status="fail" if found["control"] == "AAA-01" else "warn")
    document["findings"][2]["denies_from"] = [LATER]
    document["verdict"] = "deny"
    check_document(document, request_document, CATALOG)
    document["findings"][0]["violations"][0]["required"] = "declared"
    expect_unsound(document, request_document, "is lacking")


def test_card_may_demand_independent_evidence(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    card = {**CATALOG.controls["AAA-02"], "minimum_strength": "independent"}
    catalog = Catalog({**CATALOG.controls, "AAA-02": card}, CATALOG.profiles, {})
    expect_unsound(document, request_document, "AAA-01 does not say that evidence of kind audit is lacking", catalog)
    request_document["evidence"]["audit"][0]["strength"] = "independent"
    check_document(document, request_document, catalog)
    unasked = Catalog({**CATALOG.controls, "ZZZ-01": card}, CATALOG.profiles, {})
    request_document["evidence"]["audit"][0]["strength"] = "signed"
    check_document(document, request_document, unasked)


@pytest.mark.parametrize("stage", ["review", "staging"])
def test_declared_evidence_counts_before_production(
    document: dict[str, Any], request_document: dict[str, Any], stage: str
) -> None:
    for facts in request_document["evidence"].values():
        facts[0].update(strength="declared", signers=[], envelope="")
    request_document["stage"] = document["stage"] = stage
    check_document(document, request_document, CATALOG)
    for settings in (request_document["settings"], document["settings"]):
        settings["minimum_strength"] = "signed"
    expect_unsound(document, request_document, "on the evidence that counts")


def test_control_without_a_card_is_not_judged(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    without = Catalog({"AAA-02": CATALOG.controls["AAA-02"]}, CATALOG.profiles, {})
    expect_unsound(document, request_document, "AAA-01 was judged without a card", without)


def answered(document: dict[str, Any], verdict: str, code: str, detail: str) -> None:
    document.update(verdict=verdict, problems=[{"code": code, "detail": detail}])


def test_who_alone_signed_may_not_ask(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    for facts in request_document["evidence"].values():
        facts[0]["signers"] = [signer("ann")]
    expect_unsound(document, request_document, "follows from the request")
    answered(document, "undecided", "separation_of_duties", "ann")
    expect_unsound(document, request_document, "verdict")
    answered(document, "deny", "separation_of_duties", "ann")
    check_document(document, request_document, CATALOG)
    request_document["actor"] = document["actor"] = "bob"
    expect_unsound(document, request_document, "names one that does not follow")


@pytest.mark.parametrize(
    ("actor", "engine"),
    [
        ("ANN", "must say so"),
        (" ann ", "must say so"),
        ("\uff21\uff2e\uff2e", "may say so"),
        ("a\u200bnn", "may say so"),
        ("аnn", "may not say so"),
        ("anne", "may not say so"),
    ],
)
def test_who_alone_signed_may_not_ask_by_a_name_that_only_looks_different(
    document: dict[str, Any], request_document: dict[str, Any], actor: str, engine: str
) -> None:
    for facts in request_document["evidence"].values():
        facts[0]["signers"] = [signer("Ann")]
    request_document["actor"] = document["actor"] = actor
    if engine == "must say so":
        expect_unsound(document, request_document, "follows from the request")
    else:
        check_document(document, request_document, CATALOG)
    answered(document, "deny", "separation_of_duties", actor)
    if engine == "may not say so":
        expect_unsound(document, request_document, "names one that does not follow")
    else:
        check_document(document, request_document, CATALOG)


@pytest.mark.parametrize("setting", ["off", "when_known", "required"])
def test_who_asks_has_to_be_known_where_that_is_required(
    document: dict[str, Any], request_document: dict[str, Any], setting: str
) -> None:
    request_document["actor"] = document["actor"] = None
    for settings in (request_document["settings"], document["settings"]):
        settings["separation_of_duties"] = setting
    if setting == "required":
        expect_unsound(document, request_document, "follows from the request")
        answered(document, "deny", "actor_unknown", "")
    check_document(document, request_document, CATALOG)


def test_switched_off_separation_asks_nothing(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    for facts in request_document["evidence"].values():
        facts[0]["signers"] = [signer("ann")]
    for settings in (request_document["settings"], document["settings"]):
        settings["separation_of_duties"] = "off"
    check_document(document, request_document, CATALOG)


def test_context_that_nobody_signed_may_not_be_passed_over(
    document: dict[str, Any], request_document: dict[str, Any]
) -> None:
    request_document["evidence"]["system"][0].update(strength="declared", signers=[], envelope="")
    expect_unsound(document, request_document, "follows from the request")
    answered(document, "undecided", "context_unsigned", "")
    check_document(document, request_document, CATALOG)
    request_document["context"] = {}
    expect_unsound(document, request_document, "names one that does not follow")


def test_problem_that_was_known_may_not_be_left_out(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    request_document["problems"] = [{"code": "context_conflict", "detail": "d"}]
    with pytest.raises(UndecidedError, match="already known"):
        check_document(document, request_document, CATALOG)


def test_unknown_profile_may_not_be_passed_over(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    request_document["profiles"] = ["now", "later", "nowhere"]
    with pytest.raises(UndecidedError, match="already known"):
        check_document(document, request_document, CATALOG)
    document.update(verdict="undecided", problems=[{"code": "unknown_profile", "detail": "nowhere"}])
    check_document(document, request_document, CATALOG)
