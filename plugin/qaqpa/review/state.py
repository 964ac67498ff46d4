# SPDX-License-Identifier: Apache-2.0
"""A directory as it was judged: what it carried, what was asked about it, and what was decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from qaqpa.evidence.directory import Directory
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.kinds import SYSTEM
from qaqpa.evidence.pieces import read_statement
from qaqpa.evidence.trust import Trust
from qaqpa.gate import decide, request_about
from qaqpa.model import Decision, Evidence, JsonObject, Request, Settings, Stage, Strength
from qaqpa.policy.engine import Engine


@dataclass(frozen=True)
class State:
    """A directory and the decision about it.

    Attributes:
        directory: what was read.
        request: what was asked; only what counts.
        decision: the answer.
    """

    directory: Directory
    request: Request
    decision: Decision

    @cached_property
    def statements(self) -> frozenset[str]:
        """The ids of the statements that were carried, whether they count or not."""
        return frozenset(_ids(self.directory))

    @property
    def facts(self) -> list[Evidence]:
        """What counts, the context left out."""
        return [fact for fact in self.request.evidence if not fact.against_only and fact.kind != SYSTEM]

    @property
    def context(self) -> JsonObject:
        """The context that was judged by; empty where none counts."""
        return self.request.context or {}

    @property
    def context_is_signed(self) -> bool:
        """True where the context that counts was signed by somebody who may."""
        systems = (fact for fact in self.request.evidence if fact.kind == SYSTEM and not fact.against_only)
        return any(fact.strength is not Strength.DECLARED for fact in systems)


@dataclass(frozen=True)
class Judge:
    """Judges directories at the stage `review`, all by the same rules at the same moment."""

    engine: Engine
    profiles: Sequence[str]
    settings: Settings
    now: datetime
    trust: Trust | None = None
    as_of: bool = False

    def judge(self, directory: Directory) -> State:
        """The state of a directory."""
        request = request_about(
            directory.subject,
            directory.carried,
            stage=Stage.REVIEW,
            profiles=self.profiles,
            settings=self.settings,
            now=self.now,
            problems=directory.problems,
            trust=self.trust,
            as_of=self.as_of,
        )
        return State(directory, request, decide(request, self.engine))

    def in_context_of(self, state: State, other: State) -> Decision:
        """What would be decided about the evidence of one state in the context of another."""
        context, digest = other.request.context, other.request.context_digest
        return decide(replace(state.request, context=context, context_digest=digest), self.engine)


def _ids(directory: Directory) -> Iterable[str]:
    for carried in directory.carried:
        if not carried.draft:
            try:
                yield read_statement(carried.text)[0].id
            except StatementError:
                continue
