# SPDX-License-Identifier: Apache-2.0
"""Where a client finds the bytes that a URI names, and their digest. Nothing is read through `models:/` or `runs:/`.

Reading through `models:/` writes a file beside what it reads, and through `runs:/` MLflow lays the files of a run and
of a logged model over each other. So each is turned into the place that it stands for, and that is read.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.store.artifact.runs_artifact_repo import RunsArtifactRepository
from mlflow.utils.uri import append_to_uri_path

from qaqpa.errors import QaqpaError, UsageError
from qaqpa.escape import visible, without_credentials
from qaqpa.evidence.digest import Progress, dir_hash
from qaqpa.evidence.elsewhere import weights_elsewhere
from qaqpa.mlflow.locations import BytesMissingError, check_location
from qaqpa.model import Problem

_RUNS_SHAPE = "runs:/<run id>/<path>"


def hashed(
    location: str, tracking_uri: str | None, progress: Progress | None = None
) -> tuple[str | None, tuple[Problem, ...]]:
    """The model digest of an artifact root, and what keeps it from being all that there is to say about the model.

    Args:
        location: where the files are: a path or URI that MLflow's artifact repositories take.
        tracking_uri: the server for `mlflow-artifacts:/`.
        progress: is told how far the hashing is.
    """
    try:
        check_location(location)
        repository = get_artifact_repository(location, tracking_uri=tracking_uri)
        if isinstance(repository, LocalArtifactRepository):
            directory = Path(repository.artifact_dir)
            if not directory.is_dir():
                detail = f"{location} is not a directory of this machine."
                return None, (Problem("bytes_missing", visible(without_credentials(detail))),)
            return _facts(directory, progress)
        with tempfile.TemporaryDirectory(prefix="qaqpa-") as temporary:
            return _facts(Path(repository.download_artifacts("", dst_path=temporary)), progress)
    except BytesMissingError as error:
        return None, (Problem("bytes_missing", without_credentials(error)),)
    except QaqpaError as error:
        return None, (Problem("digest_failed", without_credentials(error)),)
    except Exception as error:  # noqa: BLE001 - every storage has its own errors
        detail = f"The files at {location} cannot be fetched: {type(error).__name__}: {error}"
        return None, (Problem("bytes_missing", visible(without_credentials(detail))),)


def _facts(directory: Path, progress: Progress | None) -> tuple[str, tuple[Problem, ...]]:
    return dir_hash(directory, progress), weights_elsewhere(directory)


def logged_model_location(client: MlflowClient, model_id: str) -> str:
    """Where the files of a logged model are.

    Raises:
        UsageError: there is no such model.
        MlflowException: the server does not answer.
    """
    found = existing(lambda: client.get_logged_model(model_id), f"There is no logged model {model_id!r}")
    return str(found.artifact_location)


def run_location(client: MlflowClient, target: str) -> str:
    """Where the files are that `runs:/<run id>/<path>` names: those of the run, or of a model that it logged.

    Raises:
        UsageError: there is no such run, or it has both, or several models of that name.
        MlflowException: the server does not answer.
    """
    try:
        run_id, path = RunsArtifactRepository.parse_runs_uri(target)
    except MlflowException as error:
        raise UsageError("This does not name files of a run", where=visible(target), required=_RUNS_SHAPE) from error
    if path and ".." in path.split("/"):
        raise UsageError("The path leads out of the run", where=visible(target), required=_RUNS_SHAPE)
    info = existing(lambda: client.get_run(run_id), f"There is no run {run_id!r}").info
    root = str(info.artifact_uri)
    if not path:
        return root
    name, _, rest = path.partition("/")
    models = [one for one in _models(client, info) if one.name == name]
    if not models:
        return str(append_to_uri_path(root, path))
    files = get_artifact_repository(root, tracking_uri=client.tracking_uri).list_artifacts()
    if len(models) > 1 or any(one.path == name for one in files):
        raise UsageError(
            "The run has several things of this name",
            where=visible(target),
            required=f"one of: {', '.join(f'models:/{one.model_id}' for one in models)}, or the URI of the files",
        )
    location = str(models[0].artifact_location)
    return str(append_to_uri_path(location, rest)) if rest else location


def _models(client: MlflowClient, run: Any) -> list[Any]:
    """All models that a run logged."""
    found: list[Any] = []
    token = None
    while True:
        page = client.search_logged_models(
            [run.experiment_id], filter_string=f"source_run_id = '{run.run_id}'", page_token=token
        )
        found += page
        token = page.token
        if not token:
            return found


def existing(get: Callable[[], Any], missing: str) -> Any:
    """What a call to MLflow finds.

    Raises:
        UsageError: saying what is missing.
        MlflowException: the call failed for another reason.
    """
    try:
        return get()
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise UsageError(visible(missing), mend="Check the name and the registry") from error
        raise
