# SPDX-License-Identifier: Apache-2.0
"""When a verdict ends: at the first moment at which, by what is known today, the gate would not allow any more.

What ends on a known date is taken from the records. What ages by a rule, such as a test that must not be older than so
many days, is found by asking the gate the same question for later days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from qaqpa import times
from qaqpa.errors import UndecidedError
from qaqpa.evidence.kinds import RESPONSIBILITY, SYSTEM
from qaqpa.gate import decide
from qaqpa.model import Decision, Evidence, Json, Request, Verdict
from qaqpa.policy.engine import Engine

_ALWAYS = frozenset({SYSTEM, RESPONSIBILITY})
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Ending:
    """When a verdict ends, UTC, and what ends it: `evidence:audit`, `waiver:TRN-01`, `duty:HOV-01`, `age`, `span`."""

    moment: datetime
    because: str


def ending(decision: Decision, request: Request, engine: Engine, days: int) -> Ending:
    """When a verdict on a decision that allows ends.

    Args:
        decision: the decision.
        request: what was asked.
        engine: who decided.
        days: longest time that it may last.

    Raises:
        UndecidedError: the gate cannot be asked about a later day, or it would not allow a second longer.
    """
    known = min(_known(decision, request, days), key=lambda found: found.moment)
    refused = _first_refused(request, engine, known.moment)
    found = known if refused is None else Ending(refused, "age")
    if found.moment <= request.now:
        raise UndecidedError(
            f"A verdict would end at once ({found.because})",
            required="evidence that counts a while longer",
            mend="Renew what ends; `qaqpa evidence list` says until when each piece counts",
        )
    return found


def used(decision: Decision, request: Request) -> list[Evidence]:
    """The facts that a decision rests on: those that its findings name, the context, and who trained the model."""
    named = {fact for finding in decision.findings for fact in finding["evidence"]}
    named |= {waiver["id"] for finding in decision.findings for waiver in finding["waivers"]}
    return [fact for fact in request.evidence if fact.id in named or fact.kind in _ALWAYS]


def _known(decision: Decision, request: Request, days: int) -> Iterator[Ending]:
    yield Ending(request.now + timedelta(days=days), "span")
    if request.parties:
        yield Ending(request.parties.expires, "parties")
    for fact in used(decision, request):
        # What can only speak against the model makes nothing worse by ending.
        if fact.counts_until and not fact.against_only:
            yield Ending(fact.counts_until, f"evidence:{fact.kind}")
    for finding in decision.findings:
        yield from (Ending(_moment(day), f"duty:{finding['control']}") for day in finding["denies_from"])
        yield from (Ending(_moment(one["until"]), f"waiver:{finding['control']}") for one in finding["waivers"])


def _first_refused(request: Request, engine: Engine, end: datetime) -> datetime | None:
    """The first second at which the gate would not allow any more; None where it allows up to `end`."""
    allowed = request.now
    for moment in (*_midnights(request.now, end), end - timedelta(seconds=1)):
        if moment <= allowed:
            continue
        if not _allows(request, engine, moment):
            return _between(request, engine, allowed, moment)
        allowed = moment
    return None


def _midnights(start: datetime, end: datetime) -> Iterator[datetime]:
    """The first second of each day between two moments: dates in evidence and in law change there."""
    day = start.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    while day < end:
        yield day
        day += _DAY


def _between(request: Request, engine: Engine, allowed: datetime, refused: datetime) -> datetime:
    """The first second between two at which the gate does not allow."""
    while refused - allowed > timedelta(seconds=1):
        middle = allowed + timedelta(seconds=(refused - allowed) // timedelta(seconds=1) // 2)
        if _allows(request, engine, middle):
            allowed = middle
        else:
            refused = middle
    return refused


def _allows(request: Request, engine: Engine, moment: datetime) -> bool:
    verdict = decide(replace(request, now=moment), engine).verdict
    if verdict is Verdict.UNDECIDED:
        raise UndecidedError(
            f"Until when the decision holds cannot be told: for {times.render(moment)} there is no decision",
            mend="`qaqpa check --as-of` says why",
        )
    return verdict is Verdict.ALLOW


def _moment(time: Json) -> datetime:
    return datetime.fromtimestamp(time["seconds"], timezone.utc)
