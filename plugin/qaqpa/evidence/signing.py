# SPDX-License-Identifier: Apache-2.0
"""Who signed what, of all that was carried: good signatures, withdrawals, and the people whom statements name.

What has ended still says something here: it can name a trainer, and a context that has ended is still the latest one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from qaqpa.evidence.clock import Clock
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.kinds import RESPONSIBILITY
from qaqpa.evidence.parties import Parties, Person
from qaqpa.evidence.people import OWNER, Named
from qaqpa.evidence.pieces import Piece
from qaqpa.evidence.statement import Statement
from qaqpa.evidence.verify import Signature, authorised, check_age, key_objection, rule_of, signatures

CLOCK_SKEW = timedelta(minutes=5)
"""How far in the future a statement may be dated, for clocks that differ."""


class Signing:
    """All good signatures on some pieces."""

    def __init__(self, pieces: Sequence[Piece], parties: Parties | None, clock: Clock) -> None:
        """Verifies every signature once.

        Args:
            pieces: what was carried.
            parties: who may sign; without it nobody did.
            clock: the moment of the decision, and by what time ends are judged.
        """
        self._pieces = pieces
        self._parties = parties
        self._clock = clock
        self._now = clock.now
        self._given = {piece.statement.id: signatures(piece.envelopes, parties) if parties else [] for piece in pieces}
        self._withdrawn = self._withdrawals()

    def given(self, statement: Statement) -> Sequence[Signature]:
        """The good signatures on a statement, by keys of the parties file."""
        return self._given[statement.id]

    def is_authentic(self, piece: Piece) -> bool:
        """True where somebody who might signed it, though it may have ended since."""
        return bool(self.authentic(piece, piece.statement.issued_at))

    def is_withdrawn(self, statement: Statement, signers: Collection[str]) -> bool:
        """True where all of its signers that count have withdrawn it."""
        return bool(signers) and self.withdrawers(statement.id) >= set(signers)

    def withdrawers(self, identity: str) -> frozenset[str]:
        """Who has withdrawn a statement, by its id; the statement itself need not be carried."""
        return frozenset(self._withdrawn.get(identity, ()))

    def named(self, model: str) -> Iterator[Named]:
        """Whom the statements of responsibility name for a registered model. One that has ended still adds.

        What nobody signed who may sign it names nobody: a wrong name would cost somebody else their independence.
        """
        for piece in self._pieces:
            statement = piece.statement
            if statement.kind.name != RESPONSIBILITY or statement.registered_model != model:
                continue
            signers = self.authentic(piece, statement.issued_at)
            if not signers or self.is_withdrawn(statement, signers):
                continue
            ends = self._clock.of(statement)
            trusted = bool(self.authentic(piece, self._now, ends=ends)) and not self._is_outdated(statement)
            yield from (Named(OWNER, signer, trusted) for signer in signers)
            for entry in statement.content.get("persons", []):
                yield Named(entry["role"], entry["id"], trusted)

    def authentic(
        self, piece: Piece, at: datetime, threshold: int | None = None, ends: datetime | None = None
    ) -> dict[str, Person]:
        """Who signed a statement and was authorised at a time, by id, whatever became of the statement.

        Nobody where they are fewer than `threshold`, by default that of the rule of the kind. The ends of keys are
        compared with `ends`, by default with that time too.
        """
        if not self._parties or piece.statement.issued_at > self._now + CLOCK_SKEW:
            return {}
        try:
            rule = rule_of(piece.statement, self._parties)
            asked = replace(rule, threshold=threshold) if threshold else rule
            return authorised(piece.statement, self._given[piece.statement.id], asked, at, ends)
        except StatementError:
            return {}

    def _withdrawals(self) -> defaultdict[str, set[str]]:
        """Who withdrew which statement: party ids by the statement's id."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for piece in self._pieces:
            statement = piece.statement
            in_time = statement.issued_at <= self._now + CLOCK_SKEW
            if statement.withdraws and in_time and not _has_ended(statement, self._clock.earliest):
                good = [own for own in self._given[statement.id] if self._key_counts(own, statement)]
                found[statement.withdraws] |= {signature.person.id for signature in good}
        return found

    def _key_counts(self, signature: Signature, statement: Statement) -> bool:
        return key_objection(signature.key, statement.issued_at, self._now, self._clock.earliest) is None

    def _is_outdated(self, statement: Statement) -> bool:
        ends = self._clock.of(statement)
        if _has_ended(statement, ends) or not self._parties:
            return True
        try:
            check_age(statement, rule_of(statement, self._parties), ends)
        except StatementError:
            return True
        return False


def _has_ended(statement: Statement, at: datetime) -> bool:
    return statement.expires_at is not None and statement.expires_at <= at
