# SPDX-License-Identifier: Apache-2.0
"""What an append asks of the database and writes, with as few round trips as there can be.

On PostgreSQL they are most of the time that an append takes, and everybody waits for the lock meanwhile. The drivers
bind the values themselves, and several statements then go out as one text. A file of SQLite has no round trips, and
takes one statement after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Table, insert, select

from qaqpa.record.log.chain import Row
from qaqpa.record.log.tables import LOCK, chain, content

Insert = tuple[Table, Mapping[str, Any]]
"""A table of the log, and a row that is to be added to it."""


@dataclass(frozen=True)
class End:
    """The last row of the log, None where there is none; and by digest the commitments of content that is there."""

    last: Row | None
    there: Mapping[str, str] = field(default_factory=dict)


_LAST = select(chain).order_by(chain.c.seq.desc()).limit(1)
# Statements of their own: what is read after the lock was given is as it is then. The first one only has a row, without
# which SQLAlchemy would not wait for more.
_LOCKED_END = """\
SELECT 1;
BEGIN;
SELECT pg_advisory_xact_lock(%(lock)s);
SELECT seq, prev, head, body, NULL AS commitment, NULL AS digest
  FROM (SELECT * FROM qaqpa_log ORDER BY seq DESC LIMIT 1) AS last
UNION ALL
SELECT NULL, NULL, NULL, NULL, commitment, digest FROM qaqpa_log_content WHERE digest = ANY(%(digests)s)"""


# A commit of its own waits until the whole journal up to it is on the disk.
_COMMIT = "COMMIT"
_FLUSH = "SELECT set_config('synchronous_commit', 'on', true), pg_logical_emit_message(true, 'qaqpa', '')"


def begin(connection: Any, digests: Iterable[str] = ()) -> End:
    """Begins a transaction, waits for the writer's lock, and reads the end of the log as it is then.

    Args:
        connection: one on which nothing was begun; of SQLite, one that has begun and has the lock.
        digests: SHA-256 of content that may be there already.
    """
    wanted = list(digests)
    if connection.dialect.name == "sqlite":
        there = select(content.c.digest, content.c.commitment).where(content.c.digest.in_(wanted))
        last = connection.execute(_LAST).first()
        return End(_row(last) if last else None, dict(map(tuple, connection.execute(there))) if wanted else {})
    rows = _sent(connection, [(_LOCKED_END, {"lock": LOCK, "digests": wanted})])
    last = next((_row(row[:4]) for row in rows if row[0] is not None), None)
    return End(last, {str(row[5]): str(row[4]) for row in rows if row[0] is None})


def write(connection: Any, rows: Sequence[Insert]) -> None:
    """Adds rows, in this order."""
    if connection.dialect.name == "sqlite":
        for table, row in rows:
            connection.execute(insert(table), row)
    elif rows:
        _sent(connection, _inserts(rows))


def commit(connection: Any, rows: Sequence[Insert], *, flush: bool) -> None:
    """Adds rows, and ends the transaction.

    Args:
        connection: from `begin`.
        rows: what is still to be added.
        flush: true where it has to be on the disk; a file of SQLite is flushed by others.
    """
    if connection.dialect.name == "sqlite":
        write(connection, rows)
        connection.commit()
        return
    _sent(connection, [*_inserts(rows), (_COMMIT, {}), *([(_FLUSH, {})] if flush else [])])


def flush(connection: Any) -> None:
    """Returns when what was committed on a connection to PostgreSQL is on the disk."""
    connection.exec_driver_sql(_FLUSH)
    connection.commit()


def _inserts(rows: Iterable[Insert]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(_insert(table, tuple(row)), row) for table, row in rows]


@cache
def _insert(table: Table, columns: tuple[str, ...]) -> str:
    values = ", ".join(f"%({name})s" for name in columns)
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({values})"  # noqa: S608 - names of our own tables


def _row(found: Any) -> Row:
    seq, prev, head, body = found
    return Row(int(seq), bytes(prev), bytes(head), bytes(body))


def _sent(connection: Any, statements: Iterable[tuple[str, Mapping[str, Any]]]) -> Sequence[Any]:
    """Sends statements of PostgreSQL in one round trip; the rows of the last one."""
    driver = connection.connection.driver_connection
    cursor = _binding_cursor(driver)
    bound = "; ".join(_text(cursor.mogrify(text, values)) if values else text for text, values in statements)
    cursor.close()
    # Through SQLAlchemy, which tells what an error is, and whether the connection outlives it.
    result = connection.exec_driver_sql(bound, execution_options={"no_parameters": True})
    if not result.returns_rows:
        return []
    # The other driver has the rows of the last statement only.
    while connection.dialect.driver == "psycopg" and result.cursor.nextset():
        pass
    return list(result.cursor.fetchall())


def _binding_cursor(driver: Any) -> Any:
    """A cursor that puts values into a statement by itself, quoted.

    The ordinary one of psycopg 3 leaves that to the server, which then takes one statement at a time.
    """
    if hasattr(driver, "pgconn"):
        from psycopg import ClientCursor  # noqa: PLC0415 - only one of the drivers need be there

        return ClientCursor(driver)
    return driver.cursor()


def _text(bound: str | bytes) -> str:
    return bound if isinstance(bound, str) else bound.decode("ascii")
