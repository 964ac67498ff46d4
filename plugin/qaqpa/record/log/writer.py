# SPDX-License-Identifier: Apache-2.0
"""Appends rows. All that wait in one process are committed together, and nobody waits longer than was configured."""

from __future__ import annotations

import hashlib
import os
import queue
import secrets
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import bindparam, insert, select

from qaqpa import __version__, times
from qaqpa.evidence.keys import SigningKey
from qaqpa.model import JsonObject
from qaqpa.record.log.chain import ZERO, Entry, Row, commitment, link, make_row, peek
from qaqpa.record.log.database import Database
from qaqpa.record.log.errors import LogError, OverrideUsedError
from qaqpa.record.log.newest import Newest, Reader
from qaqpa.record.log.tables import allowed, chain, content, overrides

MOST_AT_ONCE = 64
"""Most drafts that one transaction writes."""

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


@dataclass(frozen=True)
class Appended:
    """The numbers of rows that were appended, the last row of the log then, and what was read with them."""

    numbers: Sequence[int]
    tip: Tip
    found: Any = None


@dataclass
class _Job:
    drafts: Sequence[Draft]
    deadline: float
    flush: bool
    read: Callable[[Any], Any] | None = None
    answer: Future[Appended] = field(default_factory=Future)


class Writer:
    """Appends to one log with one key. Safe for threads and for forks."""

    def __init__(self, database: Database, key: SigningKey, timeout_seconds: float) -> None:
        """Starts nothing yet.

        Args:
            database: where the rows go.
            key: signs them.
            timeout_seconds: how long an append may take.
        """
        self.key = key
        self._database = database
        self._timeout = timeout_seconds
        self._reader = Reader(database, timeout_seconds)
        self._known: Tip | None = None
        self._made = False
        self._process = 0
        self._starting = threading.Lock()
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()

    def append(
        self, drafts: Sequence[Draft], read: Callable[[Any], Any] | None = None, *, flush: bool = True
    ) -> Appended:
        """Appends rows, all or none, and returns when they are on the disk. Without any it tells which row is the last.

        Args:
            drafts: the rows.
            read: what is to be read before that, in the same transaction and within the same time.
            flush: false where they may go with a crash of the machine; a crash of this process never takes them.

        Raises:
            OverrideUsedError: an override was used before; nothing is written.
            LogError: it cannot be done, or not in time. A row may then stand there nevertheless.
        """
        self._start()
        for draft in drafts:
            for item in draft.contents.values():
                _ = item.stored
        job = _Job(drafts, time.monotonic() + self._timeout, flush, read)
        self._jobs.put(job)
        try:
            return job.answer.result(self._timeout)
        except FutureTimeout:
            job.answer.cancel()
            raise LogError(
                f"The decision log does not answer within {self._timeout:g} s", where=self._database.shown
            ) from None

    def newest(self) -> Newest:
        """What the last row says. Reading takes no lock, and so a fraction of what `append` takes.

        Raises:
            LogError: the log cannot be read.
        """
        self._start()
        if not self._made:
            self.append(())
        return self._reader.newest()

    def _start(self) -> None:
        with self._starting:
            if self._process == os.getpid():
                return
            if self._process:
                # A fork: thread, queue and connections are the parent's.
                self._jobs, self._known = queue.SimpleQueue(), None
                self._database.forget()
            threading.Thread(target=self._run, args=[self._jobs], name="qaqpa-log", daemon=True).start()
            self._process = os.getpid()

    def _run(self, jobs: queue.SimpleQueue[_Job]) -> None:
        while True:
            batch = [jobs.get()]
            while len(batch) < MOST_AT_ONCE and not jobs.empty():
                batch.append(jobs.get())
            taken = [job for job in batch if job.answer.set_running_or_notify_cancel()]
            if taken:
                self._write(taken)

    def _write(self, jobs: Sequence[_Job]) -> None:
        written: list[tuple[_Job, Appended]] = []
        try:
            if not self._made:
                self._database.make()
                self._made = True
            flush = any(job.flush for job in jobs)
            with self._database.writing(min(job.deadline for job in jobs), flush=flush) as connection:
                tip = self._tip(connection)
                # Before anything is appended, which may still be rolled back.
                found = [job.read(connection) if job.read else None for job in jobs]
                for job, read in zip(jobs, found, strict=True):
                    appended = self._put_job(connection, tip, job, read)
                    written += [(job, appended)] if appended else []
                    tip = appended.tip if appended else tip
            self._known = tip
        except Exception as error:  # noqa: BLE001 - whoever waits is told, and the thread goes on
            reason = error if isinstance(error, LogError) else LogError(f"The log failed ({type(error).__name__})")
            for job in jobs:
                if not job.answer.done():
                    job.answer.set_exception(reason)
            return
        for job, appended in written:
            job.answer.set_result(appended)

    def _put_job(self, connection: Any, tip: Tip, job: _Job, read: Any) -> Appended | None:
        """Writes the drafts of one job; none of them where an override was used before."""
        try:
            for draft in job.drafts:
                _check_override(connection, draft)
        except OverrideUsedError as error:
            job.answer.set_exception(error)
            return None
        numbers = []
        for draft in job.drafts:
            tip = self._put(connection, tip, draft)
            numbers.append(tip.seq)
        return Appended(numbers, tip, read)

    def _tip(self, connection: Any) -> Tip:
        """The last row. The first row of an empty log gives it its id."""
        found = connection.execute(_LAST).first()
        known = self._known
        if found is None and known is None:
            first = Tip(0, ZERO, secrets.token_hex(16), "")
            return self._put(connection, first, Draft(BEGIN, {"qaqpa": __version__}))
        row = Row(found.seq, bytes(found.prev), bytes(found.head), bytes(found.body)) if found else None
        if known and row and (row.seq, row.head) == (known.seq, known.head):
            return known
        if row is None or (known and row.seq <= known.seq):
            raise LogError(
                "Rows that this process wrote are gone from the decision log",
                where=self._database.shown,
                required="the log as it was",
                mend="Find out who changed the database, then start the server again",
            )
        entry = peek(row.body)
        if entry.seq != row.seq or link(row.prev, row.body) != row.head or (known and entry.log != known.log):
            raise LogError("The last row of the decision log was changed", where=self._database.shown)
        return Tip(row.seq, row.head, entry.log, entry.latest)

    def _put(self, connection: Any, tip: Tip, draft: Draft) -> Tip:
        named = {name: _store(connection, item) for name, item in draft.contents.items()}
        fields = {**draft.fields, **({"content": named} if named else {})}
        at = times.render(times.now())
        latest = max(at, tip.latest)
        entry = Entry(tip.seq + 1, tip.log, tip.head.hex(), at, latest, draft.kind, fields)
        row = make_row(entry, self.key)
        connection.execute(_APPEND, {"seq": row.seq, "prev": row.prev, "head": row.head, "body": row.body})
        if draft.override:
            connection.execute(insert(overrides), {"sha256": draft.override, "seq": row.seq})
        if draft.allowed:
            decision, sha256 = draft.allowed
            connection.execute(insert(allowed), {"seq": row.seq, "decision": decision, "sha256": sha256})
        if draft.also:
            draft.also(connection)
        return Tip(row.seq, row.head, tip.log, latest)


_LAST = select(chain).order_by(chain.c.seq.desc()).limit(1)
_APPEND = insert(chain)
_FIND = select(content.c.commitment).where(content.c.digest == bindparam("digest"))
_KEEP = insert(content)


def _store(connection: Any, item: Content) -> str:
    """Stores content, or finds it; returns the commitment by which rows name it."""
    digest = item.stored["digest"]
    if digest:
        there = connection.execute(_FIND, {"digest": digest}).scalar()
        if there:
            return str(there)
    connection.execute(_KEEP, item.stored)
    return str(item.stored["commitment"])


def _check_override(connection: Any, draft: Draft) -> None:
    if not draft.override:
        return
    seq = connection.execute(select(overrides.c.seq).where(overrides.c.sha256 == draft.override)).scalar()
    if seq is not None:
        body = connection.execute(select(chain.c.body).where(chain.c.seq == seq)).scalar()
        raise OverrideUsedError(draft.override, int(seq), peek(bytes(body)).at if body else "an unknown time")
