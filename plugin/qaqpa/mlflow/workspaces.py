# SPDX-License-Identifier: Apache-2.0
"""MLflow's store of workspaces, in which deleting a workspace neither moves registered models nor deletes them.

Deleting one with SET_DEFAULT moves its models to the default workspace, aliases and all, and with CASCADE deletes them;
MLflow asks no registry store. The entry point is the address `qaqpa+<database URI>` as `--workspace-store-uri`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from mlflow.environment_variables import MLFLOW_ENABLE_WORKSPACES, MLFLOW_WORKSPACE_STORE_URI
from mlflow.store.model_registry.dbmodels.models import SqlRegisteredModel
from mlflow.store.workspace.abstract_store import WorkspaceDeletionMode
from mlflow.store.workspace.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import text

from qaqpa.errors import UsageError
from qaqpa.mlflow.guard import refusal
from qaqpa.mlflow.store import PREFIX

_KEPT = (
    "Qaqpa: the workspace {name} is not deleted: it holds {count} registered models or prompts, among them {first}, "
    "and with {mode} they would be moved or deleted without a decision. Copy or delete them first. Nothing was changed."
)

_deleting: ContextVar[WorkspaceDeletionMode | None] = ContextVar("qaqpa_deleting", default=None)


class GuardedWorkspaces(SqlAlchemyStore):  # type: ignore[misc]  # MLflow ships no types
    """MLflow's SQL store of workspaces."""

    def delete_workspace(
        self, workspace_name: str, mode: WorkspaceDeletionMode = WorkspaceDeletionMode.RESTRICT
    ) -> None:
        """Deletes a workspace; with another mode than RESTRICT only where it has no registered model."""
        with _set(None if mode == WorkspaceDeletionMode.RESTRICT else mode):
            super().delete_workspace(workspace_name, mode)

    def _get_workspace(self, session: Any, workspace_name: str) -> Any:
        """A workspace's row, as MLflow reads it at the beginning of the transaction in which it deletes."""
        mode = _deleting.get()
        if mode is not None:
            _check_empty(session, workspace_name, mode)
        return super()._get_workspace(session, workspace_name)


def check_guarded() -> None:
    """Makes sure that a server with workspaces has this store.

    Raises:
        UsageError: it has another one.
    """
    if MLFLOW_ENABLE_WORKSPACES.get() and not os.environ.get(MLFLOW_WORKSPACE_STORE_URI.name, "").startswith(PREFIX):
        raise UsageError(
            "Deleting a workspace could move registered models with their aliases, without a decision",
            where="--workspace-store-uri",
            required=f"the database's address with the prefix {PREFIX}",
            mend=f"Add --workspace-store-uri {PREFIX}<what stands behind --backend-store-uri>",
        )


@contextmanager
def _set(mode: WorkspaceDeletionMode | None) -> Iterator[None]:
    token = _deleting.set(mode)
    try:
        yield
    finally:
        _deleting.reset(token)


def _check_empty(session: Any, name: str, mode: WorkspaceDeletionMode) -> None:
    connection = session.connection()
    # Nobody adds a model to the workspace before it is gone.
    if connection.dialect.name == "sqlite":
        connection.execute(text("BEGIN IMMEDIATE"))
    elif connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {SqlRegisteredModel.__tablename__} IN SHARE MODE"))
    models = session.query(SqlRegisteredModel.name).filter(SqlRegisteredModel.workspace == name)
    first = models.order_by(SqlRegisteredModel.name).first()
    if first:
        details = {"name": name, "count": models.count(), "first": first[0], "mode": mode.value}
        raise refusal("workspace_not_empty", _KEPT.format(**details))
