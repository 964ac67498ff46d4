# SPDX-License-Identifier: Apache-2.0
"""Artifact stores with our prefix, and what loading them does in a server whose artifact store freezes.

An experiment can name any address as the place of its artifacts, `file:///srv/mlflow/artifacts/0/…` or
`s3://bucket/…` too, and MLflow's server then writes there with its own rights, past the store with the prefix. So in a
server whose store freezes, the stores without the prefix ask as well, wherever they write.

MLflow loads this while it loads its own list of stores. So nothing heavy, and nothing else of MLflow, is imported here
before a store is asked for.
"""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable
from typing import Any

from qaqpa.mlflow.addresses import LEFT_OUT
from qaqpa.mlflow.store import PREFIX

_LIST = "mlflow.store.artifact.artifact_repository_registry"
_DESTINATION = "_MLFLOW_SERVER_ARTIFACT_DESTINATION"
_own: dict[str, Any] = {}

_TAKES_PARTS = frozenset(
    {
        "mlflow.store.artifact.s3_artifact_repo.S3ArtifactRepository",
        "mlflow.store.artifact.gcs_artifact_repo.GCSArtifactRepository",
    }
)
"""Stores whose addresses for parts can only add to an upload, which is nothing before the server completes it.

Azure's is none: its address may also write the whole file, and is good for an hour.
"""


def build_frozen(artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> Any:
    """The artifact store in which what is in production is frozen, for `--artifacts-destination qaqpa+<URI>`.

    Raises:
        MlflowException: MLflow has no such store, or the registry has no gate.
    """
    from qaqpa.mlflow.frozen import open_frozen  # noqa: PLC0415 - see the module's description

    return open_frozen(artifact_uri.removeprefix(PREFIX), tracking_uri, registry_uri)


def own_kind(scheme: str) -> Any:
    """MLflow's own store for the addresses of a scheme; None where it has none."""
    stores = importlib.import_module(_LIST).get_registered_artifact_repositories()
    return _own.get(scheme) or stores.get(scheme)


def takes_parts(kind: type) -> bool:
    """Whether an address that a store hands out for a part of a file cannot write the file.

    Args:
        kind: a class of an artifact store. Who makes the addresses counts: another plugin's subclass can make its own.
    """
    maker = next((one for one in kind.__mro__ if "create_multipart_upload" in vars(one)), None)
    return maker is not None and f"{maker.__module__}.{maker.__qualname__}" in _TAKES_PARTS


def guard(stores: dict[str, Any]) -> None:
    """Puts the question before each store that is not ours, but for those before which nothing has to be asked.

    Args:
        stores: MLflow's list, by scheme; changed in place.
    """
    for scheme, kind in list(stores.items()):
        if scheme not in _own and scheme not in LEFT_OUT and not scheme.startswith(PREFIX):
            _own[scheme] = kind
            stores[scheme] = _guarded(kind)


def guard_late() -> None:
    """Puts the question before stores of other plugins too, which MLflow may have loaded after this one."""
    if os.environ.get(_DESTINATION, "").startswith(PREFIX):
        guard(importlib.import_module(_LIST).get_registered_artifact_repositories())


def _guarded(kind: Any) -> Callable[..., Any]:
    @functools.wraps(kind, updated=())
    def build(artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> Any:
        from qaqpa.mlflow.frozen import open_beside  # noqa: PLC0415 - see the module's description

        return open_beside(kind, artifact_uri, tracking_uri, registry_uri)

    return build


if os.environ.get(_DESTINATION, "").startswith(PREFIX):
    # While MLflow loads it, the list is there already, with MLflow's own stores in it.
    guard(importlib.import_module(_LIST)._artifact_repository_registry.get_registered_artifact_repositories())  # noqa: SLF001
