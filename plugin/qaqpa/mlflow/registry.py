# SPDX-License-Identifier: Apache-2.0
"""A registry as seen from outside: reads one version through MLflow's client, and hashes its bytes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.utils.models import _parse_model_uri

from qaqpa.errors import QaqpaError, UndecidedError, UsageError
from qaqpa.escape import visible, without_credentials
from qaqpa.evidence.carriers import Carried, carried_in_tags
from qaqpa.evidence.digest import Progress
from qaqpa.mlflow.artifacts import existing, hashed, logged_model_location, run_location
from qaqpa.mlflow.lineage import trained_at
from qaqpa.model import Problem, Subject

_LIMITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_LOGGED_MODEL = re.compile(r"models:/+(m-[0-9a-f]{32})")
_NEED_A_SERVER = frozenset({"models", "runs", "mlflow-artifacts"})
_SHAPES = "models:/<name>/<version> or models:/<name>@<alias>"


@dataclass(frozen=True)
class RegisteredVersion:
    """A version as the registry has it. `problems` say why there is no digest, where there is none."""

    subject: Subject
    carried: tuple[Carried, ...]
    problems: tuple[Problem, ...] = ()


def read_version(target: str, registry_uri: str | None = None) -> RegisteredVersion:
    """Reads a version, what its tags and those of its registered model carry, and hashes its bytes.

    Args:
        target: `models:/name/7` or `models:/name@alias`.
        registry_uri: the MLflow server; MLflow's own settings where None.

    Raises:
        UsageError: the target has another shape, or the model, version or alias does not exist.
        UndecidedError: the registry does not answer.
    """
    client = open_client(registry_uri)
    with explained(target):
        model, version = find(client, target)
        location = client.get_model_version_download_uri(model.name, version.version)
        digest, problems = hashed(location, client.tracking_uri)
        subject = Subject(
            name=model.name,
            version=str(version.version),
            digest=digest,
            trained_at=trained_at(client, location, version.run_id),
            created_ms=model.creation_timestamp,
            workspace=getattr(model, "workspace", None) or "default",
        )
    return RegisteredVersion(subject, (*carried_in_tags(model.tags), *carried_in_tags(version.tags)), problems)


def read_digest(
    target: str, registry_uri: str | None = None, progress: Progress | None = None
) -> tuple[str | None, tuple[Problem, ...]]:
    """The model digest of what a URI names, and the problems where there is none or it is not all of the model.

    Args:
        target: `models:/name/7`, `models:/name@alias`, `models:/m-…`, `runs:/<run id>/<path>`, or the URI of the files.
        registry_uri: the MLflow server; MLflow's own settings where None.
        progress: is told how far the hashing is.

    Raises:
        UsageError: there is no such thing.
        UndecidedError: the registry does not answer.
    """
    scheme = target.partition(":")[0].lower()
    if scheme not in _NEED_A_SERVER:
        _limit()
        return hashed(target, None, progress)
    client = open_client(registry_uri)
    with explained(target):
        return hashed(_location(client, scheme, target), client.tracking_uri, progress)


def _location(client: MlflowClient, scheme: str, target: str) -> str:
    if scheme == "runs":
        return run_location(client, target)
    if scheme != "models":
        return target
    match = _LOGGED_MODEL.fullmatch(target)
    if match:
        return logged_model_location(client, match[1])
    model, version = find(client, target)
    return str(client.get_model_version_download_uri(model.name, version.version))


def open_client(registry_uri: str | None) -> MlflowClient:
    """MLflow's client of a registry; of MLflow's own settings where None.

    Raises:
        UsageError: no server is named, or MLflow cannot open it.
    """
    _limit()
    if registry_uri is None and not (mlflow.is_tracking_uri_set() or os.environ.get("MLFLOW_REGISTRY_URI")):
        raise UsageError(
            "No MLflow server is named",
            where="--registry-uri",
            mend="Add --registry-uri http://…, or set MLFLOW_TRACKING_URI",
        )
    # Model files that a server proxies are fetched from the tracking address: the server that was named, where one was.
    named = registry_uri is not None and registry_uri.startswith(("http://", "https://"))
    tracking = registry_uri if named or not mlflow.is_tracking_uri_set() else mlflow.get_tracking_uri()
    try:
        return MlflowClient(tracking_uri=tracking, registry_uri=registry_uri)
    except Exception as error:
        raise UsageError(
            f"MLflow cannot open this registry ({type(error).__name__})",
            where=visible(without_credentials(registry_uri or "MLflow")),
        ) from error


def _limit() -> None:
    """Keeps MLflow from waiting for minutes, and from drawing bars of its own."""
    for name, value in _LIMITS.items():
        os.environ.setdefault(name, value)


def find(client: MlflowClient, target: str) -> tuple[Any, Any]:
    """The registered model and the version that a target names.

    Raises:
        UsageError: the target has another shape, or does not exist.
    """
    try:
        parsed = _parse_model_uri(target)
    except MlflowException as error:
        raise UsageError("This does not name a model version", where=visible(target), required=_SHAPES) from error
    if not parsed.name or not (parsed.version or parsed.alias):
        raise UsageError("This does not name one model version", where=visible(target), required=_SHAPES)
    model = existing(lambda: client.get_registered_model(parsed.name), f"There is no registered model {parsed.name!r}")
    number = parsed.version
    if parsed.alias:
        number = model.aliases.get(parsed.alias)
        if number is None:
            there = ", ".join(visible(f"@{alias}") for alias in sorted(model.aliases)) or "none"
            raise UsageError(
                f"{visible(parsed.name)} has no alias {visible(parsed.alias)!r}", required=f"one of: {there}"
            )
    missing = f"{parsed.name!r} has no version {number}"
    return model, existing(lambda: client.get_model_version(parsed.name, str(number)), missing)


@contextmanager
def explained(target: str) -> Iterator[None]:
    """Turns MLflow's errors into ours. Whatever the reason is, nothing can be decided."""
    try:
        yield
    except QaqpaError:
        raise
    except Exception as error:
        refused = isinstance(error, MlflowException) and error.get_http_status_code() in {401, 403}
        found = "The registry refused" if refused else "The registry does not answer"
        raise UndecidedError(
            f"{found}: {visible(without_credentials(error))}",
            where=visible(without_credentials(target)),
            mend="Check the address and the login of the MLflow server",
        ) from error
