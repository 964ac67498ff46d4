# SPDX-License-Identifier: Apache-2.0
"""The gatekeeper in force in one process, and its replacement when configuration or policies changed.

Another one is built and tested aside and then put in place by one assignment, so that nobody sees half of it; one that
does not pass leaves the one before in force. Each call is judged by one gatekeeper from its beginning to its end. What
takes a version out of production asks for none, and so never waits for one.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.mlflow import metrics
from qaqpa.mlflow.denial import log
from qaqpa.mlflow.judge import Gatekeeper
from qaqpa.mlflow.sources import Stamp, current, is_settled
from qaqpa.mlflow.worker import this_worker
from qaqpa.record.log.asked import RELOAD

_RETRY_SECONDS = 10.0
_PATIENCE_SECONDS = 10.0
_Method = TypeVar("_Method", bound=Callable[..., Any])

_KEPT = "qaqpa: NOT RELOADED in worker %s: %s. What was in force before stays in force until this is mended."
_DIRECTORIES = re.compile(r"[^\s'\"(]*/")
_UNTOLD = "the server's log says why (reload_failed)"

_call: ContextVar[dict[InForce, Gatekeeper] | None] = ContextVar("qaqpa_call", default=None)


@dataclass(frozen=True)
class Loaded:
    """A gatekeeper that passed the self-test, and what it was built from."""

    gatekeeper: Gatekeeper
    stamp: Stamp


@dataclass(frozen=True)
class Failure:
    """A reload that did not pass: why, from which files, and when, in seconds of a monotonic clock.

    `told` is what may be said of it to whoever asks from outside: no directory and no address.
    """

    reason: str
    stamp: Stamp | None
    at: float
    told: str = ""


class InForce:
    """Holds the gatekeeper in force. Safe for threads."""

    def __init__(
        self,
        gatekeeper: Gatekeeper,
        stamp: Stamp | None = None,
        load: Callable[[Gatekeeper], Loaded] | None = None,
    ) -> None:
        """Puts the first one in force.

        Args:
            gatekeeper: the first one.
            stamp: what it was built from; None where it is only a stand-in until one can be built.
            load: builds and tests another one, raising whatever is wrong with it; without it the first one stays.
        """
        self.latest = gatekeeper
        self.failure: Failure | None = None
        self._stamp = stamp
        self._load = load
        self._loading = threading.Lock()

    def judging(self) -> Gatekeeper:
        """The gatekeeper for the call under way: the same one until its end, and at its first use the newest."""
        call = _call.get()
        if call is None:
            return self.fresh()
        if self not in call:
            call[self] = self.fresh()
        return call[self]

    def fresh(self) -> Gatekeeper:
        """The newest gatekeeper; where configuration or policies changed, after they were loaded."""
        if self._load and self._is_due() and self._loading.acquire(timeout=_PATIENCE_SECONDS):
            try:
                if self._is_due():
                    self._reload(self._load)
            finally:
                self._loading.release()
        return self.latest

    def _is_due(self) -> bool:
        """True where the files are not those that are in force, nor those that failed a short while ago."""
        stamp, failure = current(self.latest.config), self.failure
        if stamp == self._stamp:
            self.failure = None
            return False
        # A stand-in refuses everything, so what takes its place is taken as at a start.
        if self._stamp is not None and not is_settled():
            return False
        return failure is None or failure.stamp != stamp or time.monotonic() > failure.at + _RETRY_SECONDS

    def _reload(self, load: Callable[[Gatekeeper], Loaded]) -> None:
        before = self.latest
        stamp = current(before.config)
        try:
            loaded = load(before)
        except Exception as error:  # noqa: BLE001 - whatever it is, what was in force before stays
            self._failed(error, stamp)
            return
        loaded.gatekeeper.start(RELOAD)
        self.latest, self._stamp, self.failure = loaded.gatekeeper, loaded.stamp, None
        metrics.reloaded(done=True)
        metrics.in_force(loaded.gatekeeper.facts)
        log.warning(
            "qaqpa: reloaded in worker %s: policies %s, configuration %s",
            this_worker(),
            loaded.gatekeeper.facts["policy"],
            loaded.gatekeeper.facts["configuration"],
            extra={"qaqpa": {"event": "reload", **loaded.gatekeeper.facts}},
        )

    def _failed(self, error: Exception, stamp: Stamp | None) -> None:
        reason = str(error) or type(error).__name__
        shown = visible(reason.rstrip("."), 2000)
        self.failure = Failure(reason, stamp, time.monotonic(), _told(error))
        metrics.reloaded(done=False)
        log.error(_KEPT, this_worker(), shown, extra={"qaqpa": {"event": "reload_failed", "reason": shown}})


def _told(error: Exception) -> str:
    """What is wrong in a configuration, with the place in its file; of all else only that the log says it."""
    if not isinstance(error, UsageError):
        return _UNTOLD
    found = f"{error.where}: {error.found}" if error.where else error.found
    return _UNTOLD if "://" in found else visible(_DIRECTORIES.sub("", found).rstrip("."), 300)


@contextmanager
def one_gatekeeper() -> Iterator[None]:
    """For one call, with all that it calls itself: it is judged by one gatekeeper."""
    if _call.get() is not None:
        yield
        return
    token = _call.set({})
    try:
        yield
    finally:
        _call.reset(token)


def with_one_gatekeeper(method: _Method) -> _Method:
    """The same for a method of a store."""

    @wraps(method)
    def judged(self: Any, *args: Any, **kwargs: Any) -> Any:
        with one_gatekeeper():
            return method(self, *args, **kwargs)

    return cast("_Method", judged)
