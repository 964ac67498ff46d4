# SPDX-License-Identifier: Apache-2.0
"""Appends rows. All that wait in one process are committed together, and nobody waits longer than was configured."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from typing import Any

from qaqpa.evidence.keys import SigningKey
from qaqpa.record.log.chain import Row, link, peek
from qaqpa.record.log.database import Database
from qaqpa.record.log.errors import LogError, OverrideUsedError
from qaqpa.record.log.newest import Looking, Reader
from qaqpa.record.log.putting import Draft, Putting, Tip, first

MOST_AT_ONCE = 64
"""Most drafts that one transaction writes."""


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

    def digests(self) -> list[str]:
        """The digests of what may be stored already."""
        stored = (item.stored["digest"] for draft in self.drafts for item in draft.contents.values())
        return [str(digest) for digest in stored if digest]


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

    def looking(self) -> Looking:
        """Begins to read the end of the log. That takes no lock, and so a fraction of what `append` takes."""
        self._start()
        if self._made:
            return self._reader.looking()
        # The tables may be missing.
        return Looking(lambda: (self.append(()), self._reader.looking().newest())[1])

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
            deadline = min(job.deadline for job in jobs)
            digests = [digest for job in jobs for digest in job.digests()]
            with self._database.appending(deadline, digests, flush=flush) as appending:
                put = Putting(appending, self.key)
                tip = self._tip(appending.end.last) or put.draft(*first())
                # Before anything is appended, which may still be rolled back.
                found = [job.read(appending.connection) if job.read else None for job in jobs]
                for job, read in zip(jobs, found, strict=True):
                    appended = _put_job(put, tip, job, read)
                    written += [(job, appended)] if appended else []
                    tip = appended.tip if appended else tip
            self._known = tip
            if any(draft.override for job in jobs for draft in job.drafts):
                self._reader.forget()
        except Exception as error:  # noqa: BLE001 - whoever waits is told, and the thread goes on
            reason = error if isinstance(error, LogError) else LogError(f"The log failed ({type(error).__name__})")
            for job in jobs:
                if not job.answer.done():
                    job.answer.set_exception(reason)
            return
        for job, appended in written:
            job.answer.set_result(appended)

    def _tip(self, row: Row | None) -> Tip | None:
        """What the last row says; None in an empty log.

        Raises:
            LogError: it is not the one that was there, or does not follow from it.
        """
        known = self._known
        if row is None and known is None:
            return None
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


def _put_job(put: Putting, tip: Tip, job: _Job, read: Any) -> Appended | None:
    """Adds the drafts of one job; none of them where an override was used before."""
    try:
        for draft in job.drafts:
            put.check_override(draft)
    except OverrideUsedError as error:
        job.answer.set_exception(error)
        return None
    numbers = []
    for draft in job.drafts:
        tip = put.draft(tip, draft)
        numbers.append(tip.seq)
    return Appended(numbers, tip, read)
