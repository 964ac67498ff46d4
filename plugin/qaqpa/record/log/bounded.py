# SPDX-License-Identifier: Apache-2.0
"""Does something that may wait for a database, and goes away in time.

A database that stands still keeps a connection waiting for ever, whatever time limit it was told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TypeVar

from qaqpa.record.log.errors import LogError

_T = TypeVar("_T")


def within(seconds: float, call: Callable[[], _T], where: str) -> _T:
    """What a call returns, made by a thread of its own.

    Args:
        seconds: how long to wait for it.
        call: what is done; it may go on for longer, and nobody hears of it then.
        where: names the database, for the message.

    Raises:
        LogError: it does not end in time, or whatever the call raised.
    """
    answer: Future[_T] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            answer.set_exception(
                error if isinstance(error, LogError) else LogError(f"The log failed ({type(error).__name__})")
            )

    threading.Thread(target=run, name="qaqpa-log-look-up", daemon=True).start()
    try:
        return answer.result(seconds)
    except FutureTimeout:
        raise LogError(f"The decision log does not answer within {seconds:g} s", where=where) from None
