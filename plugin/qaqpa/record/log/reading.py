# SPDX-License-Identifier: Apache-2.0
"""Reads rows and what is kept beside them. Nothing here verifies the chain; `qaqpa.record.log.verify` does."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from qaqpa.model import Json, JsonObject
from qaqpa.record.log.chain import Entry, Row, commitment, peek
from qaqpa.record.log.database import Database
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.tables import chain, content

PAGE = 500
"""Rows that are fetched at a time."""

MAX_CONTENT_BYTES = 64 << 20
"""Largest content that is read, bytes."""

_FAR = 2_000
_SETTINGS_KINDS = frozenset({"start", "reload"})


@dataclass(frozen=True)
class Kept:
    """What is kept beside rows under a commitment. `value` is None where it was erased.

    `actual` is the commitment of what is there now; it is another one where something in it was erased.
    """

    name: str
    actual: str
    value: bytes | None
    salt: bytes | None

    @property
    def is_sound(self) -> bool:
        """True where it is what `actual` says, or nothing."""
        if self.value is None or self.salt is None:
            return self.value is None and self.salt is None
        return commitment(self.salt, self.value) == self.actual


def rows(connection: Any, *, newest_first: bool = False, after: int | None = None) -> Iterator[Row]:
    """All rows by number, or those after one, a page at a time in memory.

    Raises:
        LogError: what stands there is no row.
    """
    order = chain.c.seq.desc() if newest_first else chain.c.seq
    query = select(chain).order_by(order).execution_options(yield_per=PAGE)
    found = connection.execute(query if after is None else query.where(chain.c.seq > after))
    return (_row(one) for one in found)


def row(connection: Any, seq: int) -> Row | None:
    """One row, or None where there is none."""
    found = connection.execute(select(chain).where(chain.c.seq == seq)).first()
    return _row(found) if found else None


def kept(connection: Any, names: list[str]) -> dict[str, Kept]:
    """What is kept under commitments; those that are not there are left out.

    Raises:
        LogError: something is too large, or cannot be read.
    """
    query = select(content.c.commitment, content.c.actual, content.c.salt, content.c.body)
    found = connection.execute(query.where(content.c.commitment.in_(names))).all()
    return {name: _kept(name, actual, salt, body) for name, actual, salt, body in found}


def names_of(entry: Entry) -> dict[str, str]:
    """What a row names as kept beside it: commitments by name."""
    named = entry.fields.get("content", {})
    if not isinstance(named, dict) or not all(isinstance(value, str) for value in named.values()):
        raise LogError("A row names no content", where=f"row {entry.seq}")
    return named


def value_of(connection: Any, entry: Entry, name: str) -> Json:
    """One piece of content of a row as parsed JSON; None where the row has none, or it was erased.

    Raises:
        LogError: it is missing, or not what the row says.
    """
    wanted = names_of(entry).get(name)
    if wanted is None:
        return None
    found = kept(connection, [wanted]).get(wanted)
    if found is None or not found.is_sound:
        raise LogError(f"The {name} of row {entry.seq} is missing or was changed", mend="qaqpa log verify")
    return None if found.value is None else json.loads(found.value)


@dataclass(frozen=True)
class Started:
    """A start or reload that was recorded. `settings` is None where they were erased."""

    entry: Entry
    settings: JsonObject | None


def last_start(database: Database) -> Started | None:
    """The start or reload that was recorded last; None where none is found among the last rows.

    Raises:
        LogError: the log cannot be read.
    """
    with database.reading() as connection:
        seq = _last_start(rows(connection, newest_first=True))
    with database.reading() as connection:
        started = row(connection, seq) if seq else None
        if started is None:
            return None
        entry = peek(started.body)
        return Started(entry, value_of(connection, entry, "settings"))


def _last_start(newest_first: Iterator[Row]) -> int | None:
    """The number of the last row of that kind, or else the last that decisions name."""
    named = 0
    for number, found in enumerate(newest_first):
        entry = peek(found.body)
        if entry.kind in _SETTINGS_KINDS:
            return entry.seq
        start = entry.fields.get("start")
        named = max(named, start if isinstance(start, int) else 0)
        if number >= _FAR:
            break
    return named or None


def _row(found: Any) -> Row:
    try:
        return Row(int(found.seq), bytes(found.prev), bytes(found.head), bytes(found.body))
    except (TypeError, ValueError) as error:
        raise LogError("A row of the decision log is none", where=f"row {str(found.seq)[:40]}") from error


def _kept(name: str, actual: str, salt: Any, body: Any) -> Kept:
    if body is None:
        return Kept(name, str(actual), None, bytes(salt) if salt is not None else None)
    inflating, is_broken = zlib.decompressobj(), False
    try:
        value = inflating.decompress(bytes(body), MAX_CONTENT_BYTES)
    except zlib.error:
        # What follows the broken place is left over too.
        value, is_broken = b"", True
    if inflating.unconsumed_tail and not is_broken:
        raise LogError("Content of the decision log is too large", required=f"at most {MAX_CONTENT_BYTES} bytes")
    return Kept(name, str(actual), value, bytes(salt) if salt is not None else None)
