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
    controls={name: {"evidence": ["audit"]} for name in ("AAA-01", "AAA-02", "AAA-03")},
    profiles={
        "now": {"controls": {"AAA-01": {"severity": "deny"}, "AAA-02": {"severity": "warn"}}},
        "later": {"controls": {"AAA-03": {"severity": "deny", "applies_from": LATER}}},
    },
    law={},
)


def violation(level: str = "deny") -> dict[str, Any]:
    return {"code": "bad", "level": level, "evidence": "f1", "field": "x", "found": 1, "required": 2}


def finding(control: str, profile: str, status: str = "pass", **changes: Any) -> dict[str, Any]:
    empty = {"violations": [], "not_applicable_because": [], "evidence": ["f1"], "denies_from": []}
    return {"control": control, "status": status, "profiles": [profile], **empty, **changes}


@pytest.fixture
def request_document() -> dict[str, Any]:
    fact = {"id": "f1", "strength": "signed", "source": "s", "issued_at": None, "expires_at": None, "predicate": {}}
    return {
        "now": NOW,
        "stage": "production",
        "profiles": ["now", "later"],
        "settings": {"minimum_strength": "signed", "thresholds": {}},
        "subject": {"name": "credit", "version": "1", "digest": "ab", "trained_at": None},
        "context": {"affects_rights": False, "title": None},
        "context_digest": "cd",
        "evidence": {"audit": [fact], "waiver": [{**fact, "id": "w1"}]},
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
        "subject": {"name": "credit", "version": "1", "digest": "ab"},
        "context_digest": "cd",
        "profiles": ["later", "now"],
        "settings": {"minimum_strength": "signed", "thresholds": {}},
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


def not_applicable(field: str) -> Callable[[dict[str, Any]], None]:
    return replaced(0, status="not_applicable", not_applicable_because=[field])


SOUND: dict[str, Callable[[dict[str, Any]], None]] = {
    "fails": failed,
    "fails although something else is a problem": lambda d: failed(d, problems=[{"code": "x", "detail": ""}]),
    "warns where the profile warns": replaced(1, status="warn", violations=[violation()]),
    "warns where the rule warns": replaced(0, status="warn", violations=[violation("warn")]),
    "warns before the day": replaced(2, status="warn", violations=[violation()], denies_from=[LATER]),
    "does not apply": replaced(0, status="not_applicable", not_applicable_because=["affects_rights"]),
    "waived": replaced(0, status="waived", violations=[violation()], evidence=["f1", "w1"]),
    "has a problem": lambda d: d.update(verdict="undecided", problems=[{"code": "x", "detail": ""}]),
}


@pytest.mark.parametrize("name", SOUND)
def test_document_that_follows_counts(document: dict[str, Any], request_document: dict[str, Any], name: str) -> None:
    SOUND[name](document)
    check_document(document, request_document, CATALOG)


UNSOUND: dict[str, tuple[str, Callable[[dict[str, Any]], None]]] = {
    "other stage": ("stage", lambda d: d.update(stage="review")),
    "other moment": ("now", lambda d: d.update(now={**NOW, "seconds": 1})),
    "other context": ("context_digest", lambda d: d.update(context_digest=None)),
    "other settings": ("settings", lambda d: d["settings"].update(minimum_strength="declared")),
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
    "not applicable without reason": ("only for", replaced(0, status="not_applicable")),
    "reason that is not known": (
        "does not have",
        replaced(0, status="not_applicable", not_applicable_because=["domain"]),
    ),
    "reason without value": ("does not have", replaced(0, status="not_applicable", not_applicable_because=["title"])),
    "not applicable with violation": (
        "has violations",
        replaced(0, status="not_applicable", not_applicable_because=["affects_rights"], violations=[violation()]),
    ),
    "foreign evidence": ("not handed in", replaced(0, evidence=["f9"])),
    "violation about foreign evidence": (
        "not handed in",
        replaced(1, status="warn", violations=[{**violation(), "evidence": "f9"}]),
    ),
    "waived without waiver": ("without a waiver", replaced(0, status="waived", violations=[violation()])),
    "waived without violation": ("without a waiver", replaced(0, status="waived", evidence=["w1"])),
    "undecided finding": ("does not follow", replaced(0, status="undecided")),
    "allow with a problem": ("does not follow", lambda d: d.update(problems=[{"code": "x", "detail": ""}])),
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


def test_pass_on_evidence_that_is_too_weak_is_undecided(
    document: dict[str, Any], request_document: dict[str, Any]
) -> None:
    request_document["evidence"]["audit"][0]["strength"] = "declared"
    with pytest.raises(UndecidedError, match="passes without evidence of kind audit"):
        check_document(document, request_document, CATALOG)


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
