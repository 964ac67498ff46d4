# SPDX-License-Identifier: Apache-2.0
"""Hashes model files outside of requests, and for a request that can wait for it.

A digest that is computed ahead is stored with the listing of the files, and counts where the listing is still the same
while the files are frozen. So what is stored must be the digest of what that listing saw: it is taken before the files
are read, some seconds before, and again afterwards. Whoever writes to a file after it was read then gives it a time of
change that is later than the one that was listed, however coarse the clock of the storage is.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qaqpa.errors import QaqpaError
from qaqpa.escape import visible
from qaqpa.evidence.listing import Limits
from qaqpa.mlflow.connecting import Opening
from qaqpa.mlflow.denial import log
from qaqpa.mlflow.digests import LEASE_SECONDS, claim, keep, release, stored
from qaqpa.mlflow.envelopes import Sessions
from qaqpa.mlflow.locations import BytesMissingError
from qaqpa.mlflow.trees import Facts, Seen, Tree
from qaqpa.model import Problem

AT_ONCE = 2
"""Most places that one process hashes ahead at once, each in one thread."""

MOST_WAITING = 1_000
"""Most places that wait for it; those beyond are hashed when they are asked for again."""

SETTLE_SECONDS = 2.0
"""How long the files must be unchanged before they are read: more than the coarsest clock of a storage."""

PATIENCE_SECONDS = 1.5
"""How long a request waits for a digest."""

_TRIES = 3
# A location may be of any length, and each refusal is kept.
_MOST_TOLD = 2_000


@dataclass(frozen=True)
class _Job:
    tree: Tree
    limits: Limits


class Hasher:
    """Hashes for one process. Safe for threads; its own end with the process, and what they did not finish is lost."""

    def __init__(self, sessions: Sessions, connected: Opening) -> None:
        """Starts nothing yet.

        Args:
            sessions: MLflow's maker of sessions of the registry's database.
            connected: opens a connection to it, for reading.
        """
        self._sessions, self._connected = sessions, connected
        self._lock = threading.Lock()
        self._waiting: deque[_Job] = deque()
        self._known: set[str] = set()
        self._threads = 0
        self._answering: dict[tuple[str, str], Future[Facts]] = {}

    def ask(self, tree: Tree, limits: Limits, *, first: bool = False) -> None:
        """Has a place hashed soon, unless it waits for that already, or is hashed in its present state.

        Args:
            tree: the place.
            limits: the most that is hashed.
            first: before those that wait already.
        """
        with self._lock:
            if tree.key in self._known or len(self._waiting) >= MOST_WAITING:
                return
            self._known.add(tree.key)
            (self._waiting.appendleft if first else self._waiting.append)(_Job(tree, limits))
            if self._threads < AT_ONCE:
                self._threads += 1
                threading.Thread(target=self._work, name="qaqpa-hasher", daemon=True).start()

    def stored(self, tree: Tree, seen: Seen) -> Facts | None:
        """What was computed ahead of a place in this state; None where nothing was.

        Raises:
            MlflowException: the database does not answer.
        """
        with self._connected() as connection:
            return stored(connection, tree.key, seen)

    def now(self, tree: Tree, seen: Seen, limits: Limits) -> Facts | None:
        """Hashes a place that is frozen; None where that takes too long. Several who ask at once share one answer.

        Raises:
            QaqpaError: as `Tree.facts`.
        """
        key = (tree.key, seen.fingerprint)
        with self._lock:
            future = self._answering.get(key)
            if future is None:
                future = self._answering[key] = Future()
                threading.Thread(target=self._answer, args=(key, future, tree, limits), daemon=True).start()
        try:
            return future.result(PATIENCE_SECONDS)
        except FutureTimeoutError:
            return None

    def _answer(self, key: tuple[str, str], future: Future[Facts], tree: Tree, limits: Limits) -> None:
        try:
            facts = tree.facts(limits)
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
            self._answering.pop(key, None)
            future.set_exception(error)
        else:
            self._answering.pop(key, None)
            future.set_result(facts)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads -= 1
                    return
                job = self._waiting.popleft()
            try:
                self._hash(job)
            except Exception as error:  # noqa: BLE001 - whoever asks again has it tried again
                log.warning("qaqpa: hashing ahead failed: %s", visible(f"{type(error).__name__}: {error}", 2000))
            finally:
                with self._lock:
                    self._known.discard(job.tree.key)

    def _hash(self, job: _Job) -> None:
        seen = job.tree.seen(job.limits)
        if seen is None or self.stored(job.tree, seen):
            return
        with self._leased(job.tree.key) as is_ours:
            for _ in range(_TRIES if is_ours else 0):
                time.sleep(SETTLE_SECONDS)
                facts = _facts(job)
                after = job.tree.seen(job.limits)
                if after == seen:
                    with self._sessions(read_only=False) as session:
                        keep(session, job.tree.key, seen, facts)
                    log.info("qaqpa: hashed ahead: %d bytes in %d files", seen.size, seen.files)
                    return
                seen = after or seen

    @contextmanager
    def _leased(self, key: str) -> Iterator[bool]:
        """Keeps others from hashing a place at the same time; false where somebody does."""
        owner, ended = uuid.uuid4().hex, threading.Event()

        def take() -> bool:
            with self._sessions(read_only=False) as session:
                return claim(session, key, owner)

        def renew() -> None:
            while not ended.wait(LEASE_SECONDS / 3):
                try:
                    take()
                except Exception as error:  # noqa: BLE001, PERF203 - the lease may end: the worst is to hash twice
                    log.warning("qaqpa: the lease of hashing ahead was not renewed (%s)", type(error).__name__)

        if not take():
            yield False
            return
        threading.Thread(target=renew, name="qaqpa-lease", daemon=True).start()
        try:
            yield True
        finally:
            ended.set()
            with self._sessions(read_only=False) as session:
                release(session, key, owner)


def _facts(job: _Job) -> Facts:
    """The digest, or the problem why there is none: whoever asks would wait for ever without it."""
    try:
        return job.tree.facts(job.limits, quietly=True)
    except QaqpaError as error:
        return Facts(None, (failure(error),))


def failure(error: QaqpaError) -> Problem:
    """Why there is no digest. Clients are told the name of a file in the model, and not where the server keeps it."""
    if isinstance(error, BytesMissingError):
        return Problem("bytes_missing", visible(error, _MOST_TOLD))
    return Problem("digest_failed", visible(error.found if Path(error.where).is_absolute() else error, _MOST_TOLD))
