# SPDX-License-Identifier: Apache-2.0
"""When a version was trained, as far as MLflow itself recorded it.

The `run_id` of a version is what a client claimed. It is believed only where the bytes lie below that run, or belong to
a logged model that names the run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from mlflow.exceptions import MlflowException

_LOGGED_MODEL = re.compile(r"/models/(m-[0-9a-f]{32})/")
_NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"


def trained_at(tracking: Any, location: str, run_id: str | None) -> datetime | None:
    """Start of the run that made the bytes, or creation of their logged model; None where nothing recorded it.

    Args:
        tracking: MLflow's tracking store or client, which both have `get_run` and `get_logged_model`.
        location: where the bytes are.
        run_id: what the version claims.

    Raises:
        MlflowException: the tracking store does not answer.
    """
    try:
        found = _LOGGED_MODEL.search(f"{location}/")
        if found:
            model = _logged_model(tracking, found[1])
            if not _inside(location, model.location):
                return None
            return _time(_started(tracking, model.run_id) or model.created)
        if not run_id:
            return None
        run = _run(tracking, run_id)
        return _time(run.started) if _inside(location, run.location) else None
    except MlflowException as error:
        if error.error_code == _NOT_FOUND:
            return None
        raise


@dataclass(frozen=True)
class _LoggedModel:
    location: str
    run_id: str | None
    created: int | None


@dataclass(frozen=True)
class _Run:
    location: str
    started: int | None


# What MLflow recorded at the start does not change later, so it is asked once. What is not found is asked again.
@lru_cache(maxsize=1024)
def _logged_model(tracking: Any, model_id: str) -> _LoggedModel:
    model = tracking.get_logged_model(model_id)
    return _LoggedModel(model.artifact_location, model.source_run_id, model.creation_timestamp)


@lru_cache(maxsize=1024)
def _run(tracking: Any, run_id: str) -> _Run:
    info = tracking.get_run(run_id).info
    return _Run(info.artifact_uri, info.start_time)


def _started(tracking: Any, run_id: str | None) -> int | None:
    try:
        return _run(tracking, run_id).started if run_id else None
    except MlflowException as error:
        if error.error_code == _NOT_FOUND:
            return None
        raise


def _inside(location: str, root: str | None) -> bool:
    return bool(root) and f"{location.rstrip('/')}/".startswith(f"{str(root).rstrip('/')}/")


def _time(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds // 1000, timezone.utc) if milliseconds else None
