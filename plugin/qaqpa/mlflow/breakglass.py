# SPDX-License-Identifier: Apache-2.0
"""Break-glass: two persons let through what the gate refuses, once, and somebody else has to look back at it.

The verdict stays what it is. An override is used up in the decision log before anything is written, and is void for
everything but its bytes, stage and context. It lifts what the policies say, or that nobody could ask them; never that
the gate does not know whom to believe, which bytes there are, what time it is, or where to record it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from qaqpa import times
from qaqpa.config import OverrideSettings
from qaqpa.escape import visible
from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.kinds import LEAST_SIGNERS, OVERRIDE, OVERRIDE_REVIEW
from qaqpa.mlflow import metrics
from qaqpa.mlflow.denial import RefusedError, log, show
from qaqpa.mlflow.identity import acting_user
from qaqpa.mlflow.saying import problem, say
from qaqpa.model import Decision, Evidence, JsonObject, Problem, Request, Separation, Status, Verdict
from qaqpa.record.log.asked import Claim
from qaqpa.record.log.decisions import DecisionLog
from qaqpa.record.log.errors import LogError, OverrideUsedError
from qaqpa.record.log.uses import Use

OVERDUE, USED = "override_review_overdue", "override_used"
"""Codes of problems: a review is overdue; the only override that is there was used before."""

_LIFTED = frozenset({"engine_failed", "separation_of_duties", OVERDUE})
"""Problems that an override lifts. With any other the gate does not know enough to let anything through."""

_MOST_TICKET = 60


@dataclass(frozen=True)
class Known:
    """What a registry keeps about overrides: statements about them, and who signed each, as party id and unit."""

    carried: Sequence[Carried] = ()
    signers: Mapping[str, AbstractSet[tuple[str, str]]] = field(default_factory=dict)


LookUp = Callable[[Iterable[str]], Known]
"""From SHA-256 of overrides to what is kept about them."""


@dataclass(frozen=True)
class Grant:
    """An override by which one decision is to be let through; nothing is used up yet."""

    fact: Evidence
    request: Request
    verdict: Verdict
    action: str

    def fields(self, decisions: Sequence[int], due: datetime) -> JsonObject:
        """What the log says of its use, for ever: no personal data."""
        subject = self.request.subject
        return {
            "decisions": list(decisions),
            "verdict": self.verdict.value,
            "model": subject.name,
            "version": subject.version,
            "workspace": subject.workspace,
            "created": subject.created_ms,
            "digest": subject.digest,
            "stage": self.request.stage.value,
            "context": self.request.context_digest,
            "ends": times.render(self.fact.expires_at) if self.fact.expires_at else None,
            "due": times.render(due),
        }

    def about(self) -> JsonObject:
        """What is kept beside that, and can be erased."""
        return {
            "ticket": self.fact.predicate["ticket"],
            "reason": self.fact.predicate["reason"],
            "signers": [[signer.id, signer.unit] for signer in self.fact.signers],
            "envelope": self.fact.envelope,
            "user": acting_user(),
            "action": self.action,
        }


class BreakGlass:
    """The overrides of one server. Without a decision log there are none."""

    def __init__(self, kept_in: DecisionLog | None, settings: OverrideSettings) -> None:
        """Remembers both.

        Args:
            kept_in: the decision log.
            settings: how long a review may take.
        """
        self._log = kept_in
        self._settings = settings

    def with_debts(self, ask: Callable[[Sequence[Carried]], Request], look_up: LookUp) -> Request:
        """A request that knows which reviews are overdue. What is reviewed by now is recorded on the way.

        Args:
            ask: makes the request, with more evidence than it has by itself.
            look_up: what the registry keeps about overrides that nobody has reviewed.

        Raises:
            LogError: a review could not be recorded.
        """
        request = ask(())
        owed = [use for use in self._uses() if use.review is None and use.concerns(request.subject)]
        if not owed:
            return request
        known = look_up([use.sha256 for use in owed])
        if known.carried:
            request = ask(known.carried)
        problems = [self._settled(use, request, known) for use in owed]
        return replace(request, problems=(*request.problems, *filter(None, problems)))

    def grant(self, request: Request, decision: Decision, action: str) -> Grant | None:
        """The override that lets a decision through: of those that were never used the one that ends first."""
        if self._log is None or not _is_lifted(request, decision):
            return None
        used = {use.sha256 for use in self._uses()}
        found = [fact for fact in _overrides(request) if fact.id not in used]
        first = min(found, key=lambda fact: (fact.expires_at or request.now, fact.id), default=None)
        return Grant(first, request, decision.verdict, action) if first else None

    def note(self, request: Request) -> Problem | None:
        """Why an override that is there and counts does not help: it was used before."""
        there = {fact.id for fact in _overrides(request)}
        for use in self._uses():
            if use.sha256 in there:
                return Problem(USED, f"{use.sha256}: {use.entry.at}, row {use.entry.seq}.")
        return None

    def claim(self, grants: Sequence[tuple[int, Grant]]) -> Mapping[int, int]:
        """Uses overrides up, all or none, at the very moment of the write; the rows that say so, by decision.

        Raises:
            RefusedError: one was used before, has ended, or cannot be recorded.
        """
        if not grants or self._log is None:
            return {}
        now = times.now()
        due = now + timedelta(days=self._settings.review_days)
        together: dict[str, list[tuple[int, Grant]]] = {}
        for number, grant in grants:
            if not grant.fact.expires_at or grant.fact.expires_at <= now:
                raise _refusal(grant, "override_ended")
            together.setdefault(grant.fact.id, []).append((number, grant))
        first = grants[0][1]
        claims = [
            Claim(sha256, some[0][1].fields([number for number, _ in some], due), some[0][1].about())
            for sha256, some in together.items()
        ]
        try:
            rows = self._log.claim(claims)
        except OverrideUsedError as error:
            raise _refusal(first, USED, f"{error.at}, row {error.seq}.") from error
        except LogError as error:
            log.error("qaqpa: the use of an override could not be recorded: %s", visible(error, 2000))
            raise _refusal(first, "log_unusable", say("line.override_unused")) from error
        for row, some in zip(rows, together.values(), strict=True):
            _say(row, some[0][1], due)
        return {number: row for row, some in zip(rows, together.values(), strict=True) for number, _ in some}

    def _uses(self) -> Sequence[Use]:
        return self._log.uses if self._log else ()

    def _settled(self, use: Use, request: Request, known: Known) -> Problem | None:
        """Records the review of a use; a problem where there is none though it was due."""
        objections = set()
        for fact in request.aside:
            if fact.kind == OVERRIDE_REVIEW and fact.predicate["statement"] == use.sha256:
                why = _objection(fact, use, known.signers.get(use.sha256, frozenset()))
                if not why:
                    self._record(use, fact, request)
                    return None
                objections.add(why)
        if not use.is_overdue(request.now):
            return None
        due = times.render(use.due) if use.due else "now"
        ticket = visible(use.ticket, _MOST_TICKET)
        detail = f"Ticket {ticket}, row {use.entry.seq} of the decision log, due {due}: {use.sha256}."
        return Problem(OVERDUE, " ".join([detail, *sorted(objections)]))

    def _record(self, use: Use, review: Evidence, request: Request) -> None:
        """Records a review; of a copy's people nobody was shown to be independent of those of the model itself."""
        if self._log is None or not use.is_of(request.subject):
            return
        about = {**review.predicate, "signers": [[signer.id, signer.unit] for signer in review.signers]}
        self._log.reviewed(use, review.id, str(review.predicate["outcome"]), about)
        log.warning("qaqpa: the override of row %d was reviewed: %s", use.entry.seq, review.id)


def _is_lifted(request: Request, decision: Decision) -> bool:
    """True where only the policies refuse, or only they could not be asked."""
    codes = {problem["code"] for problem in decision.problems}
    if decision.verdict is Verdict.ALLOW or request.as_of or not codes <= _LIFTED:
        return False
    if request.actor is None and request.settings.separation_of_duties is Separation.REQUIRED:
        return False
    undecided = any(finding["status"] == Status.UNDECIDED.value for finding in decision.findings)
    return decision.verdict is Verdict.DENY or (bool(codes) and not undecided)


def _overrides(request: Request) -> list[Evidence]:
    """The overrides for this request that count; most of it was checked before, but here everything rests on it."""
    return [
        fact
        for fact in request.aside
        if fact.kind == OVERRIDE
        and request.subject.digest
        and request.context_digest
        and fact.predicate["stage"] == request.stage.value
        and fact.expires_at
        and fact.expires_at > request.now
        and len({signer.id for signer in fact.signers}) >= LEAST_SIGNERS[OVERRIDE]
    ]


def _objection(review: Evidence, use: Use, kept: AbstractSet[tuple[str, str]]) -> str:
    """Why a review does not count for a use; empty where it does."""
    signers = {*use.signers, *kept}
    if not signers:
        return "Who signed the override is not known any more, so nobody is shown to be independent of them."
    if review.issued_at is None or review.issued_at < times.parse(use.entry.at):
        return "The review that is there was signed before the override was used."
    ids, units = ({pair[place] for pair in signers} for place in (0, 1))
    if all(signer.id in ids or signer.unit in units for signer in review.signers):
        return "The review that is there was signed by nobody but signers of the override, or their unit."
    return ""


def _say(row: int, grant: Grant, due: datetime) -> None:
    signers = ", ".join(signer.id for signer in grant.fact.signers)
    who = visible(acting_user() or "somebody not logged in")
    log.error(
        "qaqpa: OVERRIDDEN: %s, asked by %s, though the verdict is %s. Override %s (row %d), ticket %s, signed by %s; "
        "its review is due on %s",
        *(visible(grant.action), who, grant.verdict.value, grant.fact.id, row),
        *(visible(grant.fact.predicate["ticket"]), visible(signers), times.render(due)),
        extra={
            "qaqpa": {
                "event": "overridden",
                "row": row,
                "override": grant.fact.id,
                "verdict": grant.verdict.value,
                "model": visible(grant.request.subject.name),
                "version": grant.request.subject.version,
                "user": acting_user(),
                "due": times.render(due),
            }
        },
    )
    metrics.overridden()
    show(grant.verdict.value, "enforce", override=row)


def _refusal(grant: Grant, code: str, detail: str = "") -> RefusedError:
    why = problem(code, detail)
    message = f"{say('line.override', action=visible(grant.action))} {why}"
    log.warning("qaqpa: refused: %s", visible(message, 2000))
    show(grant.verdict.value, "enforce")
    details = {
        "verdict": grant.verdict.value,
        "mode": "enforce",
        "stage": grant.request.stage.value,
        "findings": [],
        "problems": [{"code": code, "detail": why}],
        "user": acting_user(),
    }
    return RefusedError(message, details)
