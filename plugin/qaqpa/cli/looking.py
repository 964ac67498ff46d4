# SPDX-License-Identifier: Apache-2.0
"""What a target carries, read for people: each statement, whether it counts at a stage, and why it does not."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from qaqpa import times
from qaqpa.cli.common import Target, parties_for, read_target
from qaqpa.cli.placing import short_id
from qaqpa.config import load_config
from qaqpa.errors import UsageError
from qaqpa.evidence.carriers import TAG_PREFIX, Carried
from qaqpa.evidence.collect import Collected, collect
from qaqpa.evidence.envelope import render, signed_by
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.parties import Parties
from qaqpa.evidence.pieces import Piece, read_pieces, read_statement
from qaqpa.model import Evidence, Rejection, Settings, Stage, Strength
from qaqpa.policy.bundle import Catalog
from qaqpa.report.texts import Texts

TEXTS = Texts(Catalog({}, {}, {}))
"""The report's own texts; none of the catalog's is needed here."""

_SHORTEST_ID = 6


@dataclass(frozen=True)
class Signed:
    """One signature of an envelope: its key, whose it is, and why it does not count; `code` is empty where it does."""

    key_id: str
    person: str
    code: str = ""
    why: str = ""
    independent: bool = False


@dataclass(frozen=True)
class Look:
    """What was read, and what of it counts at a stage. `unreadable` is what holds no statement."""

    target: Target
    stage: Stage
    now: datetime
    parties: Parties | None
    minimum: Strength
    collected: Collected
    pieces: Sequence[Piece]
    unreadable: Sequence[Rejection] = ()

    def found(self, start: str) -> Piece:
        """The statement whose id begins with some digits.

        Raises:
            UsageError: there is none, or more than one.
        """
        wanted = start.lower()
        if len(wanted) < _SHORTEST_ID:
            required = f"at least {_SHORTEST_ID} digits of its SHA-256"
            raise UsageError(f"{start!r} is too short for the id of a statement", where="ID", required=required)
        found = [piece for piece in self.pieces if piece.statement.id.startswith(wanted)]
        if not found:
            mend = "`qaqpa evidence list` lists what is there"
            raise UsageError(f"There is no statement {start!r}", where=self.target.name, mend=mend)
        if len(found) > 1:
            ids = ", ".join(short_id(piece.statement.id) for piece in found)
            raise UsageError(f"More than one statement begins with {start!r}: {ids}", where=self.target.name)
        return found[0]

    def fact(self, piece: Piece) -> Evidence | None:
        """The fact that a statement is; None where it does not count."""
        return next((fact for fact in self.collected.accepted if fact.id == piece.statement.id), None)

    def refusal(self, piece: Piece) -> Rejection | None:
        """Why a statement does not count; None where it does, or makes no fact."""
        kind = piece.statement.kind.name
        refusals = (one for one in self.collected.rejected if (one.source, one.kind) == (piece.source, kind))
        return next(refusals, None) if self.fact(piece) is None else None

    def withdrawals(self) -> list[Piece]:
        """The withdrawals that were not refused; they make no facts."""
        return [piece for piece in self.pieces if piece.statement.withdraws and self.refusal(piece) is None]

    def signatures(self, piece: Piece) -> list[Signed]:
        """Each signature of a statement, judged as if it were the only one and one were enough."""
        return [self._signature(piece, key_id, signature) for key_id, signature in _pairs(piece)]

    def _signature(self, piece: Piece, key_id: str, signature: bytes) -> Signed:
        if self.parties is None:
            return Signed(key_id, "", "no_parties", "No parties file says whose key this is.")
        owner = self.parties.key_owner(key_id)
        if owner is None:
            return Signed(key_id, "", "untrusted_signature", "The parties file does not list this key.")
        alone = replace(piece.envelopes[0], signatures=((key_id, signature),))
        if not signed_by(alone, owner[1].public):
            return Signed(key_id, owner[0].id, "untrusted_signature", "The signature is not one of this text.")
        own = Carried("this signature", render(alone), piece.statement.kind.name)
        others = [one for one in self.target.carried if one.draft or not _holds(one, piece.statement.id)]
        name = piece.statement.kind.name
        rule = self.parties.rules.get(name)
        rules = {**self.parties.rules, name: replace(rule, threshold=1)} if rule else self.parties.rules
        parties = replace(self.parties, rules=rules)
        found = self._collect([own, *others], parties)
        fact = next((fact for fact in found.accepted if fact.id == piece.statement.id), None)
        if fact:
            return Signed(key_id, owner[0].id, independent=fact.strength is Strength.INDEPENDENT)
        refusal = next((one for one in found.rejected if one.source == own.source), None)
        if refusal:
            return Signed(key_id, owner[0].id, refusal.code, refusal.detail)
        return Signed(key_id, owner[0].id)

    def _collect(self, carried: Sequence[Carried], parties: Parties) -> Collected:
        return collect(carried, self.target.subject, self.stage, self.now, parties=parties, minimum=self.minimum)


def look(args: argparse.Namespace) -> Look:
    """Reads the target that a command names, as the gate would at a stage.

    Raises:
        QaqpaError: the target or the configuration cannot be read.
    """
    now = times.now()
    config = load_config(args.config)
    target = read_target(args.target, args.registry_uri)
    stage = Stage(args.stage) if args.stage else Stage.PRODUCTION if target.in_registry else Stage.REVIEW
    return look_at(target, stage, now, parties_for(config, args.target, now), config.settings_for(stage))


def look_at(target: Target, stage: Stage, now: datetime, parties: Parties | None, settings: Settings) -> Look:
    """What of a target counts at a stage."""
    minimum = settings.minimum_strength
    collected = collect(target.carried, target.subject, stage, now, parties=parties, minimum=minimum)
    if any(problem.code == "too_much_evidence" for problem in collected.problems):
        return Look(target, stage, now, parties, minimum, collected, ())
    pieces, unreadable = read_pieces(dict.fromkeys(target.carried), target.subject, stage, now)
    return Look(target, stage, now, parties, minimum, collected, pieces, unreadable)


def place(source: str, kind: str, statement: str = "") -> str:
    """Where a statement came from; a tag's name is left out where it only repeats the kind and the id."""
    name = f"{TAG_PREFIX}{kind}.{short_id(statement)}"
    return source.replace(f"tag {name}", "tag", 1) if statement else source


def _holds(carried: Carried, statement: str) -> bool:
    try:
        return read_statement(carried.text)[0].id == statement
    except StatementError:
        return False


def _pairs(piece: Piece) -> list[tuple[str, bytes]]:
    return list(dict.fromkeys(pair for envelope in piece.envelopes for pair in envelope.signatures))
