# SPDX-License-Identifier: Apache-2.0
"""`qaqpa tables`: makes our tables ahead, as the owner of a database, so that a server's own role need not make any."""

from __future__ import annotations

import argparse
import re
from typing import Any

from qaqpa.cli.lazily import with_mlflow
from qaqpa.config import LogSource
from qaqpa.config.log import without_password
from qaqpa.errors import UndecidedError, UsageError, with_extra
from qaqpa.escape import visible

_PREFIX = "qaqpa+"
_DATABASE = re.compile(r"sqlite:///.|postgresql(\+psycopg2|\+psycopg)?://.")
_REQUIRED = "sqlite:///FILE, postgresql+psycopg2://… or postgresql+psycopg://…"
_PATIENCE_SECONDS = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("--registry", metavar="URL", help="database of MLflow's registry, with or without qaqpa+")
    parser.add_argument("--log", metavar="URL", help="database of the decision log")


def run(args: argparse.Namespace) -> int:
    """Makes the tables where they are missing.

    Raises:
        UsageError: no database is named, or an address cannot be used.
        UndecidedError: a database does not answer, or the tables cannot be made.
    """
    if not args.registry and not args.log:
        raise UsageError("No database is named", required="--registry URL, --log URL, or both")
    # Both are looked at before anything is made.
    registry = _checked(args.registry.removeprefix(_PREFIX), "--registry") if args.registry else None
    log = _checked(args.log, "--log") if args.log else None
    if registry:
        _make_registry(registry)
        print(f"The gate's tables are in {visible(without_password(registry))}")
    if log:
        _make_log(log)
        print(f"The decision log's tables are in {visible(without_password(log))}")
    return 0


def _checked(url: str, option: str) -> str:
    if not _DATABASE.match(url):
        # The value is not shown: it may hold a password.
        raise UsageError("This is not the address of a database", where=option, required=_REQUIRED)
    return url


def _make_registry(url: str) -> None:
    tables: Any = with_mlflow("tables")
    from sqlalchemy import create_engine  # noqa: PLC0415 - MLflow brings it
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    try:
        engine = create_engine(url)
    except (ImportError, SQLAlchemyError, ValueError) as error:
        reason = f"This address cannot be used ({type(error).__name__})"
        raise UsageError(reason, where="--registry", required=_REQUIRED) from error
    try:
        tables.make_tables(engine)
    except SQLAlchemyError as error:
        first = (str(getattr(error, "orig", error)).strip().splitlines() or [type(error).__name__])[0]
        where = visible(without_password(url))
        raise UndecidedError(f"The database does not answer ({visible(first)})", where=where) from error
    finally:
        engine.dispose()


def _make_log(url: str) -> None:
    try:
        from qaqpa.record.log.database import Database  # noqa: PLC0415 - SQLAlchemy may be absent
    except ImportError as error:
        raise UsageError("SQLAlchemy is not installed", mend=with_extra("log")) from error
    # Nothing is signed, so no key is needed.
    database = Database(LogSource(url, timeout_seconds=_PATIENCE_SECONDS, source="--log"))
    try:
        database.make()
    finally:
        database.close()
