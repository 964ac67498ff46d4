# SPDX-License-Identifier: Apache-2.0
"""From the registry to what the gate judges: a subject, and what claims to be evidence about it."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.utils.models import _parse_model_uri

from qaqpa.errors import QaqpaError
from qaqpa.evidence.carriers import Carried, carried_in_tags
from qaqpa.mlflow.lineage import trained_at
from qaqpa.mlflow.locations import BytesMissingError
from qaqpa.mlflow.records import ModelRecord, VersionRecord, read_model, read_version
from qaqpa.mlflow.server import location_digest, tracking_store
from qaqpa.model import Problem, Subject


@dataclass(frozen=True)
class Candidate:
    """What is to be judged. `problems` keep the gate from deciding, and so from allowing."""

    subject: Subject
    carried: tuple[Carried, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class NewVersion:
    """A version that somebody asks to register: the arguments of MLflow's `create_model_version` that matter."""

    name: str
    source: str
    run_id: str | None
    model_id: str | None
    tags: Mapping[str, str]


def of_version(record: VersionRecord, roots: Sequence[Path], name: str | None = None) -> Candidate:
    """A registered version.

    Args:
        record: the version as the registry has it.
        roots: where local bytes may lie; see `location_digest`.
        name: the name under which it would be served, where that is about to change.
    """
    return _candidate(
        record.model,
        name=name or record.model.name,
        version=str(record.version),
        location=record.location,
        roots=roots,
        run_id=record.run_id,
        tags=(record.model.tags, record.tags),
    )


def copied_version(store: Any, wanted: NewVersion) -> VersionRecord | None:
    """The version that a new one copies; None where it has another kind of source.

    Raises:
        MlflowException: there is no such version, or the database does not answer.
    """
    if not _is_models_uri(wanted.source):
        return None
    parsed = _parse_model_uri(wanted.source)
    return read_version(store, parsed.name, int(parsed.version)) if parsed.version else None


def of_new_version(store: Any, wanted: NewVersion, copied: VersionRecord | None, roots: Sequence[Path]) -> Candidate:
    """A version before it is registered. A copy brings the evidence of the version that is copied.

    Raises:
        MlflowException: the source or the target does not exist, or a store does not answer.
    """
    target = _read_model_or_none(store, wanted.name) or ModelRecord(wanted.name, _workspace(store), None, {}, {})
    tags: list[Mapping[str, str]] = [target.tags, wanted.tags]
    location, run_id = wanted.source, wanted.run_id
    if copied:
        location, run_id = copied.location, run_id or copied.run_id
        tags += [copied.model.tags, copied.tags]
    elif _is_models_uri(wanted.source):
        model_id = _parse_model_uri(wanted.source).model_id
        # MLflow itself refuses a source with an alias or a stage; it has no fixed bytes.
        location = tracking_store().get_logged_model(model_id).artifact_location if model_id else ""
    return _candidate(target, name=wanted.name, version="", location=location, roots=roots, run_id=run_id, tags=tags)


def _is_models_uri(source: str) -> bool:
    return urllib.parse.urlparse(source).scheme == "models"


def _read_model_or_none(store: Any, name: str) -> ModelRecord | None:
    """A registered model, or None where there is none of that name."""
    try:
        return read_model(store, name)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def _workspace(store: Any) -> str:
    return str(store._get_active_workspace())  # noqa: SLF001 - a contract test pins it


def _candidate(  # noqa: PLR0913 - keyword arguments, one for each thing that identifies a version
    model: ModelRecord,
    *,
    name: str,
    version: str,
    location: str,
    roots: Sequence[Path],
    run_id: str | None,
    tags: Iterable[Mapping[str, str]],
) -> Candidate:
    digest, problems = _digest(location, roots)
    subject = Subject(
        name=name,
        version=version,
        digest=digest,
        trained_at=trained_at(tracking_store(), location, run_id),
        created_ms=model.created_ms,
        workspace=model.workspace,
    )
    carried = dict.fromkeys(piece for some in tags for piece in carried_in_tags(some))
    return Candidate(subject, tuple(carried), problems)


def _digest(location: str, roots: Sequence[Path]) -> tuple[str | None, tuple[Problem, ...]]:
    try:
        return location_digest(location, roots), ()
    except BytesMissingError as error:
        return None, (Problem("bytes_missing", str(error)),)
    except QaqpaError as error:
        # Clients are told the name of a file in the model, and not where the server keeps it.
        detail = error.found if Path(error.where).is_absolute() else str(error)
        return None, (Problem("digest_failed", detail),)
