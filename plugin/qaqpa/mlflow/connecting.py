# SPDX-License-Identifier: Apache-2.0
"""How the gate asks the registry's database: the primary one, since a replica may be behind, and quickly.

In PostgreSQL each statement is a transaction of its own. As MLflow sets it up, two statements of one transaction see
different states too, and to begin and to end one takes as long as a statement. What was read is compared once more when
something is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, TEMPORARILY_UNAVAILABLE
from mlflow.store.db.utils import _get_managed_session_maker
from sqlalchemy import URL, bindparam, create_engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from qaqpa.mlflow.denial import log

_KEPT, _MORE = 4, 12
"""How many connections one process keeps for this, and how many more it may need for a moment."""

Opening = Callable[..., AbstractContextManager[Any]]
"""Opens a session, or a connection."""


def reading_sessions(engine: Any) -> Opening:
    """MLflow's maker of sessions, for what only MLflow itself knows how to read.

    Args:
        engine: of the primary database.
    """
    return _get_managed_session_maker(sessionmaker(bind=_without_transactions(engine)), engine.dialect.name)  # type: ignore[no-any-return]


def connections(engine: Any) -> Opening:
    """Opens a connection, on which PostgreSQL commits each statement; its errors are those of MLflow's sessions.

    Args:
        engine: of the primary database.
    """
    sessions, plain = reading_sessions(engine), _without_transactions(engine)

    @contextmanager
    def opened() -> Iterator[Any]:
        if plain is engine:
            # MLflow sets up each connection to a file of SQLite.
            with sessions() as session:
                yield session.connection()
            return
        try:
            with plain.connect() as connection:
                yield connection
        except OperationalError as error:
            log.exception("qaqpa: the registry's database does not answer")
            raise MlflowException(str(error), error_code=TEMPORARILY_UNAVAILABLE) from error
        except SQLAlchemyError as error:
            raise MlflowException(str(error), error_code=BAD_REQUEST) from error

    return opened


def _without_transactions(engine: Any) -> Any:
    return _plain(engine.url) if engine.dialect.name == "postgresql" else engine


@lru_cache(maxsize=16)
def _plain(url: URL) -> Any:
    """An engine with connections of its own.

    On those of MLflow's engine the level would have to be set back each time; where one breaks meanwhile, SQLAlchemy
    fails at that, and its place in the pool is lost for good.
    """
    return create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True, pool_size=_KEPT, max_overflow=_MORE)


class Question:
    """A question to the database that is put into words once: that takes longer than the database needs to answer."""

    def __init__(self, statement: Any) -> None:
        """Remembers it.

        Args:
            statement: a selection whose values are texts and numbers, each a parameter of its own.
        """
        self._statement = statement
        self._compiled: dict[tuple[str, str], Any] = {}

    def rows(self, asked: Any, values: Mapping[str, Any]) -> Sequence[Any]:
        """The rows of the answer.

        Args:
            asked: a session or a connection.
            values: by parameter.
        """
        connection = asked.connection() if isinstance(asked, Session) else asked
        dialect = connection.dialect
        key = (dialect.name, dialect.driver)
        if key not in self._compiled:
            self._compiled[key] = self._statement.compile(dialect=dialect)
        compiled = self._compiled[key]
        bound = compiled.construct_params(dict(values))
        given = tuple(bound[name] for name in compiled.positiontup) if compiled.positional else bound
        return connection.exec_driver_sql(str(compiled), given).all()  # type: ignore[no-any-return]


def places(name: str, count: int) -> list[Any]:
    """So many parameters `name_0`, `name_1`, … for a list of values."""
    return [bindparam(f"{name}_{number}") for number in range(count)]


def placed(name: str, values: Sequence[Any], count: int) -> dict[str, Any]:
    """The values of `places`; where there are fewer, the last one stands in all that are left.

    Args:
        name: of the parameters.
        values: at least one, and at most `count`.
        count: how many parameters there are.
    """
    return {f"{name}_{number}": values[min(number, len(values) - 1)] for number in range(count)}
