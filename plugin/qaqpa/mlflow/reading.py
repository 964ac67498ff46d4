# SPDX-License-Identifier: Apache-2.0
"""Sessions by which the gate reads the registry: on its primary database, since a replica may be behind."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from mlflow.store.db.utils import _get_managed_session_maker
from sqlalchemy.orm import sessionmaker

Sessions = Callable[..., AbstractContextManager[Any]]


def reading_sessions(engine: Any) -> Sessions:
    """MLflow's maker of sessions, for reading only.

    In PostgreSQL each statement is a transaction of its own: as MLflow sets it up, two statements of one transaction
    see different states too, and to begin and to end one takes as long as a statement. What was read is compared once
    more when something is written.

    Args:
        engine: of the primary database.
    """
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="AUTOCOMMIT")
    return _get_managed_session_maker(sessionmaker(bind=engine), engine.dialect.name)  # type: ignore[no-any-return]
