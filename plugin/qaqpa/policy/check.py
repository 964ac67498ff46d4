# SPDX-License-Identifier: Apache-2.0
"""Checks what goes into an engine and what comes out.

No engine is believed alone: a decision document counts only if it answers what was asked, and if its verdict is the
one that follows from its findings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qaqpa.documents import validator
from qaqpa.errors import UndecidedError
from qaqpa.model import Json, JsonObject, Strength
from qaqpa.policy.bundle import Catalog

_STRENGTHS = [strength.value for strength in Strength]
_MAX_QUOTED = 300


def check_input(document: JsonObject) -> None:
    """Checks that an input document fits `schemas/input.json`: the engines agree only about such input.

    Raises:
        UndecidedError: it does not fit.
    """
    problem = _misfit("input", document)
    if problem:
        raise UndecidedError(
            f"The input of the policies does not fit: {problem}",
            required="a document that fits schemas/input.json",
            mend="Correct the evidence or the context that the message names",
        )


def check_document(document: Json, request: JsonObject, catalog: Catalog) -> None:
    """Checks a decision document against the input that was asked and the data of the policies.

    Args:
        document: what the engine returned.
        request: the input document.
        catalog: cards and profiles of the policies that the engine evaluates.

    Raises:
        UndecidedError: the document does not fit its schema, answers another question, or contradicts itself.
    """
    problem = _misfit("decision", document)
    _expect(not problem, f"it does not fit schemas/decision.json: {problem}")
    _check_echo(document, request, catalog)
    asked = catalog.asked(request["profiles"])
    listed = [finding["control"] for finding in document["findings"]]
    _expect(listed == sorted(asked), "its findings are not one for each control that was asked, sorted")
    facts = _facts(request)
    for finding in document["findings"]:
        _check_finding(finding, request, catalog, asked[finding["control"]], facts)
    _expect(document["verdict"] == _verdict(document), "its verdict does not follow from its findings and problems")


def _check_echo(document: JsonObject, request: JsonObject, catalog: Catalog) -> None:
    for name in ("stage", "now", "context_digest", "settings"):
        _expect(document[name] == request[name], f"`{name}` is not the one that was asked")
    subject = {name: request["subject"][name] for name in ("name", "version", "digest")}
    _expect(document["subject"] == subject, "`subject` is not the one that was asked")
    _expect(document["profiles"] == catalog.known(request["profiles"]), "`profiles` are not those that were asked")
    _expect(_covers(document["rejected"], request["rejected"]), "`rejected` leaves out what was refused")
    unknown = [profile for profile in request["profiles"] if profile not in catalog.profiles]
    expected = [*request["problems"], *({"code": "unknown_profile", "detail": profile} for profile in unknown)]
    _expect(_covers(document["problems"], expected), "`problems` leaves out what was already known")


def _check_finding(
    finding: JsonObject,
    request: JsonObject,
    catalog: Catalog,
    demands: Mapping[str, JsonObject],
    facts: Mapping[str, JsonObject],
) -> None:
    control, status, violations = finding["control"], finding["status"], finding["violations"]
    _expect(finding["profiles"] == sorted(demands), f"{control} names other profiles than those that ask for it")
    named = {*finding["evidence"], *(violation["evidence"] for violation in violations if violation["evidence"])}
    _expect(named <= facts.keys(), f"{control} names evidence that was not handed in")
    reasons = finding["not_applicable_because"]
    _expect(bool(reasons) == (status == "not_applicable"), f"{control} gives reasons only for `not_applicable`")
    if status in {"not_applicable", "undecided"}:
        _expect(not violations, f"{control} is {status} and has violations")
        known = all(request["context"].get(field) is not None for field in reasons)
        _expect(known, f"{control} rests on a field that the context does not have")
        return
    if status == "waived":
        waivers = {fact for fact in finding["evidence"] if facts[fact]["kind"] == "waiver"}
        _expect(bool(waivers and violations), f"{control} is waived without a waiver, or without anything to waive")
        return
    _check_severity(finding, request, demands)
    if status == "pass":
        _check_evidence(control, request, catalog.controls[control]["evidence"])


def _check_severity(finding: JsonObject, request: JsonObject, demands: Mapping[str, JsonObject]) -> None:
    """A violation at level `deny` fails where a profile denies today, and nothing else does."""
    control, status, violations = finding["control"], finding["status"], finding["violations"]
    denies = any(violation["level"] == "deny" for violation in violations)
    days = [_first_day(demand) for demand in demands.values() if not _only_warns(demand, request["context"])]
    now = request["now"]["seconds"]
    follows = "fail" if denies and any(day <= now for day in days) else "warn" if violations else "pass"
    _expect(status == follows, f"{control} is `{status}` where its violations make it `{follows}`")
    later = min(days, default=None) if status == "warn" and denies else None
    _expect(
        [day["seconds"] for day in finding["denies_from"]] == [day for day in [later] if day is not None],
        f"{control} names another day from which it denies",
    )


def _check_evidence(control: str, request: JsonObject, kinds: Sequence[str]) -> None:
    least = _STRENGTHS.index(request["settings"]["minimum_strength"])
    for kind in kinds:
        strong = [fact for fact in request["evidence"].get(kind, []) if _STRENGTHS.index(fact["strength"]) >= least]
        _expect(bool(strong), f"{control} passes without evidence of kind {kind}")


def _only_warns(demand: JsonObject, context: JsonObject) -> bool:
    conditions = demand.get("warn_when", {})
    met = bool(conditions) and all(context.get(field) == value for field, value in conditions.items())
    return demand.get("severity") == "warn" or met


def _first_day(demand: JsonObject) -> int:
    seconds: int = demand.get("applies_from", {}).get("seconds", 0)
    return seconds


def _facts(request: JsonObject) -> dict[str, JsonObject]:
    return {fact["id"]: {"kind": kind} for kind, facts in request["evidence"].items() for fact in facts}


def _verdict(document: JsonObject) -> str:
    statuses = {finding["status"] for finding in document["findings"]}
    if "fail" in statuses:
        return "deny"
    decided = statuses and "undecided" not in statuses and not document["problems"]
    return "allow" if decided else "undecided"


def _covers(present: Sequence[Json], expected: Sequence[Json]) -> bool:
    return all(item in present for item in expected)


def _misfit(schema: str, document: Json) -> str:
    """The first thing that does not fit a schema; empty when all does."""
    try:
        error = next(validator(schema).iter_errors(document), None)
    except (ValueError, TypeError, RecursionError) as broken:
        return f"it is not JSON ({broken})"
    if error is None:
        return ""
    place = "/".join(str(part) for part in error.instance_path) or "the document"
    return f"{place}: {error.message[:_MAX_QUOTED]}"


def _expect(condition: bool, found: str) -> None:  # noqa: FBT001 - the condition is what this function is about
    if not condition:
        raise UndecidedError(
            f"The engine's answer is not sound: {found}",
            required="a decision document that follows from what was asked",
            mend="See that the engine evaluates the policies of this installation (`qaqpa doctor`), and report it",
        )
