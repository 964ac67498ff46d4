# SPDX-License-Identifier: Apache-2.0
"""The tables of the log, and the triggers that keep rows from being changed by accident.

The triggers are no protection against whoever owns the database: an owner can drop them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import DDL, BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, inspect, text
from sqlalchemy.schema import CreateIndex, CreateTable

metadata = MetaData()

_NUMBER = BigInteger().with_variant(Integer, "sqlite")

chain = Table(
    "qaqpa_log",
    metadata,
    Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    # Unique, so that the chain cannot fork even where a lock fails.
    Column("prev", LargeBinary, nullable=False, unique=True),
    Column("head", LargeBinary, nullable=False, unique=True),
    Column("body", LargeBinary, nullable=False),
)

content = Table(
    "qaqpa_log_content",
    metadata,
    # What rows name; `actual` is another commitment where something in it was erased.
    Column("commitment", String(64), primary_key=True),
    Column("actual", String(64), nullable=False),
    # Empty where it was erased. `digest` is the unsalted SHA-256, by which equal inputs are found.
    Column("digest", String(64), unique=True),
    Column("salt", LargeBinary),
    Column("body", LargeBinary),
)

overrides = Table(
    "qaqpa_log_override",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("seq", _NUMBER, nullable=False, unique=True),
)

allowed = Table(
    "qaqpa_log_allowed",
    metadata,
    # The row that says that the promotion was done, and the decision that let it through.
    Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    Column("decision", _NUMBER, nullable=False),
    # Of bytes, stage and context; see `qaqpa.record.log.allowed`.
    Column("sha256", String(64), nullable=False),
    Index("qaqpa_log_allowed_sha256", "sha256", "seq"),
)

LOCK = 7_310_445_901
"""The key of PostgreSQL's advisory lock that one writer holds."""

_GUARDED = (chain, overrides, allowed)
_REFUSED = "rows of the decision log are neither changed nor deleted"


def create(connection: Any) -> None:
    """Makes the tables and triggers where they are missing, in a transaction under the writer's lock."""
    there = inspect(connection)
    missing = [table for table in metadata.sorted_tables if not there.has_table(table.name)]
    for table in missing:
        connection.execute(CreateTable(table))
        for index in table.indexes:
            connection.execute(CreateIndex(index))
    guarded = [table for table in _GUARDED if table in missing]
    statements = _sqlite(guarded) if connection.dialect.name == "sqlite" else _postgresql(guarded)
    for statement in statements:
        connection.execute(DDL(statement))


def has_log(connection: Any) -> bool:
    """True where the tables were made."""
    return bool(inspect(connection).has_table(chain.name))


def _sqlite(guarded: Sequence[Table]) -> list[str]:
    return [
        f"CREATE TRIGGER {table.name}_no_{event.lower()} BEFORE {event} ON {table.name} "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
        for table in guarded
        for event in ("UPDATE", "DELETE")
    ]


def _postgresql(guarded: Sequence[Table]) -> list[str]:
    function = (
        "CREATE OR REPLACE FUNCTION qaqpa_log_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$"
    )
    triggers = [
        f"CREATE TRIGGER {table.name}_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON {table.name} "
        "FOR EACH STATEMENT EXECUTE FUNCTION qaqpa_log_refuse()"
        for table in guarded
    ]
    return [function, *triggers] if triggers else []


def lock(connection: Any) -> None:
    """Waits for the writer's lock. SQLite's was taken when the transaction began."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
