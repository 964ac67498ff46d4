# SPDX-License-Identifier: Apache-2.0
"""When a version was trained and by whom, as far as MLflow itself recorded it.

The `run_id` of a version is what a client claimed. It is believed only where the bytes lie below that run, or belong to
a logged model that names the run. Even then, the user of a run is what the client that made the run said of itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, TypeVar

from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_USER

_LOGGED_MODEL = re.compile(r"/models/(m-[0-9a-f]{32})/")
_NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Origin:
    """Where bytes come from: start of their run, or creation of their logged model, and whom these name as user."""

    trained_at: datetime | None = None
    users: tuple[str, ...] = ()


def origin(tracking: Any, location: str, run_id: str | None) -> Origin:
    """What made the bytes at a location; empty where nothing recorded it.

    Args:
        tracking: MLflow's tracking store or client, which both have `get_run` and `get_logged_model`.
        location: where the bytes are.
        run_id: what the version claims.

    Raises:
        MlflowException: the tracking store does not answer.
    """
    found = _LOGGED_MODEL.search(f"{location}/")
    if not found:
        run = _if_there(lambda: _run(tracking, run_id)) if run_id else None
        return Origin(_time(run.started), run.users) if run and _inside(location, run.location) else Origin()
    model = _if_there(lambda: _logged_model(tracking, found[1]))
    if not model or not _inside(location, model.location):
        return Origin()
    run = _if_there(lambda: _run(tracking, model.run_id)) if model.run_id else None
    if not run:
        return Origin(_time(model.created), model.users)
    return Origin(_time(run.started or model.created), tuple(dict.fromkeys((*run.users, *model.users))))


def trained_at(tracking: Any, location: str, run_id: str | None) -> datetime | None:
    """When the bytes at a location were made, as `origin` has it."""
    return origin(tracking, location, run_id).trained_at


@dataclass(frozen=True)
class _LoggedModel:
    location: str
    run_id: str | None
    created: int | None
    users: tuple[str, ...]


@dataclass(frozen=True)
class _Run:
    location: str
    started: int | None
    users: tuple[str, ...]


# What MLflow recorded at the start does not change later, so it is asked once. What is not found is asked again. The
# tag with the user can be changed by clients; whoever was named first is as good as whoever was named last.
@lru_cache(maxsize=1024)
def _logged_model(tracking: Any, model_id: str) -> _LoggedModel:
    model = tracking.get_logged_model(model_id)
    users = _users((model.tags or {}).get(MLFLOW_USER))
    return _LoggedModel(model.artifact_location, model.source_run_id, model.creation_timestamp, users)


@lru_cache(maxsize=1024)
def _run(tracking: Any, run_id: str) -> _Run:
    run = tracking.get_run(run_id)
    users = _users(run.info.user_id, run.data.tags.get(MLFLOW_USER))
    return _Run(run.info.artifact_uri, run.info.start_time, users)


def _users(*names: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(name) for name in names if name))


def _if_there(read: Callable[[], _T]) -> _T | None:
    try:
        return read()
    except MlflowException as error:
        if error.error_code == _NOT_FOUND:
            return None
        raise


def _inside(location: str, root: str | None) -> bool:
    return bool(root) and f"{location.rstrip('/')}/".startswith(f"{str(root).rstrip('/')}/")


def _time(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds // 1000, timezone.utc) if milliseconds else None
