# SPDX-License-Identifier: Apache-2.0
"""What happened to the evidence itself: taken away, withdrawn, weaker, or sooner at its end than at the base."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from qaqpa import times
from qaqpa.evidence.kinds import kind
from qaqpa.model import Evidence, Strength
from qaqpa.report.judged import Change
from qaqpa.review.state import State
from qaqpa.review.violations import DENY, WARN

REMOVED, SILENCED, WITHDRAWN = "evidence_removed", "evidence_silenced", "evidence_withdrawn"
"""Evidence is gone; signed evidence that spoke against the model is gone, and was not withdrawn; it was withdrawn."""

WEAKENED, ENDS_EARLIER = "strength_lowered", "ends_earlier"
"""Nobody signed any more what was signed; evidence ends sooner, by its statement or by what it says itself."""

_STRENGTHS = list(Strength)
_UNTIL = "valid_until"
# Whoever signs again, signs some seconds later or earlier.
_A_DAY = timedelta(days=1)


def weaker_evidence(before: State, now: State) -> Iterator[Change]:
    """What is weaker of each kind of evidence, though a requirement may still be met."""
    gone = {fact.id: fact for fact in before.facts if fact.signers and fact.id not in now.statements}
    silenced = list(_silenced(before, now, gone))
    yield from silenced
    for name in sorted({fact.kind for fact in before.facts}):
        earlier, later = _of(before, name), _of(now, name)
        if _withdrawn(now, name) > _withdrawn(before, name):
            yield Change("", WITHDRAWN, name, WARN)
        elif len(later) < len(earlier) and not any(change.field == name for change in silenced):
            yield Change("", REMOVED, name, WARN)
        if later and _strongest(later) < _strongest(earlier):
            yield Change("", WEAKENED, name, WARN)
        if any(old and new and old - new >= _A_DAY for old, new in zip(_ends(earlier), _ends(later), strict=True)):
            yield Change("", ENDS_EARLIER, name, WARN)


def _silenced(before: State, now: State, gone: dict[str, Evidence]) -> Iterator[Change]:
    """Signed statements that denied at the base, are about what is judged now, and are not there any more.

    The worst word counts until its own signer withdraws it, so nobody else may take it away.
    """
    against = {
        violation["evidence"]: finding["control"]
        for finding in before.decision.findings
        for violation in finding["violations"]
        if any(entry["severity"] == DENY for entry in violation["asked_by"])
    }
    for identity, fact in sorted(gone.items(), key=lambda item: (item[1].kind, item[0])):
        if identity in against and _still_about(fact, before, now):
            yield Change(against[identity], SILENCED, fact.kind, DENY)


def _still_about(fact: Evidence, before: State, now: State) -> bool:
    binds = kind(fact.kind).binds
    same_model = before.request.subject.digest == now.request.subject.digest
    same_system = before.request.context_digest == now.request.context_digest
    return ("model" not in binds or same_model) and ("system" not in binds or same_system)


def _of(state: State, name: str) -> list[Evidence]:
    return [fact for fact in state.facts if fact.kind == name]


def _withdrawn(state: State, name: str) -> int:
    return sum(refusal.code == "withdrawn" and refusal.kind == name for refusal in state.request.rejected)


def _strongest(facts: list[Evidence]) -> int:
    return max(_STRENGTHS.index(fact.strength) for fact in facts)


def _ends(facts: list[Evidence]) -> tuple[datetime | None, datetime | None]:
    """When the last of the signed facts ends, and the last day that a text names as its end; None without one."""
    signed = [fact.expires_at for fact in facts if fact.signers and fact.expires_at]
    named = [fact.predicate[_UNTIL]["text"] for fact in facts if fact.predicate.get(_UNTIL)]
    return max(signed, default=None), max(map(times.parse, named), default=None)
