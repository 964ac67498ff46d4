# SPDX-License-Identifier: Apache-2.0
"""What only a process of the server can do: open its tracking store, and what a location holds.

Inside a server neither `models:/` nor `mlflow-artifacts:/` can be opened by MLflow's public functions, which would ask
the server itself. The ways that its own request handlers take are used instead; those names are private, and a contract
test pins them.
"""

from __future__ import annotations

import copy
import os
import urllib.parse
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.server import BACKEND_STORE_URI_ENV_VAR, handlers
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.tracking._tracking_service import utils as tracking_utils

from qaqpa.config import Hashing
from qaqpa.mlflow.locations import BytesMissingError, check_local, check_location
from qaqpa.mlflow.trees import LocalTree, Tree, limits_of, remote_tree
from qaqpa.model import Problem


def tracking_store() -> Any:
    """The tracking store of this server, on its primary database.

    Outside a server, the one that this process is configured with.
    """
    if os.environ.get(BACKEND_STORE_URI_ENV_VAR):
        return _on_primary(handlers._get_tracking_store())  # noqa: SLF001 - see the module's description
    return _on_primary(tracking_utils._get_store())  # noqa: SLF001


@lru_cache(maxsize=8)
def _on_primary(store: Any) -> Any:
    """A store that reads from its primary database: a replica that is behind knows nothing of who trained a model."""
    sessions = getattr(store, "ManagedSessionMaker", None)
    if sessions is None:
        return store
    own = copy.copy(store)
    own.ManagedSessionMaker = lambda **_: sessions(read_only=False)
    return own


def location_digest(location: str, roots: Sequence[Path] = ()) -> str:
    """The model digest of the artifact root at a location; see `open_tree`.

    Raises:
        QaqpaError: there is no location, it cannot be reached, or what lies there cannot be hashed.
    """
    return location_facts(location, roots)[0]


def location_facts(location: str, roots: Sequence[Path] = ()) -> tuple[str, tuple[Problem, ...]]:
    """The model digest of the artifact root at a location, and the problem where that is not all of the model.

    Raises:
        QaqpaError: there is no location, it cannot be reached, or what lies there cannot be hashed.
    """
    facts = open_tree(location, roots).facts(limits_of(Hashing()))
    return str(facts.digest), facts.problems


def open_tree(location: str, roots: Sequence[Path] = ()) -> Tree:
    """The files at a location: local ones in place, others by download.

    Args:
        location: the URI or path that the registry recorded.
        roots: the directories below which a local path must lie; see `qaqpa.mlflow.locations.check_local`.

    Raises:
        QaqpaError: there is no location, or it cannot be opened.
    """
    check_location(location)
    repository, path = _open(location)
    if isinstance(repository, LocalArtifactRepository):
        return LocalTree(_local(repository, path, roots))
    return remote_tree(repository, path)


def _open(location: str) -> tuple[Any, str]:
    """The artifact repository for a location, and the path in it."""
    try:
        if not handlers._is_servable_proxied_run_artifact_root(location):  # noqa: SLF001 - see the module's description
            return handlers._get_artifact_repository_for_uri(location), ""  # noqa: SLF001
        path = handlers._get_proxied_run_artifact_destination_path(location)  # noqa: SLF001
        _check_plain(path)
        path = handlers._get_workspace_scoped_repo_path_if_enabled(path)  # noqa: SLF001
        return handlers._get_artifact_repo_mlflow_artifacts(), path  # noqa: SLF001
    except BytesMissingError:
        raise
    except Exception as error:
        raise BytesMissingError(f"The location cannot be opened ({type(error).__name__})", where=location) from error


def _check_plain(path: str) -> None:
    """Refuses a path that another reader could take for another place: the one hashed must be the one served."""
    if not path or urllib.parse.unquote(path) != path or ".." in path.split("/") or "\\" in path:
        raise BytesMissingError("The location is ambiguous", where=path, required="a plain path below the root")


def _local(repository: LocalArtifactRepository, path: str, roots: Sequence[Path]) -> Path:
    """The directory in which the files lie. The roots limit what a version may name by itself, not the server's own."""
    if path:
        try:
            return Path(repository.get_local_path(path))
        except MlflowException as error:
            raise BytesMissingError("There are no files at this location", where=path) from error
    real = Path(repository.artifact_dir).resolve()
    check_local(real, roots)
    if not real.is_dir():
        raise BytesMissingError("There is no directory at this location")
    return real
