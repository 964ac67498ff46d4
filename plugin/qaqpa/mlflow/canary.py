# SPDX-License-Identifier: Apache-2.0
"""The answer to whoever asks a server from outside whether its gate refuses.

`qaqpa doctor --server` asks for an alias of a registered model that does not exist, under a name kept for that. A
server without a gate says that there is no such model. The gate judges a version without any evidence, in the way of
all others, and says beside its refusal what it has in force. It never writes to the registry.

An account that may set no alias of such a model asks by reading one instead, whose name ends in `@` and the alias. That
is judged in the same way and not recorded: who may only read should not make the log grow. Without an alias nothing is
judged, and the process that answers says what it has in force.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NoReturn

import mlflow
from mlflow.exceptions import MlflowException

from qaqpa import __version__
from qaqpa.config import CANARY_NAME, fold
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.freezing import destination
from qaqpa.mlflow.judge import Case
from qaqpa.mlflow.records import read_model
from qaqpa.mlflow.saying import problem, say
from qaqpa.mlflow.subject import Candidate
from qaqpa.mlflow.worker import expected_workers, this_worker
from qaqpa.model import JsonObject, Problem, Subject

CANARY = Subject(
    name="qaqpa-canary", version="1", digest=hashlib.sha256(b"no model has these bytes").hexdigest(), created_ms=0
)
"""A version without any evidence, which every gate must refuse."""

NOT_GATED, ALLOWED = "canary_not_gated", "canary_allowed"
"""Codes of answers that say that something would be let through."""

STATE = "canary_state"
"""The code of an answer that only says what is in force."""

_ALIAS = "@"
_MISSING = "RESOURCE_DOES_NOT_EXIST"


def answer_canary(store: Any, name: str, alias: str) -> None:
    """Answers where the name is one of those, and there is no such registered model; else it is a promotion as others.

    Args:
        store: the registry's store.
        name: of the registered model.
        alias: that is asked for.

    Raises:
        RefusedError: always where it answers.
    """
    if not fold(name).startswith(CANARY_NAME) or _exists(store, name):
        return
    gatekeeper = store._gatekeeper  # noqa: SLF001 - a part of the same store

    def judge(case: Case) -> None:
        # One name for all, so that refusals are counted together.
        gatekeeper.admit(CANARY_NAME, f"alias {alias} of {name}", [case]).asked()

    _judged(store, name, alias, judge)


def answer_reading(store: Any, name: str) -> None:
    """Answers whoever asks by reading; any other name is read as it is.

    Args:
        store: the registry's store.
        name: that is to be read.

    Raises:
        RefusedError: always where it answers.
    """
    asked, is_question, alias = str(name).partition(_ALIAS)
    if not is_question or not fold(asked).startswith(CANARY_NAME) or _exists(store, name):
        return
    gatekeeper = store._gatekeeper  # noqa: SLF001 - a part of the same store
    if not alias:
        _answer(STATE, "", _state(store))

    def judge(case: Case) -> None:
        gatekeeper.rehearse(CANARY_NAME, f"alias {alias} of {asked}", case)

    _judged(store, name, alias, judge)


def _judged(store: Any, name: str, alias: str, judge: Callable[[Case], None]) -> NoReturn:
    """Answers by what `judge` says of a version without evidence: it raises, or lets it through."""
    gates = store._gatekeeper.config.gates_for_alias(name, alias)  # noqa: SLF001 - a part of the same store
    says = _state(store)
    if not gates:
        _answer(NOT_GATED, alias, says)
    try:
        judge(Case(gates, lambda: Candidate(CANARY, ())))
    except RefusedError as refused:
        details = {**refused.json_kwargs["qaqpa"], "server": says}
        raise RefusedError(refused.message, details) from None
    _answer(ALLOWED, "", says)


def _exists(store: Any, name: str) -> bool:
    try:
        read_model(store, name)
    except MlflowException as error:
        if error.error_code != _MISSING:
            raise
        return False
    return True


def _answer(code: str, detail: str, says: JsonObject) -> NoReturn:
    found = problem(code, detail)
    problems = [asdict(Problem(code, found))]
    details = {"verdict": "undecided", "mode": "none", "findings": [], "problems": problems, "server": says}
    raise RefusedError(f"{say('line.canary')} {found}", details)


def _state(store: Any) -> JsonObject:
    """What is in force in the process that answers: digests and versions, no directory and no address."""
    in_force = store._in_force  # noqa: SLF001 - a part of the same store
    gatekeeper = store._gatekeeper  # noqa: SLF001
    parties, problems = gatekeeper.trusted()
    return {
        **gatekeeper.facts,
        "qaqpa": __version__,
        "mlflow": mlflow.__version__,
        "parties": parties.version if parties else None,
        "parties_problem": problems[0].code if problems else None,
        "worker": this_worker(),
        "workers": expected_workers(),
        "reload_failed": in_force.failure is not None,
        "reload_problem": in_force.failure.told if in_force.failure else None,
        "kept": gatekeeper.config.log is not None,
        "frozen": destination() is not None,
    }
