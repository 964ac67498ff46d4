# SPDX-License-Identifier: Apache-2.0
"""The entry points that MLflow calls for addresses with our prefix: registry, workspaces, artifacts.

MLflow imports this module whenever it is imported itself, and only warns when that fails; so nothing heavy, and nothing
of MLflow, is imported before a store is asked for. With our own prefix such a failure leaves the registry closed.
"""

from __future__ import annotations

import os
from typing import Any

from qaqpa.mlflow.peer import watch_connections

PREFIX = "qaqpa+"
"""What stands before the database's URI."""

# Before the server takes its first request: later it is too late for that one.
watch_connections()


def build_store(store_uri: str, tracking_uri: str | None = None) -> Any:
    """The registry store with the gate in front.

    It must not ask MLflow for a store: MLflow holds a lock while it calls.

    Args:
        store_uri: the database's URI, with our prefix.
        tracking_uri: not needed; MLflow passes it when it is named.

    Raises:
        MlflowException: the gate cannot do its work; the server does not start.
    """
    from mlflow.environment_variables import MLFLOW_ENABLE_WORKSPACES  # noqa: PLC0415 - see the module's description
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - see the module's description
    from mlflow.server.constants import READ_REPLICA_BACKEND_STORE_URI_ENV_VAR  # noqa: PLC0415

    from qaqpa.mlflow.gated import GatedStore, GatedWorkspaceStore  # noqa: PLC0415
    from qaqpa.mlflow.selftest import ended, of_this_process  # noqa: PLC0415

    del tracking_uri
    try:
        gatekeeper = of_this_process()
    except MlflowException as error:
        ended(error)
    store = GatedWorkspaceStore if MLFLOW_ENABLE_WORKSPACES.get() else GatedStore
    replica = os.environ.get(READ_REPLICA_BACKEND_STORE_URI_ENV_VAR)
    return store(store_uri.removeprefix(PREFIX), read_db_uri=replica, gatekeeper=gatekeeper)


def build_workspaces(workspace_uri: str) -> Any:
    """The store of workspaces with the guard in front, for `--workspace-store-uri qaqpa+<database URI>`."""
    from qaqpa.mlflow.workspaces import GuardedWorkspaces  # noqa: PLC0415 - see the module's description

    return GuardedWorkspaces(workspace_uri.removeprefix(PREFIX))


def __getattr__(name: str) -> Any:
    """The builder of artifact stores, for `--artifacts-destination qaqpa+<URI>`.

    MLflow asks for it while it loads its list of artifact stores: the moment at which those beside can be guarded.
    """
    if name != "build_frozen":
        raise AttributeError(name)
    from qaqpa.mlflow.artifact_stores import build_frozen  # noqa: PLC0415 - see the module's description

    return build_frozen
