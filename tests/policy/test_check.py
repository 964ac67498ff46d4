# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from qaqpa.errors import UndecidedError
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.check import check_document

NOW = {"text": "2026-11-23T00:00:00Z", "seconds": 1795392000}
LATER = {"text": "2027-01-01", "seconds": 1798761600}
CATALOG = Catalog(
    controls={name: {"evidence": ["audit"], "waivable": True} for name in ("AAA-01", "AAA-02", "AAA-03")},
    profiles={
        "now": {"controls": {"AAA-01": {"severity": "deny"}, "AAA-02": {"severity": "warn"}}},
        "later": {"controls": {"AAA-03": {"severity": "deny", "applies_from": LATER}}},
    },
    law={},
)


WAIVED = {
    "id": "w1",
    "category": "waiver",
    "reason": "It comes next week.",
    "ticket": "T-1",
    "compensating": [],
    "until": LATER,
    "signers": ["ann", "bob"],
}
NOT_ALLOWED = {
    "code": "waiver_not_allowed",
    "level": "warn",
    "evidence": "w1",
    "field": "waiver",
    "found": "AAA-01",
    "required": "no waiver",
}


def violation(level: str = "deny") -> dict[str, Any]:
    return {"code": "bad", "level": level, "evidence": "f1", "field": "x", "found": 1, "required": 2}


def lacking(code: str, found: list[str], required: str) -> dict[str, Any]:
    return {"code": code, "level": "deny", "evidence": "", "field": "audit", "found": found, "required": required}


def finding(control: str, profile: str, status: str = "pass", **changes: Any) -> dict[str, Any]:
    empty = {"violations": [], "not_applicable_because": [], "evidence": ["f1"], "denies_from": [], "waivers": []}
    return {"control": control, "status": status, "profiles": [profile], **empty, **changes}


def signer(name: str) -> dict[str, Any]:
    return {"id": name, "unit": "u", "roles": ["auditor"], "disciplines": [], "independent": True}


def fact(name: str, predicate: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    times = {"issued_at": None, "expires_at": None}
    signed = {"strength": "signed", "envelope": "ef", "signers": [signer("bob"), signer("ann")]}
    return {"id": name, "source": "s", **times, **signed, "predicate": predicate or {}, **changes}


def waiver(*controls: str, **changes: Any) -> dict[str, Any]:
    texts = {"category": "waiver", "reason": "It comes next week.", "ticket": "T-1", "requested_by": "eve"}
    return fact("w1", {"stage": "production", "controls": list(controls), **texts, **changes}, expires_at=LATER)


@pytest.fixture
def request_document() -> dict[str, Any]:
    return {
        "now": NOW,
        "stage": "production",
        "profiles": ["now", "later"],
        "settings": {"minimum_strength": "declared", "thresholds": {}, "separation_of_duties": "when_known"},
        "actor": "ann",
        "subject": {"name": "credit", "version": "1", "digest": "ab", "trained_at": None},
        "context": {"affects_rights": False, "title": None},
        "context_digest": "cd",
        "evidence": {"audit": [fact("f1")], "system": [fact("s1")], "waiver": [waiver("AAA-09")]},
        "rejected": [{"code": "c", "kind": "audit", "source": "s", "detail": "d"}],
        "problems": [],
    }


@pytest.fixture
def document(request_document: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": "urn:qaqpa:schema:decision:v1",
        "verdict": "allow",
        "stage": "production",
        "now": NOW,
        "actor": "ann",
        "subject": {"name": "credit", "version": "1", "digest": "ab"},
        "context_digest": "cd",
        "profiles": ["later", "now"],
        "settings": copy.deepcopy(request_document["settings"]),
        "findings": [finding("AAA-01", "now"), finding("AAA-02", "now"), finding("AAA-03", "later")],
        "problems": [],
        "rejected": copy.deepcopy(request_document["rejected"]),
    }


def test_sound_document_counts(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    check_document(document, request_document, CATALOG)


def replaced(position: int, **changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["findings"][position].update(changes)


def failed(document: dict[str, Any], **changes: Any) -> None:
    first = finding("AAA-01", "now", "fail", violations=[violation()])
    document.update(verdict="deny", findings=[first, *document["findings"][1:]], **changes)


def not_applicable(field: str = "affects_rights", **changes: Any) -> Callable[[dict[str, Any]], None]:
    return replaced(0, **{"status": "not_applicable", "not_applicable_because": [field], "evidence": ["s1"], **changes})


def problem(code: str, verdict: str) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update(verdict=verdict, problems=[{"code": code, "detail": ""}])


SOUND: dict[str, Callable[[dict[str, Any]], None]] = {
    "fails": failed,
    "fails although something else is a problem": lambda d: failed(d, problems=[{"code": "x", "detail": ""}]),
    "warns where the profile warns": replaced(1, status="warn", violations=[violation()]),
    "warns where the rule warns": replaced(0, status="warn", violations=[violation("warn")]),
    "warns before the day": replaced(2, status="warn", violations=[violation()], denies_from=[LATER]),
    "does not apply": not_applicable(),
    "has a problem": problem("x", "undecided"),
    "has a problem that denies": problem("bytes_elsewhere", "deny"),
}


@pytest.mark.parametrize("name", SOUND)
def test_document_that_follows_counts(document: dict[str, Any], request_document: dict[str, Any], name: str) -> None:
    SOUND[name](document)
    check_document(document, request_document, CATALOG)


UNSOUND: dict[str, tuple[str, Callable[[dict[str, Any]], None]]] = {
    "other stage": ("stage", lambda d: d.update(stage="review")),
    "other moment": ("now", lambda d: d.update(now={**NOW, "seconds": 1})),
    "other context": ("context_digest", lambda d: d.update(context_digest=None)),
    "other settings": ("settings", lambda d: d["settings"].update(minimum_strength="independent")),
    "separation switched off": ("settings", lambda d: d["settings"].update(separation_of_duties="off")),
    "other actor": ("actor", lambda d: d.update(actor=None)),
    "other digest": ("subject", lambda d: d["subject"].update(digest="ac")),
    "other name": ("subject", lambda d: d["subject"].update(name="other")),
    "fewer profiles": ("profiles", lambda d: d.update(profiles=["now"])),
    "unsorted profiles": ("profiles", lambda d: d.update(profiles=["now", "later"])),
    "refusal left out": ("rejected", lambda d: d.update(rejected=[])),
    "finding left out": ("one for each control", lambda d: d["findings"].pop()),
    "finding twice": ("one for each control", lambda d: d["findings"].append(d["findings"][2])),
    "finding not asked": ("one for each control", lambda d: d["findings"].append(finding("ZZZ-01", "now"))),
    "unsorted findings": ("sorted", lambda d: d["findings"].reverse()),
    "no findings": ("one for each control", lambda d: d["findings"].clear()),
    "other profile": ("other profiles", replaced(0, profiles=["later"])),
    "pass with violation": ("make it `fail`", replaced(0, violations=[violation()])),
    "warn that must deny": ("make it `fail`", replaced(0, status="warn", violations=[violation()])),
    "fail without violation": ("make it `pass`", replaced(0, status="fail")),
    "fail where all warn": ("make it `warn`", replaced(1, status="fail", violations=[violation()])),
    "fail before its day": ("make it `warn`", replaced(2, status="fail", violations=[violation()])),
    "day left out": ("another day", replaced(2, status="warn", violations=[violation()])),
    "day without denial": ("another day", replaced(1, status="warn", violations=[violation()], denies_from=[LATER])),
    "reason on a pass": ("only for", replaced(0, not_applicable_because=["affects_rights"])),
    "not applicable without reason": ("only for", not_applicable(not_applicable_because=[])),
    "reason that is not known": ("does not have", not_applicable("domain")),
    "reason without value": ("does not have", not_applicable("title")),
    "not applicable with violation": ("has violations", not_applicable(violations=[violation()])),
    "not applicable with waiver": ("lists waivers", not_applicable(waivers=[WAIVED])),
    "not applicable without the context": ("rest on the context", not_applicable(evidence=[])),
    "not applicable for other evidence": ("rest on the context", not_applicable(evidence=["f1"])),
    "undecided with evidence": ("rest on the context", replaced(0, status="undecided")),
    "foreign evidence": ("on the evidence that counts", replaced(0, evidence=["f9"])),
    "evidence left out": ("on the evidence that counts", replaced(0, evidence=[])),
    "evidence of another kind": ("on the evidence that counts", replaced(0, evidence=["f1", "s1"])),
    "violation about foreign evidence": (
        "not handed in",
        replaced(1, status="warn", violations=[{**violation(), "evidence": "f9"}]),
    ),
    "waived without waiver": ("make it `fail`", replaced(0, status="waived", violations=[violation()])),
    "waived by a waiver of another control": (
        "make it `fail`",
        replaced(0, status="waived", violations=[violation()], waivers=[WAIVED]),
    ),
    "pass with waiver": ("other waivers", replaced(0, waivers=[WAIVED])),
    "warning with waiver": ("other waivers", replaced(1, status="warn", violations=[violation()], waivers=[WAIVED])),
    "undecided finding": ("does not follow", replaced(0, status="undecided", evidence=[])),
    "allow with a problem": ("does not follow", problem("x", "allow")),
    "undecided with a problem that denies": ("does not follow", problem("bytes_elsewhere", "undecided")),
    "actor said to be unknown": ("names one that does not", problem("actor_unknown", "deny")),
    "duties said not to be separated": ("names one that does not", problem("separation_of_duties", "deny")),
    "context said to be unsigned": ("names one that does not", problem("context_unsigned", "undecided")),
    "deny for nothing": ("does not follow", lambda d: d.update(verdict="deny")),
    "undecided for nothing": ("does not follow", lambda d: d.update(verdict="undecided")),
    "unknown status": ("does not fit", replaced(0, status="ok")),
    "unknown field": ("does not fit", lambda d: d.update(extra=1)),
    "missing field": ("does not fit", lambda d: d.pop("findings")),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_document_that_does_not_follow_is_undecided(
    document: dict[str, Any], request_document: dict[str, Any], name: str
) -> None:
    why, spoil = UNSOUND[name]
    spoil(document)
    with pytest.raises(UndecidedError, match=why):
        check_document(document, request_document, CATALOG)


@pytest.mark.parametrize("answer", [None, True, "allow", [], {}, {"verdict": "allow"}, float("nan")])
def test_what_is_no_document_is_undecided(request_document: dict[str, Any], answer: Any) -> None:
    with pytest.raises(UndecidedError, match="not sound"):
        check_document(answer, request_document, CATALOG)


def expect_unsound(
    document: dict[str, Any], request_document: dict[str, Any], why: str, catalog: Any = CATALOG
) -> None:
    with pytest.raises(UndecidedError, match=why):
        check_document(document, request_document, catalog)


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
    for found in document["findings"]:
        found.update(violations=[said], status="fail" if found["control"] == "AAA-01" else "warn")
    document["findings"][2]["denies_from"] = [LATER]
    document["verdict"] = "deny"
    check_document(document, request_document, CATALOG)
    document["findings"][0]["violations"] = [{**said, "required": "declared"}]
    expect_unsound(document, request_document, "is lacking")


def test_card_may_demand_independent_evidence(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    card = {**CATALOG.controls["AAA-02"], "minimum_strength": "independent"}
    catalog = Catalog({**CATALOG.controls, "AAA-02": card}, CATALOG.profiles, {})
    expect_unsound(document, request_document, "AAA-01 was not judged", catalog)
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


def waived(document: dict[str, Any], **changes: Any) -> None:
    document["findings"][0].update(status="waived", violations=[violation()], waivers=[{**WAIVED, **changes}])


def test_waiver_that_holds_waives(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    request_document["evidence"]["waiver"] = [waiver("AAA-02", "AAA-01")]
    check_document(document, request_document, CATALOG)
    waived(document)
    check_document(document, request_document, CATALOG)
    failed(document)
    expect_unsound(document, request_document, "make it `waived`")


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


def test_demand_without_severity_denies(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    catalog = Catalog(CATALOG.controls, {**CATALOG.profiles, "now": {"controls": {"AAA-01": {}, "AAA-02": {}}}}, {})
    document["findings"][1].update(status="warn", violations=[violation()])
    with pytest.raises(UndecidedError, match="make it `fail`"):
        check_document(document, request_document, catalog)
