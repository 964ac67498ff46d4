# SPDX-License-Identifier: Apache-2.0
"""A gatekeeper that refuses all there is, so that a server can run, and models be taken out, where none can judge."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from qaqpa.config import Config, Gate
from qaqpa.errors import QaqpaError, UndecidedError, UsageError
from qaqpa.mlflow.denial import Outcome
from qaqpa.mlflow.judge import Case, Decided, Gatekeeper
from qaqpa.mlflow.subject import Candidate
from qaqpa.model import JsonObject, Stage, Verdict
from qaqpa.policy.bundle import Catalog

START, CLOSED = "QAQPA_START", "closed"
"""The variable, and its one value, with which a server starts in an emergency: it refuses every promotion."""

CODE = "gate_closed"
"""The code of the answer."""

EVERYTHING = Gate(stage=Stage.PRODUCTION, profiles=(), aliases=("*",), mlflow_stages=("*",), names=("*",))
"""What is gated where nobody can tell what is."""


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

    def __init__(self, config: Config, reason: str) -> None:
        """Takes what is gated from a configuration; what it only observes is refused too.

        Args:
            config: the configuration, or one that gates everything.
            reason: why it is closed, for the server's log.
        """
        super().__init__(replace(config, observe=()), NoEngine())
        self.reason = reason

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


def closed(config: Config | None, reason: str) -> ClosedGatekeeper:
    """A gatekeeper that refuses all that a configuration gates; where it is not known or unusable, everything.

    Args:
        config: the configuration; None where it cannot be read.
        reason: why.
    """
    everything = Config(gates=(EVERYTHING,), path=Path())
    try:
        return ClosedGatekeeper(config or everything, reason)
    except QaqpaError:
        # Its log or its language cannot be used.
        return ClosedGatekeeper(replace(config or everything, log=None), reason)


def _closed_outcome(action: str, stage: str) -> Outcome:
    return Outcome(
        verdict=Verdict.UNDECIDED,
        message=f"Qaqpa: {action} is refused: the gate is closed, and nothing is promoted. Taking a version out of "
        "production works. Nothing was changed. The server's log says why it is closed.",
        stage=stage,
        problems=[{"code": CODE, "detail": "The gate is closed; the server's log says why."}],
    )
