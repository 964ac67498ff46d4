# SPDX-License-Identifier: Apache-2.0
"""What the installed MLflow offers that can write: methods of its stores, procedures, routes and GraphQL mutations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import flask
from mlflow import server
from mlflow.environment_variables import _MLFLOW_SGI_NAME
from mlflow.protos import databricks_pb2
from mlflow.server import handlers
from mlflow.server.graphql.graphql_schema_extensions import schema
from mlflow.store.artifact import artifact_repo, local_artifact_repo
from mlflow.store.model_registry import abstract_store as registry_base
from mlflow.store.model_registry import sqlalchemy_workspace_store as registry_store
from mlflow.store.tracking import abstract_store as tracking_base
from mlflow.store.tracking import sqlalchemy_workspace_store as tracking_store
from mlflow.store.workspace import abstract_store as workspace_base
from mlflow.store.workspace import sqlalchemy_store as workspace_store

_SERVICES = (
    handlers.MlflowService,
    handlers.ModelRegistryService,
    handlers.MlflowArtifactsService,
    handlers.WebhookService,
)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_WITHOUT_FASTAPI = frozenset({"gunicorn", "waitress"})
_WRITING_GETS = frozenset({"/graphql", "/api/2.0/mlflow/gateway-proxy"})
"""Routes that have effects even by GET."""

_STORES: Mapping[str, tuple[type, ...]] = {
    "registry": (registry_base.AbstractStore, registry_store.WorkspaceAwareSqlAlchemyStore),
    "tracking": (tracking_base.AbstractStore, tracking_store.WorkspaceAwareSqlAlchemyStore),
    "workspaces": (workspace_base.AbstractStore, workspace_store.SqlAlchemyStore),
    "artifacts": (
        artifact_repo.ArtifactRepository,
        artifact_repo.MultipartUploadMixin,
        artifact_repo.MultipartDownloadMixin,
        artifact_repo.PresignedUploadMixin,
        artifact_repo.StreamUploadMixin,
        local_artifact_repo.LocalArtifactRepository,
    ),
}


def offered() -> dict[str, frozenset[str]]:
    """The names of all calls, by surface; see `writes.yaml`.

    Raises:
        ImportError: a part of MLflow's server is missing.
    """
    found = {surface: frozenset(_methods(classes)) for surface, classes in _STORES.items()}
    found["rpc"] = frozenset(name for name, method, _ in _procedures() if method not in _READING)
    found["routes"] = frozenset(_routes())
    found["graphql"] = frozenset(schema.graphql_schema.mutation_type.fields)
    return found


def _methods(classes: Iterable[type]) -> Iterator[str]:
    """Public methods of stores; what else is public in them is no call."""
    for own in classes:
        for name in dir(own):
            if not name.startswith("_") and callable(getattr(own, name)):
                yield name


def _procedures() -> Iterator[tuple[str, str, str]]:
    """Name, HTTP method and path, as Flask writes it, of each procedure."""
    for service in _SERVICES:
        for procedure in service.DESCRIPTOR.methods:
            for endpoint in procedure.GetOptions().Extensions[databricks_pb2.rpc].endpoints:
                paths = handlers._get_paths(endpoint.path, version=endpoint.since.major)  # noqa: SLF001 - a test misses it
                for path in paths:
                    yield f"{service.DESCRIPTOR.name}.{procedure.name}", endpoint.method, path


def _routes() -> Iterator[str]:
    of_procedures = {(method, _plain(path)) for _, method, path in _procedures()}
    fastapi = () if _MLFLOW_SGI_NAME.get() in _WITHOUT_FASTAPI else _fastapi_routes()
    for method, path in {*_flask_routes(server.app), *fastapi}:
        plain = _plain(path)
        writes = method not in _READING or (method == "GET" and plain in _WRITING_GETS)
        if writes and (method, plain) not in of_procedures:
            yield f"{method} {plain}"


def _flask_routes(app: flask.Flask) -> Iterator[tuple[str, str]]:
    """Routes of MLflow itself, its login included where it is there. What other programs add is theirs."""
    for rule in app.url_map.iter_rules():
        if _is_of_mlflow(app.view_functions[rule.endpoint]):
            for method in rule.methods or ():
                yield method, rule.rule


def _fastapi_routes() -> Iterator[tuple[str, str]]:
    from mlflow.server.fastapi_app import app  # noqa: PLC0415 - it takes long, and other servers do without

    return _below(app.routes, "")


def _below(routes: Iterable[Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Routes of a FastAPI application. Newer versions keep included routers as they are, with a prefix."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _below(included.routes, prefix + route.include_context.prefix)
        elif _is_of_mlflow(getattr(route, "endpoint", None)):
            for method in route.methods:
                yield method, prefix + route.path


def _is_of_mlflow(function: object) -> bool:
    return getattr(function, "__module__", "").partition(".")[0] == "mlflow"


def _plain(path: str) -> str:
    """A path without the prefix that a server was given, and with one name for both trees of MLflow's interface."""
    given = handlers._add_static_prefix("")  # noqa: SLF001 - a test misses it
    bare = path.removeprefix(given) if given else path
    return re.sub(r"^/ajax-api/", "/api/", bare)
