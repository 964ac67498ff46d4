# SPDX-License-Identifier: Apache-2.0
"""The server's own tables in the registry's database, which MLflow's own migrations leave alone."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, MetaData, String, Table, Text, inspect
from sqlalchemy.exc import SQLAlchemyError

from qaqpa.errors import UndecidedError

_metadata = MetaData()

ENVELOPES = Table(
    "qaqpa_envelopes",
    _metadata,
    Column("payload_sha256", String(64), primary_key=True),
    Column("envelope", Text, nullable=False),
    Column("first_seen_ms", BigInteger, nullable=False),
)
"""Each signed payload once, with all good signatures. `first_seen_ms` is milliseconds since 1970, UTC."""

SUBJECTS = Table(
    "qaqpa_envelope_subjects",
    _metadata,
    Column("subject_sha256", String(64), primary_key=True),
    Column("payload_sha256", String(64), ForeignKey(ENVELOPES.c.payload_sha256), primary_key=True),
)
"""What each is about, as `qaqpa.mlflow.envelopes` writes it."""

FREEZES = Table(
    "qaqpa_freezes",
    _metadata,
    Column("id", String(32), primary_key=True),
    Column("location", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)
"""Locations whose bytes are being judged; `until_ms`, milliseconds since 1970, UTC, ends what a killed process left."""


def make_tables(engine: Any) -> None:
    """Makes the tables, where they are missing.

    Raises:
        UndecidedError: they are missing and cannot be made.
    """
    try:
        _metadata.create_all(engine)
    except SQLAlchemyError as error:
        # Another process may have made them at the same moment.
        names = [table.name for table in _metadata.sorted_tables]
        if not set(names) <= set(inspect(engine).get_table_names()):
            raise UndecidedError(
                f"The tables {', '.join(names)} cannot be made ({type(error).__name__})",
                where="the registry's database",
                mend="As the owner of the database: qaqpa tables --registry URL; then grant rights on them",
            ) from error
