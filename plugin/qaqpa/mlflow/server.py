# SPDX-License-Identifier: Apache-2.0
"""What only a process of the server can do: open its tracking store, and hash what a location holds.

Inside a server neither `models:/` nor `mlflow-artifacts:/` can be opened by MLflow's public functions, which would ask
the server itself. The ways that its own request handlers take are used instead; those names are private, and a contract
test pins them.
"""

from __future__ import annotations

import os
import tempfile
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.server import BACKEND_STORE_URI_ENV_VAR, handlers
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.tracking._tracking_service import utils as tracking_utils

from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.elsewhere import weights_elsewhere
from qaqpa.mlflow.locations import BytesMissingError, check_local, check_location
from qaqpa.model import Problem


def tracking_store() -> Any:
    """The tracking store of this server; outside a server, the one that this process is configured with."""
    if os.environ.get(BACKEND_STORE_URI_ENV_VAR):
        return handlers._get_tracking_store()  # noqa: SLF001 - see the module's description
    return tracking_utils._get_store()  # noqa: SLF001


def location_digest(location: str, roots: Sequence[Path] = ()) -> str:
    """The model digest of the artifact root at a location; see `location_facts`.

    Raises:
        QaqpaError: there is no location, it cannot be reached, or what lies there cannot be hashed.
    """
    with _files(location, roots) as directory:
        return dir_hash(directory)


def location_facts(location: str, roots: Sequence[Path] = ()) -> tuple[str, tuple[Problem, ...]]:
    """The model digest of the artifact root at a location, and the problem where that is not all of the model.

    Local files are hashed in place; others are downloaded into a temporary directory that is deleted afterwards.

    Args:
        location: the URI or path that the registry recorded.
        roots: the directories below which a local path must lie; see `qaqpa.mlflow.locations.check_local`.

    Raises:
        QaqpaError: there is no location, it cannot be reached, or what lies there cannot be hashed.
    """
    with _files(location, roots) as directory:
        digest, elsewhere = dir_hash(directory), weights_elsewhere(directory)
    return digest, (Problem("bytes_elsewhere", elsewhere),) if elsewhere else ()


@contextmanager
def _files(location: str, roots: Sequence[Path]) -> Iterator[Path]:
    """The directory of this machine in which the files at a location lie."""
    check_location(location)
    repository, path = _open(location)
    if isinstance(repository, LocalArtifactRepository):
        yield _local(repository, path, roots)
        return
    with tempfile.TemporaryDirectory(prefix="qaqpa-") as temporary:
        yield Path(_download(repository, path, temporary))


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


def _download(repository: Any, path: str, directory: str) -> str:
    try:
        return str(repository.download_artifacts(path, dst_path=directory))
    except Exception as error:
        raise BytesMissingError(
            # Where the server keeps its artifacts, and with which password, is not for clients.
            f"The model's files cannot be fetched ({type(error).__name__})",
            where=path,
        ) from error
