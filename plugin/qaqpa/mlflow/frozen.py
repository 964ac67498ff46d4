# SPDX-License-Identifier: Apache-2.0
"""MLflow's artifact stores, in which nothing can be written or deleted below the directory of what is in production.

Each is a subclass of the store that MLflow has for the address without our prefix, so that it streams and takes parts
as that does. Every way to write through the server ends at one of these methods, with the prefix or beside it.
"""

from __future__ import annotations

import asyncio
import os
import posixpath
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException, _UnsupportedMultipartUploadException
from mlflow.server.constants import REGISTRY_STORE_URI_ENV_VAR
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import get_uri_scheme, is_local_uri
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from qaqpa.errors import QaqpaError
from qaqpa.escape import without_credentials
from qaqpa.mlflow.addresses import is_tellable, places
from qaqpa.mlflow.artifact_stores import own_kind, takes_parts
from qaqpa.mlflow.denial import fail_closed
from qaqpa.mlflow.freezing import announced, destination, frozen_by, has_lock, writing
from qaqpa.mlflow.guard import refusal
from qaqpa.mlflow.in_force import InForce
from qaqpa.mlflow.selftest import of_this_process
from qaqpa.mlflow.store import PREFIX

_FROZEN = (
    "Qaqpa: {path} is not changed: the files of {what} lie there, and what was approved stays as it was approved. "
    "Log a new model, or take the version out of production first. Nothing was changed."
)

_UNKNOWN = (
    "Qaqpa: nothing is written to {address}: nobody can tell whether it leads to files that are in production. Write "
    "there without this server, or log to an experiment in its own artifact store. Nothing was changed."
)

_PRESIGNED = (
    "Qaqpa: no address for uploading is given out: it could be used later, when the files are in production and nobody "
    "asks any more. Upload through the server. Nothing was changed."
)

# By how it begins MLflow's clients know that they have to upload in one piece.
_NO_PARTS = f"{_UnsupportedMultipartUploadException.MESSAGE}. {_PRESIGNED}"


class FrozenMixin(ArtifactRepository):  # type: ignore[misc]  # MLflow ships no types
    """Asks the registry before each method of an artifact store that writes or deletes."""

    _kind: type

    def log_artifact(self, local_file: Any, artifact_path: str | None = None) -> Any:
        """Writes a file."""
        with self._changing(artifact_path, local_file):
            return super().log_artifact(local_file, artifact_path)

    def log_artifacts(self, local_dir: Any, artifact_path: str | None = None) -> Any:
        """Writes the files of a directory."""
        with self._changing(artifact_path):
            return super().log_artifacts(local_dir, artifact_path)

    def log_artifact_from_stream(self, stream: Any, artifact_file_name: str, artifact_path: str | None = None) -> Any:
        """Writes a file as it arrives."""
        self._check(artifact_path, artifact_file_name)
        return super().log_artifact_from_stream(stream, artifact_file_name, artifact_path)

    async def log_artifact_from_async_stream(
        self, chunks: Any, artifact_file_name: str, artifact_path: str | None = None
    ) -> Any:
        """Writes a file as it arrives."""
        await asyncio.to_thread(self._check, artifact_path, artifact_file_name)
        return await super().log_artifact_from_async_stream(chunks, artifact_file_name, artifact_path)

    def _create_staging_artifact(self, artifact_file_name: str, artifact_path: str | None = None) -> Any:
        """Makes the file into which another one arrives; it lies where that will be."""
        with self._changing(artifact_path, artifact_file_name):
            return super()._create_staging_artifact(artifact_file_name, artifact_path)

    def _publish_staged_artifact(
        self, temp_file_path: str, destination_file_path: str, finalize_temp_path: Any = None
    ) -> Any:
        """Puts a file that has arrived in its place; much can have happened since its first byte."""
        inside = os.path.relpath(destination_file_path, self.artifact_dir)
        with self._changing(inside):
            return super()._publish_staged_artifact(temp_file_path, destination_file_path, finalize_temp_path)

    def create_multipart_upload(self, local_file: str, num_parts: int = 1, artifact_path: str | None = None) -> Any:
        """Begins a file that arrives in parts."""
        if not takes_parts(self._kind) and self._places(_joined(artifact_path, local_file)):
            raise refusal("presigned", _NO_PARTS)
        with self._changing(artifact_path, local_file):
            return super().create_multipart_upload(local_file, num_parts, artifact_path)

    def complete_multipart_upload(
        self, local_file: str, upload_id: str, parts: Any = None, artifact_path: str | None = None
    ) -> Any:
        """Puts the parts of a file together."""
        with self._changing(artifact_path, local_file):
            return super().complete_multipart_upload(local_file, upload_id, parts, artifact_path)

    def create_presigned_upload_url(self, artifact_path: str, expiration: int = 900) -> Any:
        """Makes an address to which a client could write later, when nobody asks any more."""
        if self._places(artifact_path):
            raise refusal("presigned", _PRESIGNED)
        return super().create_presigned_upload_url(artifact_path, expiration)

    def upload_archived_trace_data_bytes(self, data: bytes) -> Any:
        """Writes a file of a trace; the other methods for traces write by `log_artifact`."""
        with self._changing(None):
            return super().upload_archived_trace_data_bytes(data)

    def delete_artifacts(self, artifact_path: str | None = None) -> Any:
        """Deletes a file, or all below a directory."""
        with self._changing(artifact_path):
            return super().delete_artifacts(artifact_path)

    @contextmanager
    def _changing(self, directory: str | None, file: Any = None) -> Iterator[None]:
        with writing(), self._announced(directory, file):
            self._check(directory, file)
            yield

    @contextmanager
    def _announced(self, directory: str | None, file: Any) -> Iterator[None]:
        places = set() if has_lock() else self._places(_joined(directory, file))
        if not places:
            yield
            return
        # An announcement stands in the way of promotions, so what is refused anyway makes none.
        self._check(directory, file)
        with ExitStack() as under_way:
            with fail_closed("a change of artifacts"):
                under_way.enter_context(announced(_registry()[1], places))
            yield

    def _check(self, directory: str | None, file: Any = None) -> None:
        """Refuses a write that would change what is frozen; also where nobody can tell."""
        for path in sorted(self._places(_joined(directory, file))):
            with fail_closed(f"a change of {path or 'all artifacts'}"):
                in_force, engine = _registry()
                config = in_force.fresh().config
                with Session(engine) as session:
                    what = frozen_by(session, config, path)
            if what:
                raise refusal("frozen", _FROZEN.format(path=path or "the artifact store", what=what))

    def _places(self, path: str) -> set[str]:
        """Where a write of this store ends below the root of the server's; none where it ends elsewhere.

        What holds the root is the root: deleting it would delete all below.
        """
        root = destination()
        if root is None:
            return set()
        if not (isinstance(self, LocalArtifactRepository) and is_local_uri(root)):
            if not is_tellable(root, self.artifact_uri):
                raise refusal("unknown_place", _UNKNOWN.format(address=without_credentials(self.artifact_uri)))
            return places(root, self.artifact_uri, path)
        # A path can be written in many ways; what it leads to is one.
        real = os.path.realpath(local_file_uri_to_path(root))
        written = [
            (root, posixpath.join(self.artifact_uri, path)),
            (real, os.path.realpath(os.path.join(self.artifact_dir, path))),  # noqa: PTH118 - as MLflow
        ]
        return {place for base, own in written if (place := _below(_plain(base), _plain(own))) is not None}


def open_frozen(uri: str, tracking_uri: str | None, registry_uri: str | None) -> Any:
    """The store for an address without our prefix, behind the mixin.

    Raises:
        MlflowException: MLflow has no store of that kind, the registry has no gate, or the address lies elsewhere.
    """
    kind = own_kind(get_uri_scheme(uri))
    if not (isinstance(kind, type) and issubclass(kind, ArtifactRepository)):
        raise MlflowException.invalid_parameter_value(f"Qaqpa: MLflow has no artifact store for {PREFIX}{uri}")
    _registry()
    if not _below(_plain(destination() or ""), _plain(uri)) and _plain(uri) != _plain(destination() or ""):
        raise MlflowException.invalid_parameter_value("Qaqpa: this address lies outside the server's artifact store")
    return _frozen(kind)(uri, tracking_uri, registry_uri)


def open_beside(kind: Any, uri: str, tracking_uri: str | None, registry_uri: str | None) -> Any:
    """A store of MLflow's own, or a plugin's, in a server whose artifact store freezes: it may lead into that store.

    Args:
        kind: a class, or a function that chooses one by the address.
        uri: the address.
        tracking_uri: passed on.
        registry_uri: passed on.
    """
    named = {"tracking_uri": tracking_uri, "registry_uri": registry_uri}
    if isinstance(kind, type):
        return _frozen(kind)(uri, **named)
    made = kind(uri, **named)
    if not isinstance(made, FrozenMixin):
        found: type = type(made)
        made.__class__ = _frozen(found)
    return made


@cache
def _frozen(kind: type) -> Any:
    return type(f"Frozen{kind.__name__}", (FrozenMixin, kind), {"_kind": kind})


@cache
def _registry() -> tuple[InForce, Any]:
    """Who knows what production is, and the database that knows what is in it."""
    uri = os.environ.get(REGISTRY_STORE_URI_ENV_VAR, "")
    if not uri.startswith(PREFIX):
        raise MlflowException.invalid_parameter_value(
            f"Qaqpa: an artifact store with the prefix {PREFIX} needs a registry with it, on the same server"
        )
    try:
        in_force = of_this_process()
    except QaqpaError as error:
        raise MlflowException.invalid_parameter_value(f"Qaqpa: {error}") from error
    return in_force, create_engine(uri.removeprefix(PREFIX), pool_pre_ping=True)


def _joined(directory: str | None, file: Any) -> str:
    return posixpath.join(directory or "", Path(file).name if file else "")


def _plain(address: str) -> str:
    """An address to compare: scheme and host are the same in any case."""
    scheme, mark, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return (f"{scheme.lower()}://{host.lower()}{slash}{path}" if mark else address).rstrip("/")


def _below(root: str, own: str) -> str | None:
    """Where an address lies below a root, empty where it is the root or holds it; None elsewhere."""
    if own.startswith(f"{root}/"):
        return own[len(root) :].strip("/")
    return "" if f"{root}/".startswith(f"{own}/") else None
