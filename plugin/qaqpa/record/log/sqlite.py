# SPDX-License-Identifier: Apache-2.0
"""What a log in a file of SQLite needs: its file, its settings, the lock of its writer, and its way to the disk."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from qaqpa.record.log.errors import LogError

# SQLite tells nobody that the lock is free, and its own waiting sleeps up to a tenth of a second.
_SHORTEST_NAP, _LONGEST_NAP = 0.0001, 0.0008

# Without a level the driver begins no transaction of its own, and BEGIN IMMEDIATE is ours to say.
CONNECT_ARGS = {"timeout": 0, "isolation_level": None, "check_same_thread": False}


def make(file: Path) -> None:
    """Makes the file where it is missing.

    Raises:
        LogError: that is not possible.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            # It holds personal data, so nobody else reads it.
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise LogError(f"The decision log cannot be made ({error.strerror})", where=str(file)) from error


def set_up(connection: Any, _record: Any) -> None:
    """Sets up a new connection: a commit can be flushed by `flush`, and nothing that is deleted stays readable."""
    # Changing to the journal needs a lock for a moment, at which the settings of others may be in the way.
    for setting in ("busy_timeout = 2000", "journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("PRAGMA busy_timeout = 0")


def begin(driver: Any, until: float) -> None:
    """Begins a transaction that writes.

    Args:
        driver: the driver's connection.
        until: until when to wait for others, by `time.monotonic`.

    Raises:
        LogError: it cannot begin, or not in time.
    """
    while not _begun(driver, last=time.monotonic() >= until):
        time.sleep(random.uniform(_SHORTEST_NAP, _LONGEST_NAP))  # noqa: S311 - no secret


def _begun(driver: Any, *, last: bool) -> bool:
    """False where somebody else has the lock, and this was not the last try."""
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        if last or "locked" not in str(error):
            raise LogError(f"The decision log cannot be used ({error})") from error
        return False
    return True


def flush(file: Path) -> None:
    """Returns when what was committed is on the disk."""
    try:
        journal = os.open(f"{file}-wal", os.O_RDONLY)
    except FileNotFoundError:
        # Moved into the database file, which SQLite flushes before it takes the journal away.
        return
    try:
        os.fdatasync(journal)
    finally:
        os.close(journal)
