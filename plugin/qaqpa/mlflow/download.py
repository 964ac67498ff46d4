# SPDX-License-Identifier: Apache-2.0
"""Fetches the files of one registered version, once, into a directory of whoever asks."""

from __future__ import annotations

from pathlib import Path

from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from qaqpa.mlflow.locations import check_location
from qaqpa.mlflow.registry import explained, find, open_client
from qaqpa.model import Subject


def download(target: str, registry_uri: str | None, directory: Path) -> Subject:
    """Fetches a version's files, from the place that the registry names and not through `models:/`.

    Args:
        target: `models:/name/7` or `models:/name@alias`; an alias is looked up once.
        registry_uri: the MLflow server; MLflow's own settings where None.
        directory: an empty directory, which is filled.

    Returns:
        The version, without a digest: whoever asked hashes what is there.

    Raises:
        UsageError: the target has another shape, or the model, version or alias does not exist.
        UndecidedError: the registry or the storage does not answer.
    """
    client = open_client(registry_uri)
    with explained(target):
        model, version = find(client, target)
        location = str(client.get_model_version_download_uri(model.name, version.version))
        check_location(location)
        repository = get_artifact_repository(location, tracking_uri=client.tracking_uri)
        repository.download_artifacts("", dst_path=str(directory))
        return Subject(
            name=model.name,
            version=str(version.version),
            created_ms=model.creation_timestamp,
            workspace=getattr(model, "workspace", None) or "default",
        )
