# SPDX-License-Identifier: Apache-2.0
"""What a changed context switches off: the most dangerous weakening, for nothing fails any more that is not asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from qaqpa.model import Decision, JsonObject
from qaqpa.report.judged import Change
from qaqpa.review.state import State
from qaqpa.review.violations import DENY, WARN, differences

LOWERED, CHANGED = "context_lowered", "context_changed"
"""A field of the context has a milder value; another value of which that cannot be said."""

NOT_APPLICABLE, EASED = "not_applicable_now", "eased_by_context"
"""A control does not apply any more; a violation is not asked, or only warns, because of the context."""

_MILDER: Mapping[str, Sequence[str]] = {
    "automation": ("fully_automated", "human_in_the_loop", "advisory"),
    "kz_risk": ("high", "medium", "minimal"),
    "kz_autonomy": ("high", "medium", "low"),
    "eu_class": (
        *("prohibited", "high_risk_annex_i", "high_risk_annex_iii"),
        *("transparency", "minimal", "not_applicable"),
    ),
}
_PLACES = ("KZ", "EU")
_NOT_APPLICABLE = "not_applicable"
# Values of these fields have no order, and say which system it is.
_IDENTITY = ("system_id", "domain", "models")
_DIFFERS = frozenset(f"{field}_differs" for field in (*_MILDER, "domain"))


def milder_context(before: State, now: State, in_old_context: Decision) -> Iterator[Change]:
    """What a changed context asks less of.

    All of it denies, whatever the evidence says today: what is not asked any more can go tomorrow, and nobody would be
    told. It warns where somebody who may sign a context signed this one, for who may decide on it did.

    Args:
        before: the state at the base.
        now: the state of the work tree.
        in_old_context: the decision about the evidence of the work tree in the context of the base.
    """
    level = WARN if now.context_is_signed else DENY
    yield from (Change("", LOWERED, field, level) for field in _lowered(before.context, now.context))
    for field in _IDENTITY:
        if field in before.context and field in now.context and before.context[field] != now.context[field]:
            yield Change("", CHANGED, field, WARN)
    earlier, later = _by_control(before.decision), _by_control(now.decision)
    for control, finding in sorted(later.items()):
        applied = control in earlier and earlier[control]["status"] != _NOT_APPLICABLE
        if applied and finding["status"] == _NOT_APPLICABLE:
            yield Change(control, NOT_APPLICABLE, ", ".join(finding["not_applicable_because"]), level)
    if _may_ease(before.context, now.context):
        for change in differences(now.decision, in_old_context)[0]:
            if _is_eased(change, later.get(change.control)):
                yield Change(change.control, EASED, change.code, level)


def needs_signed_context(changes: Iterable[Change]) -> bool:
    """True where something is refused that a signature on the context would let pass."""
    return any(change.code in {LOWERED, NOT_APPLICABLE, EASED} and change.level == DENY for change in changes)


def _lowered(before: JsonObject, now: JsonObject) -> Iterator[str]:
    """The fields of the context that are milder now. What is unknown is the strictest."""
    for field, values in _MILDER.items():
        if _place(now, field, values) > _place(before, field, values):
            yield field
    for field in sorted({*before, *now}):
        # A yes asks for more in every field that has one, and so does what is not said.
        if before.get(field, True) is True and now.get(field, True) is False:
            yield field
    if set(before.get("jurisdictions", _PLACES)) - set(now.get("jurisdictions", _PLACES)):
        yield "jurisdictions"
    if now.get("version", 0) < before.get("version", 0):
        yield "version"


def _may_ease(before: JsonObject, now: JsonObject) -> bool:
    """False where every field of the context that differs is stricter now, so that nothing is asked less of."""
    differ = (field for field in {*before, *now} if before.get(field) != now.get(field))
    return any(_lowered(before, now)) or any(not _has_order(field, before, now) for field in differ)


def _has_order(field: str, before: JsonObject, now: JsonObject) -> bool:
    """True where it can be told whether a field is milder; the title asks for nothing."""
    if field in {*_MILDER, "jurisdictions", "version", "title"}:
        return True
    return all(isinstance(context.get(field, True), bool) for context in (before, now))


def _is_eased(change: Change, finding: JsonObject | None) -> bool:
    """True for a denial that only today's context spares.

    That a record differs from the context is none: whoever mends the context by the record would be told that the
    record did not fit the context of before.
    """
    asked = finding is not None and finding["status"] != _NOT_APPLICABLE
    return asked and change.level == DENY and change.code not in _DIFFERS


def _by_control(decision: Decision) -> dict[str, JsonObject]:
    return {finding["control"]: finding for finding in decision.findings}


def _place(context: JsonObject, field: str, values: Sequence[str]) -> int:
    """How mild a field is; 0 is the strictest."""
    value = context.get(field)
    return values.index(value) if value in values else 0
