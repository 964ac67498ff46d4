# SPDX-License-Identifier: Apache-2.0
"""Fetches the files of one registered version, once, into a directory of whoever asks."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from qaqpa.errors import UndecidedError
from qaqpa.escape import visible
from qaqpa.mlflow.locations import check_location
from qaqpa.mlflow.registry import explained, find, open_client
from qaqpa.model import Subject


@dataclass(frozen=True)
class Downloaded:
    """A version, without a digest: whoever asked hashes what is in `files`."""

    subject: Subject
    files: Path


def download(
    target: str, registry_uri: str | None, directory: Path, *, most: tuple[int, int], copy: bool = True
) -> Downloaded:
    """Fetches a version's files, from the place that the registry names and not through `models:/`.

    Args:
        target: `models:/name/7` or `models:/name@alias`; an alias is looked up once.
        registry_uri: the MLflow server; MLflow's own settings where None.
        directory: an empty directory, which is filled.
        most: how many files and folders there may be, and how many folders within each other.
        copy: also where the files are in a directory of this machine.

    Raises:
        UsageError: the target has another shape, or the model, version or alias does not exist.
        UndecidedError: the registry or the storage does not answer, or has too many files.
    """
    client = open_client(registry_uri)
    with explained(target):
        model, version = find(client, target)
        subject = Subject(
            name=model.name,
            version=str(version.version),
            created_ms=model.creation_timestamp,
            workspace=getattr(model, "workspace", None) or "default",
        )
        location = str(client.get_model_version_download_uri(model.name, version.version))
        check_location(location)
        repository = get_artifact_repository(location, tracking_uri=client.tracking_uri)
        if not copy and isinstance(repository, LocalArtifactRepository):
            return Downloaded(subject, Path(repository.artifact_dir))
        _check_list(repository, target, *most)
        repository.download_artifacts("", dst_path=str(directory))
        return Downloaded(subject, directory)


def _check_list(repository: Any, target: str, files: int, depth: int) -> None:
    """Refuses a list without an end before MLflow follows it."""
    found, level = 0, [""]
    for _ in range(depth):
        below: list[str] = []
        for folder in level:
            for entry in repository.list_artifacts(folder):
                if posixpath.dirname(str(entry.path)) != folder:
                    raise UndecidedError(
                        f"The registry lists {visible(entry.path)!r} in the folder {visible(folder)!r}",
                        where=visible(target),
                    )
                found += 1
                below += [entry.path] if entry.is_dir else []
            if found > files:
                raise _too_much(target, f"{files} files and folders")
        level = below
        if not level:
            return
    raise _too_much(target, f"{depth} folders within each other")


def _too_much(target: str, limit: str) -> UndecidedError:
    return UndecidedError(
        "The registry lists more than it may",
        where=visible(target),
        required=f"at most {limit}",
        mend="Look at the registry",
    )
