# SPDX-License-Identifier: Apache-2.0
"""Which context of a model holds: the one with the highest version, and never a lower one than was signed before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.statement import Statement
from qaqpa.model import Evidence, Problem


@dataclass(frozen=True)
class Candidate:
    """A context that was carried.

    `fact` is None where it was refused. `authentic` is true where somebody who might signed it, even if it has ended
    since, unless its signers, who still may, withdrew it; `strong` where it counts at the stage.
    """

    statement: Statement
    fact: Evidence | None
    authentic: bool
    strong: bool

    @property
    def version(self) -> int:
        """Its version."""
        return int(self.statement.content["version"])

    def objection(self, chosen: Statement | None, *, conflict: bool = False) -> StatementError | None:
        """Why it does not hold, though it was not refused for itself; None where it is the chosen one."""
        if not self.strong:
            return StatementError("context_unsigned", "Nobody independent of the trainer signed this context.")
        if chosen is None and conflict:
            return StatementError("other_context", "Another context of the same version differs from it.")
        if chosen is None:
            return StatementError(
                "other_context", "A higher version was signed; though it does not count, this is older."
            )
        if self.statement.context_digest != chosen.context_digest:
            return StatementError("other_context", f"The context has version {chosen.content['version']} by now.")
        return None


def standing(candidates: Sequence[Candidate]) -> str | None:
    """The digest of the latest context that was signed, though it may have ended; None where two are the latest."""
    latest = {candidate.statement.context_digest for candidate in _latest(candidates)}
    return latest.pop() if len(latest) == 1 else None


def choose(candidates: Sequence[Candidate]) -> tuple[Statement | None, Problem | None]:
    """The context that holds, and what keeps the gate from deciding.

    None holds where the highest version that was ever signed does not count: a lower one never takes its place. Two of
    the same version that differ leave nothing to decide on.
    """
    latest = _latest(candidates)
    if len({candidate.statement.context_digest for candidate in latest}) > 1:
        detail = f"Two contexts of version {latest[0].version} differ; give the right one a higher version."
        return None, Problem("context_conflict", detail)
    return next((candidate.statement for candidate in latest if candidate.strong), None), None


def _latest(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those of the highest version that was signed."""
    signed = [candidate for candidate in candidates if candidate.authentic or candidate.strong]
    highest = max((candidate.version for candidate in signed), default=0)
    return [candidate for candidate in signed if candidate.version == highest]
