# SPDX-License-Identifier: Apache-2.0
"""By what time the end of a statement is judged: the present, and in a rollback the moment of the earlier decision.

Only ends are judged by it: an end that the statement has, the age that a rule allows, the last day of a key. Whatever
somebody did since, such as a revocation or a withdrawal, counts as of now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qaqpa.evidence.kinds import NEVER_JUDGED, WAIVER
from qaqpa.evidence.statement import Statement
from qaqpa.model import Rollback

_EXCEPTIONS = frozenset({WAIVER, *NEVER_JUDGED})


@dataclass(frozen=True)
class Clock:
    """The moment of a decision, UTC, and the earlier decision to which it goes back, if it does."""

    now: datetime
    rollback: Rollback | None = None

    @property
    def earliest(self) -> datetime:
        """The moment after which what ended is still heard where it says that something is wrong."""
        return self.rollback.allowed_at if self.rollback else self.now

    def of(self, statement: Statement) -> datetime:
        """What the end of a statement is compared with.

        Only what counted in the earlier decision can have merely ended since: that decision is the record that it was
        there before its key ended. A waiver or an override is an exception until its end, and excuses nothing after it.
        """
        back = self.rollback
        if back and statement.id in back.counted and statement.kind.name not in _EXCEPTIONS:
            return back.allowed_at
        return self.now

    def ended(self, end: datetime | None) -> datetime | None:
        """An end that has passed; None for one that has not."""
        return end if end and end <= self.now else None
