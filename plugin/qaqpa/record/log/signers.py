# SPDX-License-Identifier: Apache-2.0
"""Whose keys signed the last rows of a log.

Several gates may write to one log, each with a key of its own, and a key may be replaced; so a key that signed no row
is not refused. But nobody should find out by a verification years later that a server had begun with another key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import islice

from qaqpa.evidence.envelope import signed_by
from qaqpa.evidence.keys import PublicKey, fingerprint
from qaqpa.record.log.chain import Row, open_row, peek
from qaqpa.record.log.database import Database
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.reading import rows

KEY = "key"
"""The kind of a row that announces the key that signs from some day on."""

MOST = 2_000
"""Most rows that are read, from the end."""


@dataclass(frozen=True)
class Signers:
    """Who signed the last rows.

    `others` has for each other key the number of the newest row that names it, newest first; `own` is that of this key,
    whose signature was verified, None where it signed none of them. `announced` is the row that announces this key.
    """

    own: int | None = None
    others: tuple[tuple[str, int], ...] = ()
    announced: int | None = None
    read: int = 0

    @property
    def is_new(self) -> bool:
        """True where others signed what was read, and this key nothing of it."""
        return self.own is None and bool(self.others)

    @property
    def told(self) -> str:
        """The other keys, for people."""
        return ", ".join(f"{name} (up to row {row})" for name, row in self.others)


def signers(database: Database, key: PublicKey, *, until_own: bool = False) -> Signers:
    """Reads the last rows.

    Args:
        database: of a log that has its tables.
        key: the public key that is asked about.
        until_own: true where it ends at the first row of this key.

    Raises:
        LogError: the log cannot be read.
    """
    own_id, found = fingerprint(key), Signers()
    with database.reading(bounded=True) as connection:
        for row in islice(rows(connection, newest_first=True), MOST):
            found = replace(found, read=found.read + 1)
            name = _signer(row)
            if name == own_id and found.own is None and _is_good(row, key):
                found = replace(found, own=row.seq)
            elif name != own_id and name not in dict(found.others):
                found = replace(found, others=(*found.others, (name, row.seq)))
            if found.own is not None and until_own:
                break
            if found.announced is None and _announces(row, own_id):
                found = replace(found, announced=row.seq)
    return found


def _signer(row: Row) -> str:
    """The key id that a row names; nothing is verified."""
    try:
        return str(json.loads(row.body)["signatures"][0]["keyid"])[:100]
    except (ValueError, LookupError, TypeError, RecursionError):
        return "nobody"


def _is_good(row: Row, key: PublicKey) -> bool:
    try:
        return signed_by(open_row(row.body)[1], key)
    except LogError:
        return False


def _announces(row: Row, key_id: str) -> bool:
    try:
        entry = peek(row.body)
    except LogError:
        return False
    return entry.kind == KEY and entry.fields.get("next") == key_id
