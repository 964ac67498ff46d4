# SPDX-License-Identifier: Apache-2.0
"""When a version was trained, as far as MLflow itself recorded it.

The `run_id` of a version is what a client claimed. It is believed only where the bytes lie below that run, or belong to
a logged model that names the run.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
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
    found = _LOGGED_MODEL.search(f"{location}/")
    if found:
        model = _found(tracking.get_logged_model, found[1])
        if model is None or not _inside(location, model.artifact_location):
            return None
        run = _found(tracking.get_run, model.source_run_id) if model.source_run_id else None
        return _time(run.info.start_time if run else model.creation_timestamp)
    run = _found(tracking.get_run, run_id) if run_id else None
    if run is None or not _inside(location, run.info.artifact_uri):
        return None
    return _time(run.info.start_time)


def _found(get: Any, key: str) -> Any:
    try:
        return get(key)
    except MlflowException as error:
        if error.error_code == _NOT_FOUND:
            return None
        raise


def _inside(location: str, root: str | None) -> bool:
    return bool(root) and f"{location.rstrip('/')}/".startswith(f"{str(root).rstrip('/')}/")


def _time(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds // 1000, timezone.utc) if milliseconds else None
