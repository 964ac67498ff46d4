# SPDX-License-Identifier: Apache-2.0
"""Holds the registry to what was judged: hashing takes time, and a model can be renamed, copied or added to meanwhile.

While a write that was allowed is under way, the rows that it touches are locked and read again in its own transaction.
Where they are not what was judged, the write is refused there, and so rolled back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import Any

from mlflow.store.model_registry.dbmodels.models import SqlRegisteredModel
from sqlalchemy import bindparam, select, text

from qaqpa.evidence.carriers import TAG_PREFIX
from qaqpa.mlflow.connecting import Question
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.records import VersionRecord, model_versions, version_record
from qaqpa.model import Problem, Verdict

_MESSAGE = (
    "Qaqpa: the promotion is refused, because the model was changed while it was judged. Nothing was changed by this "
    "request. Try again."
)


@dataclass(frozen=True)
class _Pins:
    """What was judged: single versions by name and number, and registered models with all their versions.

    `location` is where the bytes of a version lie that is to be registered; None where nothing of it was judged.
    """

    versions: Mapping[tuple[str, int], VersionRecord] = field(default_factory=dict)
    whole: Mapping[str, tuple[VersionRecord, ...]] = field(default_factory=dict)
    location: str | None = None

    def concern(self, name: str) -> bool:
        return name in self.whole or any(model == name for model, _ in self.versions)


_LOCK = Question(select(SqlRegisteredModel.name).where(SqlRegisteredModel.name == bindparam("name")).with_for_update())
_pins: ContextVar[_Pins | None] = ContextVar("qaqpa_pins", default=None)


@contextmanager
def pinned(records: Iterable[VersionRecord], location: str | None = None) -> Iterator[None]:
    """For a write that concerns these versions, each as it was judged, or registers the bytes at a location."""
    versions = {(record.model.name, record.version): record for record in records}
    with _set(_Pins(versions=versions, location=location)):
        yield


@contextmanager
def pinned_whole(name: str, records: Iterable[VersionRecord]) -> Iterator[None]:
    """For a write that concerns a registered model with all its versions, aliases and stages."""
    with _set(_Pins(whole={name: tuple(records)})):
        yield


@contextmanager
def _set(pins: _Pins) -> Iterator[None]:
    token = _pins.set(pins)
    try:
        yield
    finally:
        _pins.reset(token)


def lock(session: Any, name: str, *, always: bool = False) -> None:
    """Keeps everybody else from changing a registered model until the transaction ends.

    Args:
        session: the transaction, in which nothing was read.
        name: the registered model.
        always: true where it is to be locked though nothing of it is pinned.
    """
    pins = _pins.get()
    if not always and (pins is None or not pins.concern(name)):
        return
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        # SQLite begins a transaction at the first write only; what was read before could change until then.
        if not connection.connection.driver_connection.in_transaction:
            # Not through the session, which would first write what MLflow has changed already, and so begin one.
            connection.execute(text("BEGIN IMMEDIATE"))
        return
    _LOCK.rows(session, {"name": name})


def expect_location(row: Any) -> None:
    """Compares where the bytes of a new version lie, as MLflow found it once more, with what was judged.

    Raises:
        RefusedError: it is another place.
    """
    pins = _pins.get()
    if pins and pins.location is not None and (row.storage_location or row.source) != pins.location:
        raise _refusal()


def expect_version(row: Any) -> None:
    """Compares a version's row with what was judged.

    Raises:
        RefusedError: it is another one.
    """
    pins = _pins.get()
    judged = pins.versions.get((row.name, int(row.version))) if pins else None
    if judged is not None and _served(version_record(row)) != _served(judged):
        raise _refusal()


def expect_model(row: Any) -> None:
    """Compares a registered model's row, and all its versions, with what was judged.

    Raises:
        RefusedError: there is another version, alias or stage, or another source.
    """
    pins = _pins.get()
    judged = pins.whole.get(row.name) if pins else None
    if judged is None:
        return
    present = model_versions(row)
    same = [_placed(record) for record in present] == [_placed(record) for record in judged]
    if not same:
        raise _refusal()


def _served(record: VersionRecord) -> tuple[Any, ...]:
    """What decides which bytes are served, and what is known of them."""
    known = {key: value for key, value in {**record.model.tags, **record.tags}.items() if key.startswith(TAG_PREFIX)}
    model = record.model
    return model.created_ms, model.workspace, record.version, record.source, record.location, record.run_id, known


def _placed(record: VersionRecord) -> tuple[Any, ...]:
    return *_served(record), record.stage, dict(record.model.aliases)


def _refusal() -> RefusedError:
    details = {
        "verdict": Verdict.UNDECIDED.value,
        "mode": "enforce",
        "findings": [],
        "problems": [asdict(Problem("changed_meanwhile", "Somebody changed it, or its evidence, at the same time."))],
    }
    return RefusedError(_MESSAGE, details)
