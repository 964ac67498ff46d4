# SPDX-License-Identifier: Apache-2.0
"""A gatekeeper that refuses all there is, so that a server can run, and models be taken out, where none can judge."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import NoReturn

from qaqpa.config import Config, Gate
from qaqpa.errors import QaqpaError, UndecidedError, UsageError
from qaqpa.evidence.parties import Parties
from qaqpa.mlflow.denial import Outcome
from qaqpa.mlflow.judge import Case, Decided, Gatekeeper
from qaqpa.mlflow.saying import undecided
from qaqpa.mlflow.subject import Candidate
from qaqpa.model import JsonObject, Problem, Stage, Verdict
from qaqpa.policy.bundle import Catalog
from qaqpa.record.log.asked import START as START_ROW
from qaqpa.record.log.errors import LogError

START, CLOSED = "QAQPA_START", "closed"
"""The variable, and its one value, with which a server starts in an emergency: it refuses every promotion."""

CODE = "gate_closed"
"""The code of the answer."""

EVERYTHING = Gate(stage=Stage.PRODUCTION, profiles=(), aliases=("*",), mlflow_stages=("*",), names=("*",))
"""What is gated where nobody can tell what is."""


_PROBLEM = Problem(CODE, "The gate is closed; the server's log says why.")


class NoEngine:
    """Stands where an engine would be, and decides nothing."""

    name = "none"
    policy_digest = ""
    catalog = Catalog({}, {}, {})

    def evaluate(self, document: JsonObject) -> NoReturn:
        """Always raises `UndecidedError`."""
        del document
        raise UndecidedError("The gate is closed")


class ClosedGatekeeper(Gatekeeper):
    """Refuses every case, whatever it is, without looking at it."""

    is_closed = True

    def __init__(self, config: Config | None) -> None:
        """Takes what is gated from a configuration; what it only observes is refused too.

        Args:
            config: the configuration; None where it cannot be read, and so everything is gated, and all evidence kept.

        Raises:
            UsageError: its log's key or its language cannot be used.
        """
        everything = Config(gates=(EVERYTHING,))
        super().__init__(replace(config or everything, observe=()), NoEngine())
        self._is_known = config is not None

    def start(self, kind: str = START_ROW) -> LogError | None:
        """Records it where the configuration says where."""
        return super().start(kind) if self._is_known else None

    def trusted(self) -> tuple[Parties | None, list[Problem]]:
        """The parties file in force; without a configuration nobody can tell, and so the problem that it is closed."""
        if self._is_known:
            return super().trusted()
        return None, [_PROBLEM]

    def _decided(self, cases: Iterable[Case], model: str, action: str) -> Iterable[Decided]:
        del model
        for case in cases:
            for gate in case.gates:
                yield self._judged(gate, None, action)

    def _judged(self, gate: Gate, candidate: Callable[[], Candidate] | None, action: str) -> Decided:
        del candidate
        return Decided(_closed_outcome(action, gate.stage.value))


def is_asked_for() -> bool:
    """True where the environment says that the server starts closed.

    Raises:
        UsageError: the variable has another value.
    """
    found = os.environ.get(START, "")
    if found not in {"", CLOSED}:
        raise UsageError("There is no such way to start", where=START, required=f"{CLOSED}, or not set")
    return found == CLOSED


def closed(config: Config | None) -> ClosedGatekeeper:
    """A gatekeeper that refuses all that a configuration gates; everything where it is None.

    A log whose key cannot be used is left out: a refusal needs none.
    """
    try:
        return ClosedGatekeeper(config)
    except QaqpaError:
        return ClosedGatekeeper(replace(config, log=None) if config else None)


def _closed_outcome(action: str, stage: str) -> Outcome:
    return Outcome(
        verdict=Verdict.UNDECIDED,
        message=undecided(action, CODE),
        stage=stage,
        problems=[asdict(_PROBLEM)],
    )
