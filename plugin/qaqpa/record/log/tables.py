# SPDX-License-Identifier: Apache-2.0
"""The tables of the log, and the triggers that keep rows from being changed by accident.

The triggers are no protection against whoever owns the database: an owner can drop them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import DDL, BigInteger, Column, Integer, LargeBinary, MetaData, String, Table, inspect, text
from sqlalchemy.schema import CreateTable

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

LOCK = 7_310_445_901
"""The key of PostgreSQL's advisory lock that one writer holds."""

_GUARDED = (chain, overrides)
_REFUSED = "rows of the decision log are neither changed nor deleted"


def create(connection: Any) -> None:
    """Makes the tables and triggers where they are missing, in a transaction under the writer's lock."""
    if has_log(connection):
        return
    for table in metadata.sorted_tables:
        connection.execute(CreateTable(table))
    statements = _sqlite() if connection.dialect.name == "sqlite" else _postgresql()
    for statement in statements:
        connection.execute(DDL(statement))


def has_log(connection: Any) -> bool:
    """True where the tables were made."""
    return bool(inspect(connection).has_table(chain.name))


def _sqlite() -> list[str]:
    return [
        f"CREATE TRIGGER {table.name}_no_{event.lower()} BEFORE {event} ON {table.name} "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
        for table in _GUARDED
        for event in ("UPDATE", "DELETE")
    ]


def _postgresql() -> list[str]:
    function = (
        "CREATE OR REPLACE FUNCTION qaqpa_log_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$"
    )
    triggers = [
        f"CREATE TRIGGER {table.name}_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON {table.name} "
        "FOR EACH STATEMENT EXECUTE FUNCTION qaqpa_log_refuse()"
        for table in _GUARDED
    ]
    return [function, *triggers]


def lock(connection: Any) -> None:
    """Waits for the writer's lock. SQLite's was taken when the transaction began."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
