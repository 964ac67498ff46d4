# SPDX-License-Identifier: Apache-2.0
"""One model against its state at the base: what is worse, what is mended, and which waivers end soon."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from qaqpa import times
from qaqpa.model import Decision
from qaqpa.report.judged import Change, Comparison
from qaqpa.review.contexts import milder_context
from qaqpa.review.evidence import REMOVED, weaker_evidence
from qaqpa.review.state import State
from qaqpa.review.violations import DENY, all_of, differences

SOON = timedelta(days=14)
"""How far ahead the end of a waiver is told."""

TWICE, GONE = "model_twice", "model_removed"
"""Another directory is about the same registered model; the directory of a model is gone."""

_SILENT = frozenset({"evidence_missing", "evidence_refused"})
_LACKING = _SILENT | {"evidence_too_weak"}


def compare(before: State, now: State, in_old_context: Decision, *, about: Iterable[Change] = ()) -> Comparison:
    """A model against its state at the base.

    Args:
        before: its state at the base.
        now: its state in the work tree, judged by the same rules at the same moment.
        in_old_context: the decision about today's evidence in the context of the base.
        about: what is worse about the directory itself.
    """
    new, mended = differences(before.decision, now.decision)
    named = {change.field for change in new if change.code in _LACKING}
    # That it is gone is said where a requirement lacks it.
    weaker = [one for one in weaker_evidence(before, now) if one.code != REMOVED or one.field not in named]
    eased = list(milder_context(before, now, in_old_context))
    # What is not asked any more is not mended, nor what evidence said that is gone or refused now.
    silent = {change.control for change in (*eased, *weaker) if change.control} | _silent(now.decision)
    return Comparison(
        existed=True,
        base_verdict=before.decision.verdict.value,
        new=_worst_first([*about, *eased, *weaker, *new]),
        mended=tuple(change for change in mended if change.control not in silent),
        ending=tuple(_ending(before.decision, now.decision, now.request.now)),
    )


def compared_with_nothing(now: State, *, existed: bool, about: Iterable[Change] = ()) -> Comparison:
    """A model that is new, or whose state at the base cannot be read: all that is wrong with it is new."""
    ending = tuple(_ending(None, now.decision, now.request.now))
    return Comparison(existed, "", new=_worst_first([*about, *all_of(now.decision)]), ending=ending)


def removed(folder: str, before: str) -> Comparison:
    """A model whose directory is gone; `before` is the verdict at the base."""
    return Comparison(existed=True, base_verdict=before, new=(Change("", GONE, folder, DENY),))


def _silent(decision: Decision) -> set[str]:
    """The controls that cannot say what is wrong, for their evidence is missing or refused."""
    return {
        finding["control"]
        for finding in decision.findings
        if any(violation["code"] in _SILENT for violation in finding["violations"])
    }


def _ending(before: Decision | None, now: Decision, moment: datetime) -> Iterator[str]:
    """The controls whose last waiver ends soon, or that had one and have none."""
    waived = _waived(now)
    for control, end in sorted(waived.items()):
        if end <= int(times.pair(moment + SOON)["seconds"]):
            yield control
    if before:
        yield from sorted(set(_waived(before)) - set(waived))


def _waived(decision: Decision) -> dict[str, int]:
    """The controls that are waived, and when the last waiver of each ends, in seconds."""
    return {
        finding["control"]: max(waiver["until"]["seconds"] for waiver in finding["waivers"])
        for finding in decision.findings
        if finding["waivers"]
    }


def _worst_first(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Each as often as it is there, what denies first, in the order given."""
    return tuple(sorted(changes, key=lambda change: change.level != DENY))
