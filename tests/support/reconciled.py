# SPDX-License-Identifier: Apache-2.0
"""Whether clients, the log and the registry tell the same story, once nothing is under way any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from support.invariant import Invariant, Kept, Served

_LOG_UNUSABLE = "log_unusable"
_NOT_KEPT = frozenset({_LOG_UNUSABLE, "gate_failed", "too_many_refusals"})
"""Refusals that can be without a row: the log could not be used, or too much was asked, and nothing was judged."""


@dataclass(frozen=True)
class Answer:
    """What a client was told. `status` is None where the connection broke, `qaqpa` what a refusal says."""

    action: str
    status: int | None
    qaqpa: dict[str, Any] | None = None

    @property
    def row(self) -> int | None:
        """The row of the log that a refusal names."""
        return (self.qaqpa or {}).get("log")

    @property
    def codes(self) -> list[str]:
        """The codes of the problems that a refusal names."""
        return [problem["code"] for problem in (self.qaqpa or {}).get("problems", [])]


def differences(
    invariant: Invariant,
    answers: Sequence[Answer],
    names: Collection[str],
    *,
    taken_out: Collection[str] = (),
    log_was_cut: bool = False,
) -> list[str]:
    """What clients, log and registry disagree about.

    Args:
        invariant: has looked after the last answer.
        answers: of all promotions that were asked for, each with the action by which the log names it.
        names: the registered models that are looked at.
        taken_out: names of models that somebody took out of production.
        log_was_cut: whether the log did not answer for a while, so that an outcome can be missing of a write that a
            client was told of.
    """
    decisions = [kept for kept in invariant.decisions.values() if kept.fields["model"] in names]
    answers = [answer for answer in answers if _model(answer.action) in names]
    found = [*_refusals(invariant, answers)]
    for action in sorted({answer.action for answer in answers} | {kept.action for kept in decisions}):
        own = [answer for answer in answers if answer.action == action]
        found += _counted(action, own, invariant.of(action), log_was_cut=log_was_cut)
    return [*found, *_standing(invariant.served(), decisions, taken_out)]


def _model(action: str) -> str:
    return action.rpartition(" version ")[0].partition(" of ")[2]


def _refusals(invariant: Invariant, answers: Iterable[Answer]) -> Iterable[str]:
    """Each refusal that names a row has that row to itself, about its own action."""
    named = Counter(answer.row for answer in answers if answer.row is not None)
    for answer in answers:
        if answer.row is None:
            continue
        kept = invariant.decisions.get(answer.row)
        if kept is None or kept.action != answer.action or kept.fields["verdict"] != (answer.qaqpa or {})["verdict"]:
            yield f"a client was refused {answer.action} by row {answer.row}, which does not say so"
        if named[answer.row] > 1:
            yield f"two clients were refused by row {answer.row}"


def _counted(action: str, answers: Sequence[Answer], kept: Sequence[Kept], *, log_was_cut: bool) -> Iterable[str]:
    told = Counter("broken" if answer.status is None else answer.status for answer in answers)
    ended = Counter(one.outcome or "unknown" for one in kept if one.let_through)
    done, broken = told[200], sum(count for status, count in told.items() if status not in {200, 403})
    refused = [answer for answer in answers if answer.status == 403]
    # Refused after it was allowed: what was judged changed meanwhile, or the stage is occupied.
    late = sum(answer.row is None and _NOT_KEPT.isdisjoint(answer.codes) for answer in refused)
    if not ended["written"] <= done + broken:
        yield f"{action}: written {ended['written']} times, and told {done} times"
    if ended["written"] + ended["unknown"] < done:
        yield f"{action}: told {done} times, and in the log {ended['written']} times"
    # Whose row came too late is refused, and the row may stand there nevertheless.
    open_ended = broken + sum(_LOG_UNUSABLE in answer.codes for answer in refused)
    if log_was_cut:
        open_ended += done + late - ended["written"] - ended["failed"]
    if ended["unknown"] > open_ended:
        yield f"{action}: {ended['unknown']} outcomes are unknown of {dict(ended)}, and clients were told {dict(told)}"
    if ended["failed"] + (ended["unknown"] if log_was_cut else 0) < late:
        yield f"{action}: {late} were refused after the decision, and {ended['failed']} of them are in the log"
    denied = sum(not one.let_through for one in kept)
    if not sum(answer.row is not None for answer in refused) <= denied <= len(refused) + broken:
        yield f"{action}: {denied} refusals are in the log, and {len(refused)} were told"


def _standing(served: Iterable[Served], decisions: Iterable[Kept], taken_out: Collection[str]) -> Iterable[str]:
    """What stands in production is what was written last, as far as the order of rows can tell."""
    there = {one.what: one for one in served}
    written: dict[str, list[Kept]] = {}
    for kept in decisions:
        if kept.let_through and kept.outcome != "failed":
            written.setdefault(kept.action.rpartition(" version ")[0], []).append(kept)
    for what, every in written.items():
        certain = [kept for kept in every if kept.outcome == "written"]
        if what not in there:
            if certain and every[0].fields["model"] not in taken_out:
                yield f"{what} was written, and is not there"
        elif not any(_may_be_last(kept, certain) for kept in every if kept.action == there[what].action):
            yield f"{there[what].action} stands, and another version was written after it"


def _may_be_last(kept: Kept, certain: Iterable[Kept]) -> bool:
    """False where something else was decided only after this one was done."""
    return kept.ended is None or all(other.seq < kept.ended or other.action == kept.action for other in certain)
