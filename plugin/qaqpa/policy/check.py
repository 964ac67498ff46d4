# SPDX-License-Identifier: Apache-2.0
"""Checks what goes into an engine and what comes out.

No engine is believed alone: a decision document counts only if it answers what was asked, if its findings rest on the
evidence that counts, and if its verdict is the one that follows from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qaqpa.documents import validator
from qaqpa.errors import UndecidedError
from qaqpa.model import Json, JsonObject
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.expected import DENYING, OWN_PROBLEMS, Expected
from qaqpa.policy.rollback import EVIDENCE_ENDED, objections

_MAX_QUOTED = 300


def check_input(document: JsonObject) -> None:
    """Checks that an input document fits `schemas/input.json`: the engines agree only about such input.

    Raises:
        UndecidedError: it does not fit.
    """
    problem = _misfit("input", document) or next(objections(document), "")
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
    expected = Expected(request, catalog)
    _check_echo(document, request, catalog)
    _expect(document.get("rollback") == expected.since.told(), "`rollback` is not the one that was asked")
    _check_problems(document, request, catalog, expected)
    asked = catalog.asked(request["profiles"])
    listed = [finding["control"] for finding in document["findings"]]
    _expect(listed == sorted(asked), "its findings are not one for each control that was asked, sorted")
    for finding in document["findings"]:
        _check_finding(finding, request, catalog, asked[finding["control"]], expected)
    _expect(document["verdict"] == _verdict(document), "its verdict does not follow from its findings and problems")


def _check_echo(document: JsonObject, request: JsonObject, catalog: Catalog) -> None:
    for name in ("stage", "now", "as_of", "actor", "context_digest", "settings"):
        _expect(document[name] == request[name], f"`{name}` is not the one that was asked")
    subject = {name: request["subject"][name] for name in ("name", "version", "digest")}
    _expect(document["subject"] == subject, "`subject` is not the one that was asked")
    _expect(document["profiles"] == catalog.known(request["profiles"]), "`profiles` are not those that were asked")
    _expect(_covers(document["rejected"], request["rejected"]), "`rejected` leaves out what was refused")


def _check_problems(document: JsonObject, request: JsonObject, catalog: Catalog, expected: Expected) -> None:
    problems = document["problems"]
    unknown = [profile for profile in request["profiles"] if profile not in catalog.profiles]
    known = [*request["problems"], *({"code": "unknown_profile", "detail": profile} for profile in unknown)]
    _expect(_covers(problems, known), "`problems` leaves out what was already known")
    following = expected.problems()
    _expect(_covers(problems, following), "`problems` leaves out what follows from the request")
    own = [problem for problem in problems if problem["code"] in OWN_PROBLEMS]
    _expect(
        _covers([*known, *expected.conceivable_problems()], own),
        "`problems` names one that does not follow from the request",
    )


def _check_finding(
    finding: JsonObject,
    request: JsonObject,
    catalog: Catalog,
    demands: Mapping[str, JsonObject],
    expected: Expected,
) -> None:
    control, status, violations = finding["control"], finding["status"], finding["violations"]
    _expect(finding["profiles"] == sorted(demands), f"{control} names other profiles than those that ask for it")
    reasons = finding["not_applicable_because"]
    _expect(bool(reasons) == (status == "not_applicable"), f"{control} gives reasons only for `not_applicable`")
    if status in {"not_applicable", "undecided"}:
        _expect(not violations, f"{control} is {status} and has violations")
        _expect(not finding["waivers"], f"{control} is {status} and lists waivers")
        known = all(request["context"].get(field) is not None for field in reasons)
        _expect(known, f"{control} rests on a field that the context does not have")
        context = expected.context_ids() if reasons else []
        _expect(finding["evidence"] == context, f"{control} does not rest on the context that counts")
        return
    card = catalog.controls.get(control, {})
    kinds = card.get("evidence", [])
    _expect(bool(kinds), f"{control} was judged without a card that names its evidence")
    _expect(finding["evidence"] == expected.ids(kinds), f"{control} was not judged on the evidence that counts")
    for lacking in expected.lacking(kinds):
        _expect(
            lacking in _bare(violations), f"{control} does not say that evidence of kind {lacking['field']} is lacking"
        )
    ended = [violation for violation in _bare(violations) if violation["code"] == EVIDENCE_ENDED]
    due = expected.ended(kinds)
    _expect(_covers(ended, due) and _covers(due, ended), f"{control} names other evidence that has ended since")
    marks = all(expected.since.may_mark(control, violation) for violation in violations)
    _expect(marks, f"{control} says of something that it merely ended since, and it did not")
    handed_in = {fact["id"] for facts in request["evidence"].values() for fact in facts}
    named = {violation["evidence"] for violation in violations if violation["evidence"]}
    _expect(named <= handed_in, f"{control} names evidence that was not handed in")
    _check_severity(finding, demands, expected, waivable=card.get("waivable") is True)


def _check_severity(
    finding: JsonObject, demands: Mapping[str, JsonObject], expected: Expected, *, waivable: bool
) -> None:
    """What a profile denies today fails where no waiver holds, and nothing else does."""
    control, status, violations = finding["control"], finding["status"], finding["violations"]
    for violation in violations:
        _expect(
            violation["asked_by"] == expected.asked_by(control, violation, demands),
            f"{control} misjudges who asks for {violation['code']}, and how severe it is",
        )
    entries = [entry for violation in violations for entry in violation["asked_by"]]
    denies = any(entry["severity"] == "deny" for entry in entries)
    follows = "fail" if denies else "warn" if violations else "pass"
    waivers = expected.waivers(control) if follows == "fail" and waivable else []
    if follows == "fail" and not waivable:
        refused = _covers(_bare(violations), expected.not_allowed(control))
        _expect(refused, f"{control} does not say that it may not be waived")
    follows = "waived" if waivers else follows
    _expect(status == follows, f"{control} is `{status}` where its violations make it `{follows}`")
    listed = finding["waivers"]
    same = len(listed) == len(waivers) and _covers(listed, waivers) and _covers(waivers, listed)
    _expect(same, f"{control} lists other waivers than those that hold for it")
    days = sorted((day["seconds"], day["text"]) for entry in entries for day in entry["from"])
    later = [{"text": text, "seconds": seconds} for seconds, text in days[:1]] if status == "warn" else []
    _expect(finding["denies_from"] == later, f"{control} names another day from which it denies")


def _bare(violations: Sequence[JsonObject]) -> list[JsonObject]:
    """Violations without who asks for them."""
    return [{name: value for name, value in found.items() if name != "asked_by"} for found in violations]


def _verdict(document: JsonObject) -> str:
    statuses = {finding["status"] for finding in document["findings"]}
    if "fail" in statuses or any(problem["code"] in DENYING for problem in document["problems"]):
        return "deny"
    decided = statuses and "undecided" not in statuses and not document["problems"]
    return "allow" if decided else "undecided"


def _covers(present: Sequence[Json], expected: Sequence[Json]) -> bool:
    return all(item in present for item in expected)


def _misfit(schema: str, document: Json) -> str:
    """The first thing that does not fit a schema; empty when all does."""
    try:
        found = validator(schema)
        # To tell that all fits takes less than to look for what does not.
        error = None if found.is_valid(document) else next(found.iter_errors(document))
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
