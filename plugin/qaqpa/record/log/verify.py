# SPDX-License-Identifier: Apache-2.0
"""Looks for what was changed in a log: row by row, in memory that does not grow with it.

Found without anything from outside: a row that was changed, deleted in the middle, inserted or moved, by whoever lacks
the gate's key. Found only against a checkpoint that was kept elsewhere: rows that were cut off at the end, and a log
that was written again by somebody who has the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import func, select

from qaqpa.evidence.envelope import signed_by
from qaqpa.evidence.keys import PublicKey, fingerprint
from qaqpa.record.log.allowed import recorded_as
from qaqpa.record.log.chain import ZERO, Entry, Row, leaf, link, open_row
from qaqpa.record.log.database import Database
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.merkle import Frontier
from qaqpa.record.log.note import Checkpoint
from qaqpa.record.log.putting import OVERRIDE, REVIEW
from qaqpa.record.log.reading import PAGE, kept, names_of, rows
from qaqpa.record.log.tables import allowed, overrides

MOST_FOUND = 20
"""Most problems that are told."""


@dataclass(frozen=True)
class Verified:
    """What a log is. `problems` are sentences; none where nothing was found to be wrong.

    `erased` counts pieces of content that rows of the log say were erased, in whole or in part.
    """

    log: str
    size: int
    root: bytes
    latest: str
    problems: Sequence[str]
    erased: int

    @property
    def checkpoint(self) -> Checkpoint:
        """The log as it is."""
        return Checkpoint(self.log, self.size, self.root)


def verify(database: Database, keys: Iterable[PublicKey], checkpoints: Iterable[Checkpoint] = ()) -> Verified:
    """Reads the whole log, as it is at the beginning.

    Args:
        database: where it is.
        keys: the public keys of the gates that write to it.
        checkpoints: from outside of the database, their signatures verified.

    Raises:
        LogError: it cannot be read.
    """
    check = _Check({fingerprint(key): key for key in keys}, checkpoints)
    with database.reading() as connection:
        found = rows(connection)
        while page := list(islice(found, PAGE)):
            entries = [entry for row in page if (entry := check.row(row))]
            check.contents(connection, entries)
            check.promoted(connection, entries)
            if check.is_hopeless:
                break
        check.end(connection)
    return check.verified()


@dataclass
class _Check:
    keys: dict[str, PublicKey]
    checkpoints: Iterable[Checkpoint]
    log: str = ""
    latest: str = ""
    head: bytes = ZERO
    tree: Frontier = field(default_factory=Frontier)
    problems: list[str] = field(default_factory=list)
    replaced: dict[str, str | None] = field(default_factory=dict)
    odd: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    promotions: int = 0

    def __post_init__(self) -> None:
        self._due = sorted(self.checkpoints, key=lambda checkpoint: checkpoint.size)
        self._meet()

    @property
    def is_hopeless(self) -> bool:
        return len(self.problems) >= MOST_FOUND

    def row(self, row: Row) -> Entry | None:
        """Takes the next row, and returns what it says where its own bytes are sound."""
        wanted = self.tree.size + 1
        if row.seq != wanted:
            self._say(f"row {wanted} is missing: row {row.seq} follows row {wanted - 1}")
        if row.prev != self.head:
            self._say(f"row {row.seq} does not follow the row before it")
        if link(row.prev, row.body) != row.head:
            self._say(f"row {row.seq} was changed: its hash is another one")
        entry = self._signed(row)
        # The rows that follow were made to follow this one as it says it is.
        self.head = row.head
        self.tree.add(leaf(row.body))
        self._meet()
        return entry

    def contents(self, connection: Any, entries: Sequence[Entry]) -> None:
        """Looks at what rows name; what does not fit may still be explained by a later row."""
        named = {name: entry.seq for entry in entries for name in names_of(entry).values()}
        there = kept(connection, sorted(named))
        for name, seq in named.items():
            found = there.get(name)
            if found is None or not found.is_sound:
                self.odd[name] = (seq, "")
            elif found.value is None or found.actual != name:
                self.odd[name] = (seq, None if found.value is None else found.actual)

    def promoted(self, connection: Any, entries: Sequence[Entry]) -> None:
        """Compares what rows say was allowed and done with the table that finds them."""
        said = {entry.seq: one for entry in entries if (one := recorded_as(entry))}
        self.promotions += len(said)
        query = select(allowed.c.decision, allowed.c.sha256, allowed.c.seq).where(allowed.c.seq.in_(sorted(said)))
        table = {int(seq): (int(decision), str(sha256)) for decision, sha256, seq in connection.execute(query)}
        for seq, one in said.items():
            if table.get(seq) != one:
                self._say(f"the table of what was allowed and row {seq} differ")

    def end(self, connection: Any) -> None:
        """Says what is left unexplained."""
        for name, (seq, actual) in self.odd.items():
            if actual == "" or name not in self.replaced or self.replaced[name] != actual:
                self._say(
                    f"what row {seq} keeps beside it is missing or was changed, and no row says that it was erased"
                )
        for checkpoint in self._due:
            self._say(
                f"rows are missing at the end: a checkpoint knows {checkpoint.size}, and there are {self.tree.size}"
            )
        table = {str(sha256): int(seq) for sha256, seq in connection.execute(_OVERRIDES)}
        for sha256 in sorted({*table, *self.used}):
            if table.get(sha256) != self.used.get(sha256):
                self._say(f"the table of used overrides and the rows differ about {sha256[:64]!r}")
        more = connection.execute(_ALLOWED).scalar() - self.promotions
        if more > 0:
            self._say(f"the table of what was allowed has {more} more than the rows say")

    def verified(self) -> Verified:
        problems = self.problems[:MOST_FOUND] + (["and more"] if len(self.problems) > MOST_FOUND else [])
        return Verified(self.log, self.tree.size, self.tree.root(), self.latest, problems, len(self.replaced))

    def _signed(self, row: Row) -> Entry | None:
        try:
            entry, envelope = open_row(row.body)
        except LogError as error:
            self._say(f"row {row.seq} is no row: {error.found}")
            return None
        names = [name for name, _ in envelope.signatures]
        if not any(name in self.keys and signed_by(envelope, self.keys[name]) for name in names):
            self._say(f"row {row.seq} is not signed by a key of this log: {', '.join(names)[:100]}")
            return None
        self.log = self.log or entry.log
        if entry.log != self.log:
            self._say(f"row {row.seq} belongs to another log, {entry.log[:40]!r}")
        if entry.seq != row.seq or entry.prev != row.prev.hex():
            self._say(f"row {row.seq} was moved: it was signed as row {entry.seq}")
        if entry.latest != max(self.latest, entry.at):
            self._say(f"row {row.seq} names a latest time that is not that of the rows before it")
        self.latest = max(self.latest, entry.latest)
        self._facts(entry)
        return entry

    def _facts(self, entry: Entry) -> None:
        """What other rows and tables have to agree with."""
        if entry.kind in {OVERRIDE, REVIEW}:
            sha256 = str(entry.fields.get("sha256"))
            if sha256 in self.used:
                self._say(f"row {entry.seq} uses an override that row {self.used[sha256]} used before")
            self.used[sha256] = entry.seq
        if entry.kind == "erase":
            for was, now in _replacements(entry):
                self.replaced[was] = now

    def _meet(self) -> None:
        """Compares with the checkpoints of just this size."""
        while self._due and self._due[0].size == self.tree.size:
            checkpoint = self._due.pop(0)
            if checkpoint.root != self.tree.root():
                self._say(f"the rows up to {checkpoint.size} are not those that a checkpoint knows")
            elif self.log and checkpoint.log != self.log:
                self._say(f"a checkpoint of {checkpoint.size} rows is of another log")

    def _say(self, problem: str) -> None:
        if len(self.problems) <= MOST_FOUND:
            self.problems.append(problem)


_ALLOWED = select(func.count()).select_from(allowed)
_OVERRIDES = select(overrides.c.sha256, overrides.c.seq)


def _replacements(entry: Entry) -> Iterator[tuple[str, str | None]]:
    contents = entry.fields.get("contents")
    for item in contents if isinstance(contents, list) else []:
        if isinstance(item, list) and len(item) == 2 and isinstance(item[0], str):  # noqa: PLR2004 - a pair
            yield item[0], item[1]
