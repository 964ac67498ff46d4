# SPDX-License-Identifier: Apache-2.0
"""The database of the log: SQLite or PostgreSQL, durable, one writer at a time, and bounded in time.

A commit takes a fraction of a millisecond, and to have it on the disk takes many times that. So the lock is given back
after the commit, and then the writer waits for the disk, with all who wrote at the same time: one flush is enough for
all of them. Each row follows those before it in the database's own journal, so a crash can take the last ones only, of
which nobody was told yet.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from qaqpa.config import LogSource
from qaqpa.config.log import without_password
from qaqpa.errors import UsageError
from qaqpa.record.log import sqlite, tables, together
from qaqpa.record.log.errors import LogError

Found = TypeVar("Found")


@dataclass(frozen=True)
class Appending:
    """A transaction that appends: its connection, the end of the log, and the rows that are added when it ends."""

    connection: Any
    end: together.End
    rows: list[together.Insert] = field(default_factory=list)


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
            # Of PostgreSQL it is needed rarely, and keeps no connection.
            kept = {"pool_size": 2} if source.is_file else {"poolclass": NullPool}
            self._engine = sqlalchemy.create_engine(source.url, connect_args=_connect_args(source), **kept)
            self._by_hand = self._engine if source.is_file else _engine_by_hand(source)
        except ImportError as error:
            where, mend = "log.url", f"pip install {error.name}"
            raise UsageError(f"The database's driver is not installed ({error})", where=where, mend=mend) from error
        except (SQLAlchemyError, ValueError) as error:
            required = "sqlite:///FILE or postgresql+psycopg2://user@host/database"
            raise UsageError("This address cannot be used", where="log.url", required=required) from error
        if source.is_file:
            event.listen(self._engine, "connect", sqlite.set_up)

    def exists(self) -> bool:
        """False for a file of SQLite that is not there."""
        return not self._source.is_file or self._source.file.is_file()

    def make(self) -> None:
        """Makes the file and the tables where they are missing.

        Raises:
            LogError: that is not possible now.
        """
        if self._source.is_file:
            sqlite.make(self._source.file)
        with self.writing() as connection:
            tables.create(connection)

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """A connection in a transaction that has the lock; it is durable when this ends, or nothing is written.

        Raises:
            LogError: the database does not answer, is full, or somebody else writes all the time.
        """
        with self._told():
            until = time.monotonic() + self._source.timeout_seconds
            connection, _ = self._begun(self._engine, tables.lock, until)
            try:
                yield connection
                connection.commit()
                if self._source.is_file:
                    sqlite.flush(self._source.file)
                else:
                    together.flush(connection)
            finally:
                # Closing rolls back what is not committed.
                connection.close()

    @contextmanager
    def appending(self, deadline: float, digests: Iterable[str], *, flush: bool) -> Iterator[Appending]:
        """The same for rows that are added when this ends, in as few round trips as possible.

        Args:
            deadline: until when to wait for the lock, by `time.monotonic`.
            digests: SHA-256 of content that may be there already.
            flush: false where a crash of the machine may take what is written; the next flush covers it too.

        Raises:
            LogError: as for `writing`.
        """
        with self._told():
            connection, end = self._begun(self._by_hand, partial(together.begin, digests=digests), deadline)
            try:
                found = Appending(connection, end)
                yield found
                together.commit(connection, found.rows, flush=flush)
                if flush and self._source.is_file:
                    sqlite.flush(self._source.file)
            except BaseException:
                # In PostgreSQL nobody but the end of the connection ends a transaction that was begun by hand.
                connection.invalidate()
                raise
            finally:
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
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
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
        with self._by_hand.connect() as connection:
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
        for engine in (self._engine, self._by_hand):
            engine.dispose(close=False)

    def close(self) -> None:
        """Closes all connections."""
        for engine in (self._engine, self._by_hand):
            engine.dispose()

    def _begun(self, engine: Any, lock: Callable[[Any], Found], until: float) -> tuple[Any, Found]:
        """A connection that has the lock. One that broke while nobody used it is replaced once."""
        try:
            return self._opened(engine, lock, until)
        except DBAPIError as error:
            if self._source.is_file or not error.connection_invalidated:
                raise
            return self._opened(engine, lock, until)

    def _opened(self, engine: Any, lock: Callable[[Any], Found], until: float) -> tuple[Any, Found]:
        """A connection that has the lock; SQLite's is waited for here, and begins the transaction."""
        connection = engine.connect()
        try:
            if self._source.is_file:
                sqlite.begin(connection.connection.driver_connection, until)
            return connection, lock(connection)
        except BaseException:
            # It may have begun.
            connection.invalidate()
            connection.close()
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            first = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]
            raise LogError(f"The decision log cannot be used ({first})", where=self.shown) from error
        except (SQLAlchemyError, OSError) as error:
            raise LogError(f"The decision log cannot be used ({type(error).__name__})", where=self.shown) from error


def _engine_by_hand(source: LogSource) -> Any:
    """An engine of PostgreSQL that begins and ends nothing by itself.

    Its connections are so from the start: where one breaks, setting it back would fail, and its place in the pool would
    be lost. Who stands still with the lock loses it.
    """
    idle = 2 * math.ceil(source.timeout_seconds * 1000)
    how = _connect_args(source, idle_in_transaction_session_timeout=idle)
    return sqlalchemy.create_engine(source.url, connect_args=how, pool_size=2, isolation_level="AUTOCOMMIT")


def _connect_args(source: LogSource, **more: int) -> dict[str, Any]:
    if source.is_file:
        return dict(sqlite.CONNECT_ARGS)
    milliseconds = math.ceil(source.timeout_seconds * 1000)
    # Nothing waits longer, whatever the server's defaults are. A commit does not wait for the disk; a flush does.
    limits = {"lock_timeout": milliseconds, "statement_timeout": milliseconds, **more}
    options = " ".join(f"-c {name}={value}" for name, value in limits.items()) + " -c synchronous_commit=off"
    return {
        "connect_timeout": max(2, math.ceil(source.timeout_seconds)),
        "tcp_user_timeout": milliseconds,
        "application_name": "qaqpa decision log",
        "options": options,
    }
