# SPDX-License-Identifier: Apache-2.0
"""From what was carried to what counts: facts about exactly this subject, and refusals with a reason.

Nothing is chosen here: every sound statement counts, and the policies let the worst one decide. Too many statements to
read make the decision `undecided`; a selection would be a choice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from qaqpa import times
from qaqpa.evidence.carriers import MAX_CARRIED, Carried
from qaqpa.evidence.clock import Clock
from qaqpa.evidence.contexts import Candidate, choose, standing
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.kinds import NEVER_JUDGED, OVERRIDE, SYSTEM, WAIVER
from qaqpa.evidence.parties import Parties
from qaqpa.evidence.people import DEPLOYER, People, actor_id, people_of
from qaqpa.evidence.pieces import Piece, read_pieces, rejection
from qaqpa.evidence.signing import CLOCK_SKEW, Signing
from qaqpa.evidence.statement import Statement
from qaqpa.evidence.verify import authorised, check_age, check_exception, counted, end_of, keys_end, rule_of, signer
from qaqpa.model import Evidence, JsonObject, Problem, Recorded, Rejection, Rollback, Signer, Stage, Strength, Subject

MAX_TOTAL_CHARACTERS = 4_000_000
"""Most characters that are read for one decision, all pieces together."""

_MAX_CARRIERS = 10_000
_STRENGTHS = list(Strength)
# What may happen to a signer later, or depends on what others say of the signer.
_ONLY_WHO_SIGNED = frozenset(
    {
        *("not_independent", "same_unit", "trainer_unknown", "people_unknown"),
        *("too_few_signers", "key_expired", "key_revoked"),
    }
)
_log = logging.getLogger(__name__)

ENDED = frozenset({"expired", "expired_by_rule", "key_expired"})
"""Codes of refusals of what has merely ended."""


@dataclass(frozen=True)
class Collected:
    """What counts for one subject.

    `actor` is the party id of whoever asks, None where that is not known. `standing_context` is the digest of the
    latest context that was signed, though it may have ended.
    `aside` are the overrides and their reviews that count: facts that no policy sees.
    """

    context: JsonObject | None
    context_digest: str | None
    evidence: Sequence[Evidence]
    rejected: Sequence[Rejection]
    problems: Sequence[Problem]
    actor: str | None = None
    standing_context: str | None = None
    aside: Sequence[Evidence] = ()

    @property
    def everything(self) -> Sequence[Evidence]:
        """All facts, those that no policy sees too."""
        return [*self.evidence, *self.aside]

    @property
    def accepted(self) -> Sequence[Evidence]:
        """The facts without those that were refused and are only heard where they say that something is wrong."""
        return [fact for fact in self.everything if not fact.against_only]


def collect(  # noqa: PLR0913 - each argument is a part of the question
    carried: Iterable[Carried],
    subject: Subject,
    stage: Stage,
    now: datetime,
    *,
    parties: Parties | None = None,
    minimum: Strength = Strength.DECLARED,
    asked_by: str | None = None,
    rollback: Rollback | None = None,
) -> Collected:
    """Sorts what was carried into facts, refusals and problems.

    Args:
        carried: everything that claims to be evidence.
        subject: what it must be about.
        stage: drafts count at `review` only, and what nobody signed never makes a context in `production`.
        now: the moment of the decision, UTC.
        parties: who may sign what. Without it nobody's signature counts.
        minimum: the least strength that the configuration asks for.
        asked_by: the login of whoever asks for the promotion.
        rollback: the earlier decision to which the model goes back; what counted in it and has merely ended since
            counts here too, marked with its end.
    """
    pieces = list(dict.fromkeys(carried))
    # Copies of one text are one piece: whoever can read an envelope can copy it as often as tags allow.
    texts = {(piece.text, piece.draft) for piece in pieces}
    total = sum(len(text) for text, _ in texts)
    if len(texts) > MAX_CARRIED or total > MAX_TOTAL_CHARACTERS or len(pieces) > _MAX_CARRIERS:
        detail = (
            f"{len(pieces)} pieces of evidence with {total} characters are more than the {MAX_CARRIED} pieces and "
            f"{MAX_TOTAL_CHARACTERS} characters that can be read."
        )
        return Collected(None, None, (), (), (Problem("too_much_evidence", detail),))
    read, rejected = read_pieces(pieces, subject, stage, now)
    least = Strength.SIGNED if stage is Stage.PRODUCTION else Strength.DECLARED
    clock = Clock(now, rollback)
    collector = _Collector(read, subject, stage, clock, parties, max(minimum, least, key=_STRENGTHS.index))
    return collector.result(rejected, asked_by)


class _Collector:
    """Reads all pieces first: who signed a withdrawal, who trained, and which context holds decide about the others."""

    def __init__(  # noqa: PLR0913 - it is made in one place
        self,
        pieces: Sequence[Piece],
        subject: Subject,
        stage: Stage,
        clock: Clock,
        parties: Parties | None,
        least: Strength,
    ) -> None:
        self._pieces = pieces
        self._subject = subject
        self._stage = stage
        self._clock = clock
        self._now = clock.now
        self._parties = parties
        self._least = least
        self._signing = Signing(pieces, parties, clock)
        self._people: People | None = None

    def result(self, rejected: Sequence[Rejection], asked_by: str | None) -> Collected:
        if self._parties:
            deployer = [Recorded(DEPLOYER, asked_by, "who asks for the promotion", trusted=True)] if asked_by else []
            named = self._signing.named(self._subject.name)
            self._people = people_of(self._parties, [*self._subject.people, *deployer], named)
        refused = list(rejected)
        candidates = []
        for piece in self._of(system=True):
            fact = self._judged(piece, None, refused)
            # Whoever may sign a context may take it back; whoever may not any more leaves it as the latest.
            withdrawn = fact is None and refused[-1].code == "withdrawn"
            authentic = not withdrawn and self._names_subject(piece.statement) and self._signing.is_authentic(piece)
            candidates.append(Candidate(piece.statement, fact, authentic, self._is_strong(fact)))
        context, problem = choose(candidates)
        digest = context.context_digest if context else None
        facts = []
        for candidate in candidates:
            objection = candidate.objection(context, conflict=problem is not None)
            if candidate.fact and objection:
                refused.append(rejection(objection, SYSTEM, candidate.fact.source))
            elif candidate.fact:
                facts.append(candidate.fact)
        facts += filter(None, [self._judged(piece, digest, refused) for piece in self._of(system=False)])
        facts.sort(key=lambda fact: (fact.kind, fact.id))
        return Collected(
            context=context.facts if context else None,
            context_digest=digest,
            evidence=[fact for fact in facts if fact.kind not in NEVER_JUDGED],
            rejected=sorted(refused, key=lambda refusal: (refusal.kind, refusal.code, refusal.source)),
            problems=[problem] if problem else [],
            actor=actor_id(self._parties, asked_by) if asked_by and self._parties else None,
            standing_context=standing(candidates),
            aside=[fact for fact in facts if fact.kind in NEVER_JUDGED],
        )

    def _of(self, *, system: bool) -> Iterator[Piece]:
        return (piece for piece in self._pieces if (piece.statement.kind.name == SYSTEM) == system)

    def _judged(self, piece: Piece, context_digest: str | None, refused: list[Rejection]) -> Evidence | None:
        """The fact that a piece is; None where it is refused, or is no fact."""
        statement = piece.statement
        against = None
        try:
            return self._fact(piece, context_digest)
        except StatementError as error:
            refusal = error
            against = self._against(piece, error.code)
        except Exception:  # noqa: BLE001 - whatever it is, the evidence is refused
            _log.exception("evidence could not be judged: %s", statement.id)
            refusal = StatementError("malformed", "It could not be judged; the log says why.")
        refused.append(rejection(refusal, statement.kind.name, piece.source))
        return against

    def _fact(self, piece: Piece, context_digest: str | None) -> Evidence | None:
        statement = piece.statement
        signed = bool(piece.envelopes) and self._parties is not None
        if piece.envelopes and not signed and self._stage is not Stage.REVIEW:
            raise StatementError("no_parties", "No parties file says whose signature counts.")
        if signed and not self._signing.given(statement):
            raise StatementError("untrusted_signature", "Nobody whom the parties file knows signed it.")
        if not piece.draft:
            self._check_subject(statement, context_digest)
        if statement.issued_at > self._now + CLOCK_SKEW:
            raise StatementError("dated_in_future", f"It is dated {times.render(statement.issued_at)}, in the future.")
        if statement.expires_at and statement.expires_at <= self._clock.of(statement):
            raise StatementError("expired", f"It ended on {times.render(statement.expires_at)}.")
        check_exception(statement)
        if statement.withdraws:
            return None
        if signed and self._parties and self._people:
            fact = self._signed_fact(piece, self._parties, self._people)
        elif statement.kind.name in {WAIVER, *NEVER_JUDGED}:
            detail = f"A statement of kind {statement.kind.name} counts only when it is signed, at every stage."
            raise StatementError("untrusted_signature", detail)
        else:
            fact = _evidence(piece, Strength.DECLARED, statement.expires_at)
        fact = replace(fact, ended_at=self._clock.ended(fact.counts_until))
        # Last, because what keeps the context from counting often keeps this from counting too, and says more.
        if "system" in statement.kind.binds and not (piece.draft or context_digest or statement.kind.name == SYSTEM):
            raise StatementError("context_missing", "It is about a system, and no context of this model counts.")
        return fact

    def _signed_fact(self, piece: Piece, parties: Parties, people: People) -> Evidence:
        statement = piece.statement
        rule = rule_of(statement, parties)
        ends = self._clock.of(statement)
        check_age(statement, rule, ends)
        persons = authorised(statement, self._signing.given(statement), rule, self._now, ends)
        must_be_shown = self._stage is not Stage.REVIEW
        found = counted(statement, persons, rule, people, must_be_shown=must_be_shown)
        if self._signing.is_withdrawn(statement, [one.id for one in found.signers]):
            raise StatementError("withdrawn", "Everybody who signed it has withdrawn it.")
        if statement.kind.name == OVERRIDE:
            self._check_standing(statement, {one.id for one in found.signers}, rule.threshold)
        fact = _evidence(piece, found.strength, found.expires_at, found.signers)
        ids = [one.id for one in found.signers]
        keys = keys_end(self._signing.given(statement), ids, statement.issued_at, self._now, ends)
        return replace(fact, counts_until=min(filter(None, (found.expires_at, keys))))

    def _check_standing(self, statement: Statement, signers: set[str], threshold: int) -> None:
        """Too few is what is left of an override where one of them takes back what was signed."""
        gone = sorted(signers & self._signing.withdrawers(statement.id))
        if gone and len(signers) - len(gone) < threshold:
            raise StatementError("withdrawn", f"{', '.join(gone)} signed it and has withdrawn it.")

    def _against(self, piece: Piece, code: str) -> Evidence | None:
        """What a statement that is refused for who signed it can still say: that something is wrong.

        Otherwise whoever makes an auditor look dependent, or waits until a key ends, would silence a failed audit. In a
        rollback what others said since is heard too, though it has ended as well.
        """
        statement = piece.statement
        heard = code in _ONLY_WHO_SIGNED or (code in ENDED and self._ended_since(statement))
        if not heard or statement.kind.name in {SYSTEM, WAIVER, *NEVER_JUDGED} or not self._people:
            return None
        persons = self._signing.authentic(piece, statement.issued_at, threshold=1)
        if not persons or self._signing.is_withdrawn(statement, persons):
            return None
        signers = [signer(person, self._people) for _, person in sorted(persons.items())]
        return replace(_evidence(piece, Strength.SIGNED, statement.expires_at, signers), against_only=True)

    def _ended_since(self, statement: Statement) -> bool:
        """True for what had not ended at the earlier decision to which the model goes back."""
        rule = self._parties.rules.get(statement.kind.name) if self._parties and self._clock.rollback else None
        return rule is not None and end_of(statement, rule) > self._clock.earliest

    def _check_subject(self, statement: Statement, digest: str | None) -> None:
        """Refuses what is about something else: other bytes, another system or context, another stage."""
        binds = statement.kind.binds
        if statement.kind.name == SYSTEM:
            if not self._names_subject(statement):
                detail = f"The context does not name the registered model {self._subject.name}."
                raise StatementError("other_model", detail)
            return
        if "model" in binds and statement.model_digest != self._subject.digest:
            raise StatementError("other_model", "It is about other model bytes.")
        if "system" in binds and digest and statement.context_digest != digest:
            raise StatementError("other_context", "It is about another system, or about an older or newer context.")
        # A review promotes nothing: it asks whether what a later stage needs is being prepared.
        if statement.stage and self._stage not in {statement.stage, Stage.REVIEW}:
            raise StatementError("other_stage", f"It is for {statement.stage.value}.")

    def _names_subject(self, statement: Statement) -> bool:
        subject = self._subject
        return any(
            model["name"] == subject.name
            and model.get("workspace", "default") == subject.workspace
            and model.get("created", subject.created_ms) == subject.created_ms
            for model in statement.content["models"]
        )

    def _is_strong(self, fact: Evidence | None) -> bool:
        return fact is not None and _STRENGTHS.index(fact.strength) >= _STRENGTHS.index(self._least)


def _evidence(
    piece: Piece, strength: Strength, expires_at: datetime | None, signers: Sequence[Signer] = ()
) -> Evidence:
    statement = piece.statement
    return Evidence(
        kind=statement.kind.name,
        id=statement.id,
        strength=strength,
        predicate=statement.facts,
        source=piece.source,
        issued_at=statement.issued_at,
        expires_at=expires_at,
        counts_until=expires_at,
        envelope=piece.envelope_digest if signers else "",
        signers=signers,
    )
