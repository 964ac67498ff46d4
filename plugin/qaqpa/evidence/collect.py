# SPDX-License-Identifier: Apache-2.0
"""From what was carried to what counts: facts about exactly this subject, and refusals with a reason.

Nothing is chosen here: every sound statement counts, and the policies let the worst one decide. Too many statements to
read make the decision `undecided`; a selection would be a choice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from qaqpa import times
from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.kinds import SYSTEM, kind
from qaqpa.evidence.statement import Statement, context_digest, parse_statement
from qaqpa.model import Evidence, JsonObject, Problem, Rejection, Stage, Subject

MAX_CARRIED = 500
"""Most pieces of evidence that are read for one decision."""

MAX_CHARACTERS = 100_000
"""Longest single piece, the size of a registry tag."""

MAX_TOTAL_CHARACTERS = 4_000_000
"""Most characters that are read for one decision, all pieces together."""

_CLOCK_SKEW = timedelta(minutes=5)
_MAX_DETAIL = 500


@dataclass(frozen=True)
class Collected:
    """What counts for one subject."""

    context: JsonObject | None
    context_digest: str | None
    evidence: Sequence[Evidence]
    rejected: Sequence[Rejection]
    problems: Sequence[Problem]


def collect(carried: Iterable[Carried], subject: Subject, stage: Stage, now: datetime) -> Collected:
    """Sorts what was carried into facts, refusals and problems.

    Args:
        carried: everything that claims to be evidence.
        subject: what it must be about.
        stage: drafts count at `review` only.
        now: the moment of the decision, UTC.
    """
    pieces = list(dict.fromkeys(carried))
    total = sum(len(piece.text) for piece in pieces)
    if len(pieces) > MAX_CARRIED or total > MAX_TOTAL_CHARACTERS:
        detail = (
            f"{len(pieces)} pieces of evidence with {total} characters are more than the {MAX_CARRIED} pieces and "
            f"{MAX_TOTAL_CHARACTERS} characters that can be read."
        )
        return Collected(None, None, (), (), (Problem("too_much_evidence", detail),))
    collector = _Collector(subject, stage, now)
    for piece in pieces:
        collector.read(piece)
    return collector.result()


class _Collector:
    """Reads all pieces first, since which context holds decides what the others are about."""

    def __init__(self, subject: Subject, stage: Stage, now: datetime) -> None:
        self._subject = subject
        self._stage = stage
        self._now = now
        self._read: list[tuple[Carried, Statement]] = []
        self._rejected: list[Rejection] = []
        self._problems: list[Problem] = []

    def read(self, piece: Carried) -> None:
        named = piece.kind
        try:
            statement = self._statement(piece)
            named = statement.kind.name
            self._check_time(statement)
            self._check_model(statement)
        except StatementError as error:
            self._reject(error.code, piece, error.detail, named)
        else:
            self._read.append((piece, statement))

    def result(self) -> Collected:
        context = self._context()
        digest = context.context_digest if context else None
        facts = []
        for piece, statement in self._read:
            refusal = None if piece.draft else self._unbound(statement, digest)
            if refusal:
                self._reject(refusal[0], piece, refusal[1], statement.kind.name)
            else:
                facts.append(_fact(piece, statement))
        # The same payload may arrive by two ways, and counts once.
        unique = {fact.id: fact for fact in facts}
        return Collected(
            context=context.facts if context else None,
            context_digest=digest,
            evidence=sorted(unique.values(), key=lambda fact: (fact.kind, fact.id)),
            rejected=sorted(self._rejected, key=lambda refusal: (refusal.kind, refusal.code, refusal.source)),
            problems=self._problems,
        )

    def _statement(self, piece: Carried) -> Statement:
        if len(piece.text) > MAX_CHARACTERS:
            raise StatementError("too_large", f"It is longer than {MAX_CHARACTERS} characters.")
        statement = self._draft(piece) if piece.draft else parse_statement(piece.text)
        if piece.kind and statement.kind.name != piece.kind:
            raise StatementError("kind_mismatch", f"It is carried as {piece.kind} and is {statement.kind.name}.")
        return statement

    def _draft(self, piece: Carried) -> Statement:
        if self._stage is not Stage.REVIEW:
            raise StatementError("draft", f"A draft counts at review only; attest it with `qaqpa attest {piece.kind}`.")
        content = json.loads(piece.text)
        own = context_digest(content) if piece.kind == SYSTEM else None
        return Statement(
            kind=kind(piece.kind),
            id=hashlib.sha256(piece.text.encode()).hexdigest(),
            content=content,
            registered_model=self._subject.name,
            model_digest=None,
            context_digest=own,
            issued_at=self._now,
            expires_at=None,
        )

    def _check_time(self, statement: Statement) -> None:
        if statement.issued_at > self._now + _CLOCK_SKEW:
            raise StatementError("dated_in_future", f"It is dated {times.render(statement.issued_at)}, in the future.")
        if statement.expires_at and statement.expires_at <= self._now:
            raise StatementError("expired", f"It ended on {times.render(statement.expires_at)}.")

    def _check_model(self, statement: Statement) -> None:
        if statement.kind.name == SYSTEM and not self._names_subject(statement):
            detail = f"The context does not name the registered model {self._subject.name}."
            raise StatementError("other_model", detail)

    def _context(self) -> Statement | None:
        """The context with the highest version; two of the same version that differ leave nothing to decide on."""
        own = [statement for _, statement in self._read if statement.kind.name == SYSTEM]
        if not own:
            return None
        highest = max(statement.content["version"] for statement in own)
        latest = [statement for statement in own if statement.content["version"] == highest]
        if len({statement.context_digest for statement in latest}) > 1:
            detail = f"Two contexts of version {highest} differ; give the right one a higher version."
            self._problems.append(Problem("context_conflict", detail))
            return None
        return latest[0]

    def _names_subject(self, statement: Statement) -> bool:
        subject = self._subject
        return any(
            model["name"] == subject.name
            and model.get("workspace", "default") == subject.workspace
            and model.get("created", subject.created_ms) == subject.created_ms
            for model in statement.content["models"]
        )

    def _unbound(self, statement: Statement, digest: str | None) -> tuple[str, str] | None:
        """Why a statement is not about this subject, as code and sentence; None when it is."""
        if "model" in statement.kind.binds and statement.model_digest != self._subject.digest:
            return "other_model", "It is about other model bytes."
        if "system" not in statement.kind.binds:
            return None
        if digest is None:
            return "context_missing", "It is about a system, and no context of this model is there."
        if statement.context_digest != digest:
            return "other_context", "It is about another system, or about an older or newer context."
        return None

    def _reject(self, code: str, piece: Carried, detail: str, named: str) -> None:
        # A sentence may quote what is refused, which may be as long as a tag.
        self._rejected.append(Rejection(code, named, piece.source, detail[:_MAX_DETAIL]))


def _fact(piece: Carried, statement: Statement) -> Evidence:
    return Evidence(
        kind=statement.kind.name,
        id=statement.id,
        strength=statement.strength,
        predicate=statement.facts,
        source=piece.source,
        issued_at=statement.issued_at,
        expires_at=statement.expires_at,
    )
