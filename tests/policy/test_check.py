# SPDX-License-Identifier: Apache-2.0
"""A decision counts only where it follows from the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qaqpa.errors import UndecidedError
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.check import check_document
from support.judged import CATALOG, EARLY, LATER, MILD, NOW, WAIVED, failed, finding, violation


def test_sound_document_counts(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    check_document(document, request_document, CATALOG)


def replaced(position: int, **changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["findings"][position].update(changes)


def not_applicable(field: str = "affects_rights", **changes: Any) -> Callable[[dict[str, Any]], None]:
    return replaced(0, **{"status": "not_applicable", "not_applicable_because": [field], "evidence": ["s1"], **changes})


def problem(code: str, verdict: str) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update(verdict=verdict, problems=[{"code": code, "detail": ""}])


SOUND: dict[str, Callable[[dict[str, Any]], None]] = {
    "fails": failed,
    "fails although something else is a problem": lambda d: failed(d, problems=[{"code": "x", "detail": ""}]),
    "warns where the profile warns": replaced(1, status="warn", violations=[MILD]),
    "warns where the rule warns": replaced(0, status="warn", violations=[violation("warn", "now", "warn")]),
    "warns before the day": replaced(2, status="warn", violations=[EARLY], denies_from=[LATER]),
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
    "another day said to be the present": ("as_of", lambda d: d.update(as_of=True)),
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
    "fail where all warn": ("make it `warn`", replaced(1, status="fail", violations=[MILD])),
    "fail before its day": ("make it `warn`", replaced(2, status="fail", violations=[EARLY])),
    "day left out": ("another day", replaced(2, status="warn", violations=[EARLY])),
    "day without denial": ("another day", replaced(1, status="warn", violations=[MILD], denies_from=[LATER])),
    "nobody asks": ("does not fit", replaced(0, violations=[{**violation(), "asked_by": []}])),
    "asked by a stranger": ("misjudges", replaced(0, status="fail", violations=[violation("deny", "later")])),
    "milder than the profile": ("misjudges", replaced(0, status="warn", violations=[violation("deny", "now", "warn")])),
    "put off": ("misjudges", replaced(0, status="warn", violations=[violation("deny", "now", "warn", LATER)])),
    "another day than the profile's": (
        "misjudges",
        replaced(2, status="warn", violations=[violation("deny", "later", "warn", {**LATER, "seconds": 1800000000})]),
    ),
    "another basis": (
        "misjudges",
        replaced(0, violations=[{**violation(), "asked_by": [{**violation()["asked_by"][0], "basis": "statutory"}]}]),
    ),
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
        replaced(1, status="warn", violations=[{**MILD, "evidence": "f9"}]),
    ),
    "waived without waiver": ("make it `fail`", replaced(0, status="waived", violations=[violation()])),
    "waived by a waiver of another control": (
        "make it `fail`",
        replaced(0, status="waived", violations=[violation()], waivers=[WAIVED]),
    ),
    "pass with waiver": ("other waivers", replaced(0, waivers=[WAIVED])),
    "warning with waiver": ("other waivers", replaced(1, status="warn", violations=[MILD], waivers=[WAIVED])),
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


def test_demand_without_severity_denies(document: dict[str, Any], request_document: dict[str, Any]) -> None:
    catalog = Catalog(CATALOG.controls, {**CATALOG.profiles, "now": {"controls": {"AAA-01": {}, "AAA-02": {}}}}, {})
    document["findings"][1].update(status="warn", violations=[MILD])
    with pytest.raises(UndecidedError, match="misjudges"):
        check_document(document, request_document, catalog)


def test_an_engine_that_names_fewer_profiles_is_believed_only_where_the_card_says_that_they_differ(
    document: dict[str, Any], request_document: dict[str, Any]
) -> None:
    profiles = {name: {"controls": {"AAA-01": {"severity": level}}} for name, level in (("m", "warn"), ("n", "deny"))}
    request_document["profiles"] = document["profiles"] = ["m", "n"]
    mild = {**finding("AAA-01", "m", "warn", violations=[violation("deny", "m", "warn")]), "profiles": ["m", "n"]}
    document["findings"] = [mild]
    card: dict[str, Any] = {"evidence": ["audit"], "waivable": True}
    check_document(document, request_document, Catalog({"AAA-01": {**card, "per_profile": ["bad"]}}, profiles, {}))
    with pytest.raises(UndecidedError, match="misjudges"):
        check_document(document, request_document, Catalog({"AAA-01": card}, profiles, {}))
