# SPDX-License-Identifier: Apache-2.0
"""A directory as it was judged: what it carried, what was asked about it, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from qaqpa.evidence.clock import Clock
from qaqpa.evidence.directory import Directory
from qaqpa.evidence.kinds import SYSTEM
from qaqpa.evidence.parties import Parties
from qaqpa.evidence.pieces import read_pieces
from qaqpa.evidence.signing import Signing
from qaqpa.evidence.trust import Trust
from qaqpa.gate import decide, request_about, trusted_parties
from qaqpa.model import Decision, Evidence, JsonObject, Request, Settings, Stage, Strength
from qaqpa.policy.engine import Engine


@dataclass(frozen=True)
class State:
    """A directory and the decision about it.

    Attributes:
        directory: what was read.
        request: what was asked; only what counts.
        decision: the answer.
        parties: the parties file in force; None where nobody's signature counts.
    """

    directory: Directory
    request: Request
    decision: Decision
    parties: Parties | None = None

    def has_withdrawn(self, fact: Evidence) -> bool:
        """True where everybody who signed a fact has withdrawn it here, whether its statement is still carried or not.

        Args:
            fact: of this state or another one.
        """
        signers = {signer.id for signer in fact.signers}
        return bool(signers) and signers <= self._signing.withdrawers(fact.id)

    @cached_property
    def _signing(self) -> Signing:
        pieces, _ = read_pieces(self.directory.carried, self.request.subject, self.request.stage, self.request.now)
        return Signing(pieces, self.parties, Clock(self.request.now))

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
        return State(directory, request, decide(request, self.engine), trusted_parties(self.trust, self.now)[0])

    def in_context_of(self, state: State, other: State) -> Decision:
        """What would be decided about the evidence of one state in the context of another."""
        context, digest = other.request.context, other.request.context_digest
        return decide(replace(state.request, context=context, context_digest=digest), self.engine)
