# SPDX-License-Identifier: Apache-2.0
"""How many refusals somebody gets for one registered model before the gate answers without judging.

A refusal costs the hashing of a model, a decision and rows of the log, and whoever may ask can ask without end. Only
promotions are limited: nothing that takes a version out of production comes here.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

import flask

from qaqpa.config.records import fold
from qaqpa.mlflow.guard import refusal
from qaqpa.mlflow.identity import known_login
from qaqpa.mlflow.peer import peer_of
from qaqpa.mlflow.saying import say

CODE = "too_many_refusals"
"""The code of the answer."""

MOST_REMEMBERED = 10_000
"""Most pairs of somebody and a model that one process remembers; the one that was asked about longest ago goes."""


@dataclass
class _Bucket:
    """How many refusals are left at a time, in seconds of a monotonic clock."""

    left: float
    at: float


class Refusals:
    """A token bucket for each pair of somebody and a registered model. Safe for threads."""

    def __init__(self, per_minute: int) -> None:
        """Starts full.

        Args:
            per_minute: how many refusals come back in a minute, and how many can be had at once.
        """
        self._per_minute = per_minute
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def with_limit(self, per_minute: int) -> Refusals:
        """The same, for another limit; itself where the limit is the same."""
        return self if per_minute == self._per_minute else Refusals(per_minute)

    def check(self, model: str) -> None:
        """For a promotion, before anything is judged.

        Raises:
            RefusedError: whoever asks was refused too often.
        """
        with self._lock:
            bucket = self._buckets.get(_key(model))
            left = self._filled(bucket).left if bucket else 1.0
        if left < 1:
            seconds = max(1, round((1 - left) * 60 / self._per_minute))
            told = say("line.too_many_refusals", model=model, count=self._per_minute, seconds=seconds)
            raise refusal(CODE, told)

    def count(self, model: str) -> None:
        """Counts a refusal."""
        with self._lock:
            key = _key(model)
            bucket = self._filled(self._buckets.pop(key, _Bucket(self._per_minute, time.monotonic())))
            bucket.left = max(0.0, bucket.left - 1)
            self._buckets[key] = bucket
            if len(self._buckets) > MOST_REMEMBERED:
                self._buckets.popitem(last=False)

    def _filled(self, bucket: _Bucket) -> _Bucket:
        now = time.monotonic()
        bucket.left = min(self._per_minute, bucket.left + (now - bucket.at) * self._per_minute / 60)
        bucket.at = now
        return bucket


def _key(model: str) -> tuple[str, str]:
    """Who asks, or, where no login is known, from where; and for which model, all spellings of its name alike."""
    if not flask.has_request_context():
        return "", fold(model)
    login = known_login()
    if login:
        return f"login {login}", fold(model)
    # Not the address that a header says.
    peer = peer_of(flask.request.environ)
    return f"address {peer.address if peer else flask.request.remote_addr}", fold(model)
