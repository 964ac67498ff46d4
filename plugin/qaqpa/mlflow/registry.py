# SPDX-License-Identifier: Apache-2.0
"""A registry as seen from outside: reads one version through MLflow's client, and attaches evidence to it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.store.artifact.utils.models import _parse_model_uri

from qaqpa.errors import QaqpaError, UndecidedError, UsageError
from qaqpa.evidence.carriers import Carried, carried_in_tags
from qaqpa.evidence.digest import dir_hash
from qaqpa.mlflow.lineage import trained_at
from qaqpa.mlflow.locations import BytesMissingError, check_location
from qaqpa.model import Problem, Subject
from qaqpa.report.escape import visible

MODEL_TAG_CHARACTERS = 5_000
"""Longest tag of a registered model. MLflow's check allows 100 000, but PostgreSQL's column has 5 000."""

VERSION_TAG_CHARACTERS = 100_000
"""Longest tag of a version."""

_LIMITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
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
    client = _client(registry_uri)
    with _explained(target):
        model, version = _find(client, target)
        location = client.get_model_version_download_uri(model.name, version.version)
        digest, problems = _digest(client, location)
        subject = Subject(
            name=model.name,
            version=str(version.version),
            digest=digest,
            trained_at=trained_at(client, location, version.run_id),
            created_ms=model.creation_timestamp,
            workspace=getattr(model, "workspace", None) or "default",
        )
    return RegisteredVersion(subject, (*carried_in_tags(model.tags), *carried_in_tags(version.tags)), problems)


def attach(target: str, tag_key: str, value: str, *, bound_to_system: bool, registry_uri: str | None = None) -> str:
    """Attaches evidence as a tag, and says to what: `registered model` or `version`.

    Evidence about a system goes to the registered model, for all its versions; where it is too long for that, to the
    one version. Both are read.

    Args:
        target: `models:/name/7` or `models:/name@alias`.
        tag_key: from `qaqpa.evidence.carriers.tag_key`.
        value: the statement.
        bound_to_system: true where it is about the system only.
        registry_uri: the MLflow server; MLflow's own settings where None.

    Raises:
        UsageError: as for `read_version`, or the statement is too long.
        UndecidedError: the registry does not answer, or refused the tag.
    """
    if len(value) > VERSION_TAG_CHARACTERS:
        raise UsageError(
            f"The statement has {len(value)} characters", required=f"at most {VERSION_TAG_CHARACTERS}, MLflow's limit"
        )
    client = _client(registry_uri)
    with _explained(target):
        model, version = _find(client, target)
        if bound_to_system and len(value) <= MODEL_TAG_CHARACTERS:
            client.set_registered_model_tag(model.name, tag_key, value)
            return "registered model"
        client.set_model_version_tag(model.name, str(version.version), tag_key, value)
        return "version"


def detach(target: str, tag_key: str, *, registry_uri: str | None = None) -> None:
    """Takes a tag away from the version and from the registered model, wherever it is.

    Raises:
        UsageError: as for `read_version`.
        UndecidedError: the registry does not answer, or refused.
    """
    client = _client(registry_uri)
    with _explained(target):
        model, version = _find(client, target)
        if tag_key in version.tags:
            client.delete_model_version_tag(model.name, str(version.version), tag_key)
        if tag_key in model.tags:
            client.delete_registered_model_tag(model.name, tag_key)


def _client(registry_uri: str | None) -> MlflowClient:
    for name, value in _LIMITS.items():
        os.environ.setdefault(name, value)
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
            f"MLflow cannot open this registry ({type(error).__name__})", where=visible(registry_uri or "MLflow")
        ) from error


def _find(client: MlflowClient, target: str) -> tuple[Any, Any]:
    """The registered model and the version that a target names."""
    try:
        parsed = _parse_model_uri(target)
    except MlflowException as error:
        raise UsageError("This does not name a model version", where=visible(target), required=_SHAPES) from error
    if not parsed.name or not (parsed.version or parsed.alias):
        raise UsageError("This does not name one model version", where=visible(target), required=_SHAPES)
    model = _existing(lambda: client.get_registered_model(parsed.name), f"There is no registered model {parsed.name!r}")
    number = parsed.version
    if parsed.alias:
        number = model.aliases.get(parsed.alias)
        if number is None:
            there = ", ".join(visible(f"@{alias}") for alias in sorted(model.aliases)) or "none"
            raise UsageError(
                f"{visible(parsed.name)} has no alias {visible(parsed.alias)!r}", required=f"one of: {there}"
            )
    missing = f"{parsed.name!r} has no version {number}"
    return model, _existing(lambda: client.get_model_version(parsed.name, str(number)), missing)


def _existing(get: Any, missing: str) -> Any:
    try:
        return get()
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise UsageError(visible(missing), mend="Check the name and the registry") from error
        raise


@contextmanager
def _explained(target: str) -> Iterator[None]:
    """Turns MLflow's errors into ours. Whatever the reason is, nothing can be decided."""
    try:
        yield
    except QaqpaError:
        raise
    except Exception as error:
        refused = isinstance(error, MlflowException) and error.get_http_status_code() in {401, 403}
        found = "The registry refused" if refused else "The registry does not answer"
        raise UndecidedError(
            f"{found}: {visible(error)}",
            where=visible(target),
            mend="Check the address and the login of the MLflow server",
        ) from error


def _digest(client: MlflowClient, location: str) -> tuple[str | None, tuple[Problem, ...]]:
    """The model digest of an artifact root; never read through `models:/`, which adds a file to what it reads."""
    try:
        check_location(location)
        repository = get_artifact_repository(location, tracking_uri=client.tracking_uri)
        if isinstance(repository, LocalArtifactRepository):
            if not Path(repository.artifact_dir).is_dir():
                detail = f"{location} is not a directory of this machine."
                return None, (Problem("bytes_missing", visible(detail)),)
            return dir_hash(repository.artifact_dir), ()
        with tempfile.TemporaryDirectory(prefix="qaqpa-") as directory:
            return dir_hash(repository.download_artifacts("", dst_path=directory)), ()
    except BytesMissingError as error:
        return None, (Problem("bytes_missing", str(error)),)
    except QaqpaError as error:
        return None, (Problem("digest_failed", str(error)),)
    except Exception as error:  # noqa: BLE001 - every storage has its own errors
        detail = f"The files at {location} cannot be fetched: {type(error).__name__}: {error}"
        return None, (Problem("bytes_missing", visible(detail)),)
