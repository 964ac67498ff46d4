# SPDX-License-Identifier: Apache-2.0
"""What a changed context switches off: the most dangerous weakening, for nothing fails any more that is not asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from qaqpa.model import Decision, JsonObject
from qaqpa.report.judged import Change
from qaqpa.review.violations import DENY, UNDECIDED, WARN, differences

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
# Values of these fields have no order, and say which system it is.
_IDENTITY = ("system_id", "domain", "models")


def lowered_fields(before: JsonObject, now: JsonObject) -> Iterator[Change]:
    """The fields of the context that are milder now, or are about something else. What is unknown is the strictest."""
    for field, values in _MILDER.items():
        if _place(now, field, values) > _place(before, field, values):
            yield Change("", LOWERED, field, WARN)
    for field in sorted({*before, *now}):
        # A yes asks for more in every field that has one, and so does what is not said.
        if before.get(field, True) is True and now.get(field, True) is False:
            yield Change("", LOWERED, field, WARN)
    if set(before.get("jurisdictions", ("KZ", "EU"))) - set(now.get("jurisdictions", ("KZ", "EU"))):
        yield Change("", LOWERED, "jurisdictions", WARN)
    if now.get("version", 0) < before.get("version", 0):
        yield Change("", LOWERED, "version", WARN)
    for field in _IDENTITY:
        if field in before and field in now and before[field] != now[field]:
            yield Change("", CHANGED, field, WARN)


def switched_off(before: Decision, now: Decision, unchanged: Decision, *, signed: bool) -> Iterator[Change]:
    """What is not asked any more because of the context.

    Each denies where the gate would deny today's evidence in the context of the base, unless somebody who may sign a
    context signed this one; else it warns.

    Args:
        before: the decision at the base.
        now: the decision about the work tree.
        unchanged: the decision about the evidence of the work tree in the context of the base.
        signed: whether the context that counts now is signed.
    """
    earlier, later, would_be = (_by_control(decision) for decision in (before, now, unchanged))
    for control, finding in sorted(later.items()):
        applied = control in earlier and earlier[control]["status"] != "not_applicable"
        if finding["status"] == "not_applicable" and applied:
            fails = would_be.get(control, {}).get("status") in {"fail", UNDECIDED}
            fields = ", ".join(finding["not_applicable_because"])
            yield Change(control, NOT_APPLICABLE, fields, DENY if fails and not signed else WARN)
    milder, _ = differences(now, unchanged)
    for change in milder:
        if change.level == DENY and later.get(change.control, {}).get("status") not in {None, "not_applicable"}:
            yield Change(change.control, EASED, change.code, WARN if signed else DENY)


def _by_control(decision: Decision) -> dict[str, JsonObject]:
    return {finding["control"]: finding for finding in decision.findings}


def _place(context: JsonObject, field: str, values: Sequence[str]) -> int:
    """How mild a field is; 0 is the strictest."""
    value = context.get(field)
    return values.index(value) if value in values else 0
