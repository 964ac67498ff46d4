# SPDX-License-Identifier: Apache-2.0
"""Rows of the log that are made and added in one transaction, each signed and chained to the one before."""

from __future__ import annotations

import hashlib
import secrets
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import select

from qaqpa import __version__, times
from qaqpa.evidence.keys import SigningKey
from qaqpa.model import JsonObject
from qaqpa.record.log import together
from qaqpa.record.log.chain import ZERO, Entry, commitment, make_row, peek
from qaqpa.record.log.database import Appending
from qaqpa.record.log.errors import OverrideUsedError
from qaqpa.record.log.tables import allowed, chain, content, overrides

BEGIN, OVERRIDE, REVIEW = "begin", "override", "review"


@dataclass(frozen=True)
class Content:
    """What is kept beside a row and can be erased. `shared` content is stored once however many rows name it."""

    value: bytes
    shared: bool = False

    @cached_property
    def stored(self) -> Mapping[str, Any]:
        """Its row in the database, with a salt of its own. It takes time, which nobody should spend under the lock."""
        salt = secrets.token_bytes(32)
        name = commitment(salt, self.value)
        digest = hashlib.sha256(self.value).hexdigest() if self.shared else None
        body = zlib.compress(self.value, 1)
        return {"commitment": name, "actual": name, "digest": digest, "salt": salt, "body": body}


@dataclass(frozen=True)
class Draft:
    """A row that is to be appended. `override` is the SHA-256 of an override, or of a review, that may be used once.

    `allowed` is the number of a decision and what it allowed (`Promotion.sha256`), where the row says that this was
    done. `also` is done in the same transaction.
    """

    kind: str
    fields: JsonObject = field(default_factory=dict)
    contents: Mapping[str, Content] = field(default_factory=dict)
    override: str | None = None
    allowed: tuple[int, str] | None = None
    also: Callable[[Any], None] | None = None


@dataclass(frozen=True)
class Tip:
    """The last row: its number and head, the log's id, and the latest time in the log."""

    seq: int
    head: bytes
    log: str
    latest: str


class Putting:
    """What one transaction adds. Rows wait for its end, unless something has to see them before."""

    def __init__(self, appending: Appending, key: SigningKey) -> None:
        self.connection = appending.connection
        self._there = dict(appending.end.there)
        self._rows = appending.rows
        self._key = key

    def send(self) -> None:
        """Sends what waits."""
        together.write(self.connection, self._rows)
        self._rows.clear()

    def draft(self, tip: Tip, draft: Draft) -> Tip:
        """Adds a row behind the last one, with all that belongs to it; it is the last one then."""
        named = {name: self._store(item) for name, item in draft.contents.items()}
        fields = {**draft.fields, **({"content": named} if named else {})}
        at = times.render(times.now())
        latest = max(at, tip.latest)
        entry = Entry(tip.seq + 1, tip.log, tip.head.hex(), at, latest, draft.kind, fields)
        row = make_row(entry, self._key)
        self._rows.append((chain, {"seq": row.seq, "prev": row.prev, "head": row.head, "body": row.body}))
        if draft.override:
            self._rows.append((overrides, {"sha256": draft.override, "seq": row.seq}))
        if draft.allowed:
            decision, sha256 = draft.allowed
            self._rows.append((allowed, {"seq": row.seq, "decision": decision, "sha256": sha256}))
        if draft.also:
            self.send()
            draft.also(self.connection)
        return Tip(row.seq, row.head, tip.log, latest)

    def check_override(self, draft: Draft) -> None:
        """Looks whether what a draft would use up was used up before.

        Raises:
            OverrideUsedError: it was.
        """
        if not draft.override:
            return
        self.send()
        query = select(overrides.c.seq).where(overrides.c.sha256 == draft.override)
        seq = self.connection.execute(query).scalar()
        if seq is not None:
            body = self.connection.execute(select(chain.c.body).where(chain.c.seq == seq)).scalar()
            raise OverrideUsedError(draft.override, int(seq), peek(bytes(body)).at if body else "an unknown time")

    def _store(self, item: Content) -> str:
        """Stores content, unless it is there; returns the commitment by which rows name it."""
        digest = item.stored["digest"]
        if digest in self._there:
            return self._there[digest]
        commitment = str(item.stored["commitment"])
        self._rows.append((content, item.stored))
        if digest:
            self._there[digest] = commitment
        return commitment


def first() -> tuple[Tip, Draft]:
    """What the first row of a log stands behind, and that row: it gives the log its id."""
    return Tip(0, ZERO, secrets.token_hex(16), ""), Draft(BEGIN, {"qaqpa": __version__})
