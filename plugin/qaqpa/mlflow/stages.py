# SPDX-License-Identifier: Apache-2.0
"""At most one version is in a gated stage.

MLflow serves the newest version of a stage. With two in it, taking the newest out would put the other into production
without a decision. So a second one is refused; where two are left from before the gate, the older goes with the newer.
Both are looked at in the transaction that writes, under a lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from mlflow.entities.model_registry.model_version_stages import STAGE_ARCHIVED
from mlflow.store.model_registry.dbmodels.models import SqlModelVersion

from qaqpa import times
from qaqpa.config import Config
from qaqpa.escape import visible
from qaqpa.mlflow.denial import log
from qaqpa.mlflow.guard import refusal

_OCCUPIED = (
    "Qaqpa: version {version} of {name} is not moved: version {other} is in the stage {stage} already, and MLflow "
    "would serve the newer of the two. Ask for the existing versions to be archived with it, or archive them first. "
    "Nothing was changed."
)


@dataclass(frozen=True)
class _Move:
    """A version that changes its stage; `to` is None where it is deleted."""

    name: str
    to: str | None
    config: Config

    def is_gated(self, stage: str) -> bool:
        """True where versions of the model are judged, and not only observed."""
        return bool(self.config.gates_for_stage(self.name, stage)) and not self.config.observed(self.name, times.now())


_move: ContextVar[_Move | None] = ContextVar("qaqpa_move", default=None)


@contextmanager
def moving(name: str, to: str | None, config: Config) -> Iterator[None]:
    """For a write that moves a version of a registered model to a stage, or deletes it.

    Args:
        name: the registered model.
        to: the stage; None where the version is deleted.
        config: says which stages are gated; leaving production needs nothing else of the gate.
    """
    token = _move.set(_Move(name, to, config))
    try:
        yield
    finally:
        _move.reset(token)


def is_moving() -> bool:
    """True while such a write is under way."""
    return _move.get() is not None


def keep_single(session: Any, row: Any) -> None:
    """Looks at the other versions in the stages that a version enters and leaves.

    Raises:
        RefusedError: there is one in the gated stage that it would enter.
    """
    move = _move.get()
    if move is None or move.name != row.name:
        return
    if move.to is not None and move.is_gated(move.to):
        others = _others(session, row, move.to)
        if others:
            version, other = row.version, others[-1].version
            raise refusal(
                "stage_occupied", _OCCUPIED.format(version=version, name=row.name, other=other, stage=move.to)
            )
    left = row.current_stage
    if left != move.to and move.is_gated(left):
        others = _others(session, row, left)
        if others and others[-1].version < row.version:
            for other in others:
                other.current_stage = STAGE_ARCHIVED
                log.warning(
                    "qaqpa: version %s of %s is archived with version %s, which leaves the stage %s: "
                    "it would be served there without a decision",
                    *(other.version, visible(row.name), row.version, visible(left)),
                )


def _others(session: Any, row: Any, stage: str) -> list[Any]:
    """The other versions in a stage, the newest last."""
    other = SqlModelVersion
    same = (other.workspace == row.workspace, other.name == row.name, other.current_stage == stage)
    return list(session.query(other).filter(*same, other.version != row.version).order_by(other.version))
