# SPDX-License-Identifier: Apache-2.0
"""Which bytes are frozen: those of a version in production, and those that are being judged.

The artifact store asks before each write, and the database answers as it is at that moment: nothing is remembered, so
nothing can be out of date. A promotion freezes before it hashes, and unfreezes after it is written or refused.
"""

from __future__ import annotations

import fcntl
import os
import posixpath
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
from mlflow.exceptions import MlflowException
from mlflow.server import ARTIFACTS_DESTINATION_ENV_VAR
from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlRegisteredModelAlias
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import is_local_uri
from sqlalchemy import func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from qaqpa import times
from qaqpa.config import Config
from qaqpa.mlflow.denial import log
from qaqpa.mlflow.locations import NotHashedError, spellings
from qaqpa.mlflow.store import PREFIX
from qaqpa.mlflow.tables import FREEZES, WRITERS
from qaqpa.model import Problem

SCHEME = "mlflow-artifacts:/"
"""What begins the location of bytes that the server's artifact store holds."""

_ELSEWHERE = Problem("not_frozen", "The bytes lie where this server cannot keep others from changing them afterwards.")
_Method = TypeVar("_Method", bound=Callable[..., Any])
_WORKSPACES = "workspaces"
_BEING_WRITTEN = Problem("being_written", "")
_PATIENCE_SECONDS, _PAUSE_SECONDS = 10.0, 0.01
_PATIENCE_FOR_BUCKETS_SECONDS = 1.0
_PATIENCE_TO_TAKE_BACK_SECONDS = 10.0
_LONGEST_WRITE_MS = 3600 * 1000
_LONGEST_MS = 24 * 3600 * 1000

_freeze: ContextVar[Callable[[str], None] | None] = ContextVar("qaqpa_freeze", default=None)


def destination() -> str | None:
    """The artifact store of this server, where it is one that freezes."""
    found = os.environ.get(ARTIFACTS_DESTINATION_ENV_VAR, "")
    return found.removeprefix(PREFIX) if found.startswith(PREFIX) else None


@contextmanager
def freezing(store: Any) -> Iterator[None]:
    """For a promotion: what it freezes thaws at its end, unless it is in production then.

    Args:
        store: the registry's store.
    """
    frozen: list[str] = []

    def freeze(location: str) -> None:
        own = uuid.uuid4().hex
        until = time.time_ns() // 1_000_000 + _LONGEST_MS
        with store.connected() as connection:
            connection.execute(FREEZES.insert(), {"id": own, "location": location.rstrip("/"), "until_ms": until})
        frozen.append(own)
        wait_for_writers()
        _wait_for_announced(store, location)

    token = _freeze.set(freeze)
    try:
        yield
    finally:
        _freeze.reset(token)
        if frozen:
            _thaw(store, frozen)


def _thaw(store: Any, frozen: list[str]) -> None:
    try:
        with store.connected() as connection:
            connection.execute(FREEZES.delete().where(FREEZES.c.id.in_(frozen)))
    except MlflowException:
        # What was asked for is done or refused already; the files only stay frozen for longer.
        log.exception("qaqpa: files that were judged stay frozen for up to a day")


def with_frozen_bytes(method: _Method) -> _Method:
    """For a store's calls that promote: nobody changes the bytes from before they are hashed until the call ends."""

    @wraps(method)
    def frozen(self: Any, *args: Any, **kwargs: Any) -> Any:
        with freezing(self):
            return method(self, *args, **kwargs)

    return cast("_Method", frozen)


def freeze(location: str) -> tuple[Problem, ...]:
    """Freezes a location while a promotion is judged; a problem where this server cannot keep others out of there."""
    own = _freeze.get()
    if own is None or not is_freezing():
        return ()
    if not location.startswith(SCHEME):
        return (_ELSEWHERE,)
    own(location)
    return ()


def is_freezing() -> bool:
    """True where what a promotion asks to freeze is frozen until it ends."""
    return destination() is not None and _freeze.get() is not None


def wait_for_writers() -> None:
    """Waits for those who write to a local store and asked before something was frozen.

    Raises:
        NotHashedError: somebody is still writing.
    """
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            with _lock(fcntl.LOCK_EX | fcntl.LOCK_NB):
                return
        except BlockingIOError as error:  # noqa: PERF203 - waiting is what this does
            if time.monotonic() > until:
                raise NotHashedError(_BEING_WRITTEN) from error
            time.sleep(_PAUSE_SECONDS)


@contextmanager
def writing() -> Iterator[None]:
    """For a write to the artifact store, with the question whether it may."""
    with _lock(fcntl.LOCK_SH):
        yield


@contextmanager
def announced(engine: Any, paths: Iterable[str]) -> Iterator[None]:
    """For a write to a bucket, which has no lock: whoever freezes a place of it sees that it is under way.

    The write is announced before it asks whether something is frozen, and a freeze is written before it looks for
    announcements, so that one of the two sees the other.

    Args:
        engine: of the registry's database.
        paths: where it writes, below the root of the store.
    """
    until = time.time_ns() // 1_000_000 + _LONGEST_WRITE_MS
    places = {SCHEME + one for path in paths for one in _without_workspace(path)}
    rows = [{"id": uuid.uuid4().hex, "location": place, "until_ms": until} for place in sorted(places)]
    with engine.begin() as connection:
        connection.execute(WRITERS.insert(), rows)
    try:
        yield
    finally:
        _take_back(engine, [str(row["id"]) for row in rows])


def _take_back(engine: Any, announcements: list[str]) -> None:
    """Deletes announcements; again where the database is busy, for each that stays stands in the way for an hour."""
    until, pause = time.monotonic() + _PATIENCE_TO_TAKE_BACK_SECONDS, _PAUSE_SECONDS
    while True:
        try:
            with engine.begin() as connection:
                connection.execute(WRITERS.delete().where(WRITERS.c.id.in_(announcements)))
        except SQLAlchemyError:  # noqa: PERF203 - trying again is what this does
            if time.monotonic() + pause > until:
                log.exception("qaqpa: files that were written cannot be promoted for up to an hour")
                return
            time.sleep(pause)
            pause = min(2 * pause, 1.0)
        else:
            return


def has_lock() -> bool:
    """True where the artifact store itself keeps writers and a promotion apart: a local one."""
    root = destination()
    return root is None or bool(is_local_uri(root))


def _wait_for_announced(store: Any, location: str) -> None:
    if has_lock():
        return
    bare = location.rstrip("/")
    above = [SCHEME, *_with_parents(bare.removeprefix(SCHEME))]
    until = time.monotonic() + _PATIENCE_FOR_BUCKETS_SECONDS
    while True:
        with store.ManagedSessionMaker(read_only=False) as session:
            alive = WRITERS.c.until_ms > time.time_ns() // 1_000_000
            busy = session.execute(
                select(WRITERS.c.id).where(alive, _at(WRITERS.c.location, above, [f"{bare}/"]))
            ).first()
        if busy is None:
            return
        if time.monotonic() > until:
            raise NotHashedError(_BEING_WRITTEN)
        time.sleep(_PAUSE_SECONDS * 10)


@contextmanager
def _lock(kind: int) -> Iterator[None]:
    """A lock on the directory of a local store; other stores have none."""
    root = destination()
    if root is None or not is_local_uri(root):
        yield
        return
    path = Path(local_file_uri_to_path(root))
    path.mkdir(parents=True, exist_ok=True)
    held = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, kind)
        yield
    finally:
        os.close(held)


def frozen_by(session: Any, config: Config, path: str) -> str | None:
    """What keeps a path of the artifact store, or something below it, from being changed; None where nothing does.

    Args:
        session: the registry's database.
        config: says what production is.
        path: below the root of the store, empty for the root itself.
    """
    paths = _without_workspace(path)
    above = sorted({spelling for one in paths for parent in _with_parents(one) for spelling in spellings(parent)})
    below = [f"{SCHEME}{one}/" if one else SCHEME for one in sorted(paths)]
    judged = session.execute(
        select(FREEZES.c.location).where(
            FREEZES.c.until_ms > time.time_ns() // 1_000_000, _at(FREEZES.c.location, above, below)
        )
    ).first()
    if judged:
        return "a version that is being judged"
    return _in_production(session, config, above, below)


def _without_workspace(path: str) -> set[str]:
    """A path, written plainly, with the workspace and without it: locations are written in both ways."""
    normal = posixpath.normpath(f"/{path}").strip("/")
    first, _, rest = normal.partition("/")
    return {normal, rest.partition("/")[2]} if first == _WORKSPACES else {normal}


def _in_production(session: Any, config: Config, above: Iterable[str], below: Iterable[str]) -> str | None:
    version, alias = SqlModelVersion, SqlRegisteredModelAlias
    place = func.coalesce(func.nullif(version.storage_location, ""), version.source)
    rows = (
        session.query(version.name, version.version, version.current_stage, alias.alias)
        .outerjoin(
            alias,
            (alias.workspace == version.workspace) & (alias.name == version.name) & (alias.version == version.version),
        )
        .filter(version.current_stage != STAGE_DELETED_INTERNAL, _at(place, above, below))
    )
    now = times.now()
    for name, number, stage, pointing in rows:
        gates = [*config.gates_for_name(name), *config.gates_for_stage(name, stage)]
        gates += config.gates_for_alias(name, pointing) if pointing else []
        if gates and not config.observed(name, now):
            return f"version {number} of {name}"
    return None


def _at(place: Any, above: Iterable[str], below: Iterable[str]) -> Any:
    return or_(place.in_(list(above)), *(place.startswith(start, autoescape=True) for start in below))


def _with_parents(path: str) -> Iterator[str]:
    """The locations of a path and of all directories that it lies in."""
    parts = path.split("/")
    for length in range(1, len(parts) + 1):
        yield SCHEME + "/".join(parts[:length])
