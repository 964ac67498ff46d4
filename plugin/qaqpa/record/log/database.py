# SPDX-License-Identifier: Apache-2.0
"""The database of the log: SQLite or PostgreSQL, durable, one writer at a time, and bounded in time.

A commit takes a fraction of a millisecond, and to have it on the disk takes many times that. So the lock is given back
after the commit, and then the writer waits for the disk, with all who wrote at the same time: one flush is enough for
all of them. Each row follows those before it in the database's own journal, so a crash can take the last ones only, of
which nobody was told yet.
"""

from __future__ import annotations

import math
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from qaqpa.config import LogSource
from qaqpa.config.log import without_password
from qaqpa.errors import UsageError
from qaqpa.record.log import tables, together
from qaqpa.record.log.errors import LogError

Found = TypeVar("Found")

# SQLite tells nobody that the lock is free, and its own waiting sleeps up to a tenth of a second.
_SHORTEST_NAP, _LONGEST_NAP = 0.0001, 0.0008

_MARK = "SELECT set_config('synchronous_commit', 'on', true), pg_logical_emit_message(true, 'qaqpa', '')"


class Database:
    """Opens connections. A transaction that writes has the database to itself."""

    def __init__(self, source: LogSource) -> None:
        """Connects to nothing yet.

        Args:
            source: which database, and how long one append may take.

        Raises:
            UsageError: the driver is not installed, or the address is none.
        """
        self.shown = without_password(source.url)
        self.timeout_seconds = source.timeout_seconds
        self._source = source
        try:
            self._engine = sqlalchemy.create_engine(source.url, connect_args=_connect_args(source), pool_size=2)
        except ImportError as error:
            where, mend = "log.url", f"pip install {error.name}"
            raise UsageError(f"The database's driver is not installed ({error})", where=where, mend=mend) from error
        except (SQLAlchemyError, ValueError) as error:
            required = "sqlite:///FILE or postgresql+psycopg2://user@host/database"
            raise UsageError("This address cannot be used", where="log.url", required=required) from error
        if source.is_file:
            event.listen(self._engine, "connect", _settings)

    def exists(self) -> bool:
        """False for a file of SQLite that is not there."""
        return not self._source.is_file or self._source.file.is_file()

    def make(self) -> None:
        """Makes the file and the tables where they are missing.

        Raises:
            LogError: that is not possible now.
        """
        if self._source.is_file:
            self._make_file()
        with self.writing() as connection:
            tables.create(connection)

    @contextmanager
    def writing(self, deadline: float | None = None, *, flush: bool = True) -> Iterator[Any]:
        """A connection in a transaction that has the lock; it is durable when this ends, or nothing is written.

        Args:
            deadline: until when to wait for the lock, by `time.monotonic`; the configured time by default.
            flush: false where a crash of the machine may take what is written; the next flush covers it too.

        Raises:
            LogError: the database does not answer, is full, or somebody else writes all the time.
        """
        until = time.monotonic() + self._source.timeout_seconds if deadline is None else deadline
        with self._locked(tables.lock, until, flush=flush) as (connection, _):
            yield connection

    @contextmanager
    def appending(self, deadline: float, digests: Iterable[str], *, flush: bool) -> Iterator[tuple[Any, together.End]]:
        """The same, with the end of the log and what is there of some content; see `together.lock`.

        Raises:
            LogError: as for `writing`.
        """
        with self._locked(partial(together.lock, digests=digests), deadline, flush=flush) as found:
            yield found

    @contextmanager
    def _locked(self, lock: Callable[[Any], Found], until: float, *, flush: bool) -> Iterator[tuple[Any, Found]]:
        with self._told():
            connection, found = self._begun(lock, until)
            try:
                yield connection, found
                connection.commit()
                if flush:
                    self._flush(connection)
            finally:
                # Closing rolls back what is not committed.
                connection.close()

    @contextmanager
    def reading(self, *, bounded: bool = False) -> Iterator[Any]:
        """A connection that sees the log as it is when the reading begins, whatever is appended meanwhile.

        Args:
            bounded: true where somebody waits, so that a statement may take no longer than an append.

        Raises:
            LogError: the database does not answer.
        """
        with self._told(), self._engine.connect() as connection:
            if self._source.is_file:
                connection.exec_driver_sql("BEGIN")
            else:
                connection.execution_options(isolation_level="REPEATABLE READ")
                if not bounded:
                    connection.exec_driver_sql("SET statement_timeout = 0")
            yield connection

    def first(self, statement: Any) -> Any:
        """The first row that a statement selects, None without one. It waits no longer than an append may take.

        Raises:
            LogError: the database does not answer.
        """
        with self._told():
            try:
                return self._first(statement)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                # It broke while nobody used it.
                return self._first(statement)

    def _first(self, statement: Any) -> Any:
        with self._engine.connect() as connection:
            if not self._source.is_file:
                # SQLite's connections are so from the start, and would not be so again afterwards.
                connection.execution_options(isolation_level="AUTOCOMMIT")
            return connection.execute(statement).first()

    def settle(self) -> None:
        """Takes what was erased out of SQLite's journal too.

        Raises:
            LogError: the database does not answer.
        """
        if self._source.is_file:
            with self._told(), self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def forget(self) -> None:
        """Drops all connections without closing them: after a fork they belong to the parent."""
        self._engine.dispose(close=False)

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    def _begun(self, lock: Callable[[Any], Found], until: float) -> tuple[Any, Found]:
        """A connection that has the lock. One that broke while nobody used it is replaced once."""
        if self._source.is_file:
            return self._opened(lock, until)
        try:
            return self._opened(lock)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return self._opened(lock)

    def _opened(self, lock: Callable[[Any], Found], until: float | None = None) -> tuple[Any, Found]:
        """A connection that has the lock; SQLite's is waited for here, and begins the transaction."""
        connection = self._engine.connect()
        try:
            driver = connection.connection.driver_connection
            while until is not None and not _begun_by(driver, last=time.monotonic() >= until):
                time.sleep(random.uniform(_SHORTEST_NAP, _LONGEST_NAP))  # noqa: S311 - no secret
            return connection, lock(connection)
        except BaseException:
            connection.close()
            raise

    def _flush(self, connection: Any) -> None:
        """Returns when what was committed is on the disk."""
        if not self._source.is_file:
            _flush_postgresql(connection.connection.driver_connection)
            return
        try:
            journal = os.open(f"{self._source.file}-wal", os.O_RDONLY)
        except FileNotFoundError:
            # Moved into the database file, which SQLite flushes before it takes the journal away.
            return
        try:
            os.fdatasync(journal)
        finally:
            os.close(journal)

    def _make_file(self) -> None:
        file = self._source.file
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                # It holds personal data, so nobody else reads it.
                os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as error:
            raise LogError(f"The decision log cannot be made ({error.strerror})", where=str(file)) from error

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            first = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]
            raise LogError(f"The decision log cannot be used ({first})", where=self.shown) from error
        except (SQLAlchemyError, OSError) as error:
            raise LogError(f"The decision log cannot be used ({type(error).__name__})", where=self.shown) from error


def _flush_postgresql(driver: Any) -> None:
    """A commit of its own, in one round trip: it waits until the whole journal up to it is on the disk."""
    driver.autocommit = True
    try:
        with driver.cursor() as cursor:
            cursor.execute(_MARK)
    finally:
        driver.autocommit = False


def _connect_args(source: LogSource) -> dict[str, Any]:
    if source.is_file:
        # Without a level the driver begins no transaction of its own, and BEGIN IMMEDIATE is ours to say.
        return {"timeout": 0, "isolation_level": None, "check_same_thread": False}
    milliseconds = math.ceil(source.timeout_seconds * 1000)
    # Nothing waits longer, whatever the server's defaults are. A commit does not wait for the disk; `_flush` does.
    options = f"-c lock_timeout={milliseconds} -c statement_timeout={milliseconds} -c synchronous_commit=off"
    return {
        "connect_timeout": max(2, math.ceil(source.timeout_seconds)),
        "tcp_user_timeout": milliseconds,
        "application_name": "qaqpa decision log",
        "options": options,
    }


def _begun_by(driver: Any, *, last: bool) -> bool:
    """Begins a transaction that writes; False where somebody else has the lock, and this was not the last try.

    Raises:
        LogError: it cannot begin.
    """
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        if last or "locked" not in str(error):
            raise LogError(f"The decision log cannot be used ({error})") from error
        return False
    return True


def _settings(connection: Any, _record: Any) -> None:
    """Sets SQLite so that a commit can be flushed by `_flush`, and nothing that is deleted stays readable."""
    # Changing to the journal needs a lock for a moment, at which the settings of others may be in the way.
    for setting in ("busy_timeout = 2000", "journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("PRAGMA busy_timeout = 0")
