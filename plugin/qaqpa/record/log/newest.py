# SPDX-License-Identifier: Apache-2.0
"""Reads the end of the log without a lock, in bounded time.

A database that stands still keeps a connection waiting for ever, whatever time limit it was told. So a thread of its
own waits for it, and whoever asks goes away in time. Those who ask at the same moment get one answer.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import partial

from sqlalchemy import func, select

from qaqpa.record.log.chain import peek
from qaqpa.record.log.database import Database
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.tables import chain, overrides

FRESH_SECONDS = 1.0
"""How long an answer is good for: shorter than the time that clocks may be apart.

An override that was used meanwhile is found when it is claimed.
"""

_USED = select(func.max(overrides.c.seq)).scalar_subquery().label("used")
_NEWEST = select(chain.c.body, _USED).order_by(chain.c.seq.desc()).limit(1)


@dataclass(frozen=True)
class Newest:
    """The latest time in the log, empty where there is no row; and the last row that uses an override up or reviews it.

    That row is 0 where there is none such.
    """

    latest: str = ""
    used: int = 0


@dataclass(frozen=True)
class Looking:
    """A reading that was begun, and waits for its answer when that is asked for.

    `newest` returns what the last row says, and raises `LogError` where the log cannot be read, or not in time.
    """

    newest: Callable[[], Newest]

    @classmethod
    def at_nothing(cls) -> Looking:
        """Where there is no log."""
        return cls(Newest)


class Reader:
    """Reads the end of one log. Safe for threads and for forks."""

    def __init__(self, database: Database, timeout_seconds: float) -> None:
        """Starts nothing yet.

        Args:
            database: whose tables are there.
            timeout_seconds: how long an answer may take.
        """
        self._database = database
        self._timeout = timeout_seconds
        self._process = 0
        self._starting = threading.Lock()
        self._asked: queue.SimpleQueue[Future[Newest]] = queue.SimpleQueue()
        self._last: tuple[float, Newest] | None = None
        self._forgotten = 0

    def looking(self) -> Looking:
        """Begins to read, unless that was done a moment ago; returns at once."""
        with self._starting:
            if self._process != os.getpid():
                # After a fork the thread and whoever waits for it are the parent's.
                self._asked, self._last = queue.SimpleQueue(), None
                threading.Thread(target=self._run, args=[self._asked], name="qaqpa-log-read", daemon=True).start()
                self._process = os.getpid()
        last = self._last
        if last and time.monotonic() - last[0] < FRESH_SECONDS:
            return Looking(lambda: last[1])
        answer: Future[Newest] = Future()
        self._asked.put(answer)
        return Looking(partial(self._answer, answer, time.monotonic() + self._timeout))

    def forget(self) -> None:
        """Whoever looks next reads again: this process used an override up, or reviewed one."""
        self._forgotten += 1
        self._last = None

    def _answer(self, answer: Future[Newest], until: float) -> Newest:
        try:
            return answer.result(max(0.0, until - time.monotonic()))
        except FutureTimeout:
            answer.cancel()
            raise LogError(
                f"The decision log does not answer within {self._timeout:g} s", where=self._database.shown
            ) from None

    def _run(self, asked: queue.SimpleQueue[Future[Newest]]) -> None:
        while True:
            waiting = [asked.get()]
            while not asked.empty():
                waiting.append(asked.get())
            present = [one for one in waiting if one.set_running_or_notify_cancel()]
            if not present:
                continue
            began, before = time.monotonic(), self._forgotten
            try:
                found = self._read()
            except Exception as error:  # noqa: BLE001 - whoever waits is told, and the thread goes on
                reason = error if isinstance(error, LogError) else LogError(f"The log failed ({type(error).__name__})")
                for one in present:
                    one.set_exception(reason)
                continue
            if before == self._forgotten:
                self._last = (began, found)
            for one in present:
                one.set_result(found)

    def _read(self) -> Newest:
        row = self._database.first(_NEWEST)
        return Newest(peek(bytes(row.body)).latest, int(row.used or 0)) if row else Newest()
