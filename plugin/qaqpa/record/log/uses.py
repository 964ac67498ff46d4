# SPDX-License-Identifier: Apache-2.0
"""Overrides that were used, and whether somebody has reviewed them since, as the log has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from qaqpa import times
from qaqpa.model import JsonObject, Subject
from qaqpa.record.log.chain import Entry, peek
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.putting import OVERRIDE, REVIEW
from qaqpa.record.log.reading import value_of
from qaqpa.record.log.tables import chain, overrides

GONE = "(erased)"
"""What stands for what was erased."""


@dataclass(frozen=True)
class Use:
    """An override that was used. `entry` is the row that says so; `review` the row of its review, None without one.

    `about` is what is kept beside the row, empty where it was erased: `ticket`, `reason`, `signers`, `user`, `action`.
    """

    entry: Entry
    about: JsonObject
    review: Entry | None = None

    @property
    def sha256(self) -> str:
        """The SHA-256 of the override's payload."""
        return str(self.entry.fields.get("sha256"))

    @property
    def due(self) -> datetime | None:
        """When its review is due, UTC; None where the row names no time."""
        try:
            return times.parse(str(self.entry.fields.get("due")))
        except ValueError:
            return None

    @property
    def ticket(self) -> str:
        """Where the emergency is recorded."""
        return str(self.about.get("ticket") or GONE)

    @property
    def signers(self) -> Sequence[tuple[str, str]]:
        """Those who signed it, each as party id and unit."""
        found = self.about.get("signers")
        return [(str(one), str(unit)) for one, unit in found] if isinstance(found, list) else []

    @property
    def decisions(self) -> Sequence[int]:
        """The numbers of the decisions that it let through."""
        found = self.entry.fields.get("decisions")
        return [one for one in found if isinstance(one, int)] if isinstance(found, list) else []

    def is_overdue(self, now: datetime) -> bool:
        """True where nobody has reviewed it though that was due; a use without a readable time is always due."""
        return self.review is None and (self.due is None or self.due <= now)

    def concerns(self, subject: Subject) -> bool:
        """True for the same bytes, the same name, or the same registered model under another name."""
        fields = self.entry.fields
        named = (fields.get("workspace"), fields.get("model")) == (subject.workspace, subject.name)
        bytes_too = subject.digest is not None and fields.get("digest") == subject.digest
        return named or bytes_too or self.is_of(subject)

    def is_of(self, subject: Subject) -> bool:
        """True for the same registered model, whatever its name is now."""
        made = (self.entry.fields.get("workspace"), self.entry.fields.get("created"))
        return subject.created_ms is not None and made == (subject.workspace, subject.created_ms)


class Uses:
    """All uses of a log. Each reading looks only at what is new since the last one."""

    def __init__(self) -> None:
        """Knows nothing yet."""
        self._found: dict[str, Use] = {}
        self.known: tuple[Use, ...] = ()
        """All uses that were read, oldest first."""
        self.newest = 0
        """The number of the last row that was read."""

    def read(self, connection: Any) -> tuple[Use, ...]:
        """All uses, oldest first.

        Raises:
            LogError: a row cannot be read.
        """
        newest = self.newest
        query = select(chain.c.body).join(overrides, overrides.c.seq == chain.c.seq)
        for (body,) in connection.execute(query.where(overrides.c.seq > self.newest).order_by(overrides.c.seq)).all():
            entry = peek(bytes(body))
            if entry.kind == OVERRIDE:
                use = Use(entry, _about(connection, entry))
                self._found[use.sha256] = use
            elif entry.kind == REVIEW and (reviewed := self._found.get(str(entry.fields.get("override")))):
                self._found[reviewed.sha256] = replace(reviewed, review=entry)
            newest = entry.seq
        # Others look at both while this reads: what the number promises has to be there before.
        self.known = tuple(self._found.values())
        self.newest = newest
        return self.known


def _about(connection: Any, entry: Entry) -> JsonObject:
    """What is kept beside a row; that it was changed is for `verify` to tell, and frees nobody of a duty."""
    try:
        found = value_of(connection, entry, "about")
    except LogError:
        return {}
    return found if isinstance(found, dict) else {}
