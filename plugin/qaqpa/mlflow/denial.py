# SPDX-License-Identifier: Apache-2.0
"""What a refusal looks like to MLflow: HTTP 403, which no client retries, one line, and the findings as JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import flask
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

from qaqpa.escape import visible
from qaqpa.mlflow.identity import acting_user
from qaqpa.mlflow.saying import say, undecided
from qaqpa.model import Decision, JsonObject, Problem, Verdict
from qaqpa.report.texts import Texts

HEADER = "X-Qaqpa-Decision"
"""Response header of every gated call: verdict and mode."""

log = logging.getLogger("mlflow.qaqpa")
"""Below MLflow's own logger, whose format and handler the server's processes have."""

_MAX_MESSAGE = 8000
_MAX_REJECTED = 100
_PASSED_ON = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})


class RefusedError(MlflowException):  # type: ignore[misc]  # MLflow ships no types
    """The gate refused; nothing was changed."""

    def __init__(self, message: str, details: JsonObject) -> None:
        """Makes the error.

        Args:
            message: one line.
            details: goes into the answer as the JSON field `qaqpa`.
        """
        super().__init__(visible(message, _MAX_MESSAGE), error_code=PERMISSION_DENIED, qaqpa=details)


@dataclass(frozen=True)
class Outcome:
    """What the gate says of one version: a line for people, and the fields for programs."""

    verdict: Verdict
    message: str
    stage: str
    policy_digest: str = ""
    findings: list[Any] = field(default_factory=list)
    problems: list[Any] = field(default_factory=list)
    rejected: list[Any] = field(default_factory=list)

    def details(self, mode: str) -> Mapping[str, Any]:
        """The fields of the answer, as plain JSON."""
        found: Mapping[str, Any] = json.loads(
            json.dumps(
                {
                    "verdict": self.verdict.value,
                    "mode": mode,
                    "stage": self.stage,
                    "policy_digest": self.policy_digest,
                    "findings": self.findings,
                    "problems": self.problems,
                    "rejected": self.rejected[:_MAX_REJECTED],
                    "user": acting_user(),
                },
                default=str,
            )
        )
        return found


def outcome_of(decision: Decision, message: str) -> Outcome:
    """The outcome of a decision."""
    return Outcome(
        verdict=decision.verdict,
        message=message,
        stage=str(decision.document["stage"]),
        policy_digest=decision.policy_digest,
        findings=list(decision.findings),
        problems=list(decision.problems),
        rejected=list(decision.document["rejected"]),
    )


def failed_outcome(action: str, stage: str = "") -> Outcome:
    """The outcome where the gate itself failed. What failed is for the server's log only."""
    return Outcome(
        verdict=Verdict.UNDECIDED,
        message=f"{undecided(action, 'gate_failed')} {say('line.server_log')}",
        stage=stage,
        problems=[{"code": "gate_failed", "detail": "The gate failed; the server's log says why."}],
    )


def busy_outcome(action: str, stage: str) -> Outcome:
    """The outcome where too many other versions are being judged."""
    return Outcome(
        verdict=Verdict.UNDECIDED,
        message=undecided(action, "busy"),
        stage=stage,
        problems=[{"code": "busy", "detail": "The gate is judging other versions; ask again."}],
    )


def delegated_outcome(model: str, stage: str, texts: Texts) -> Outcome:
    """The outcome where a program asks in somebody's name: only that person may."""
    why = texts.say("problem.delegated")
    return Outcome(
        verdict=Verdict.DENY,
        message=f"{texts.say('line.deny', model=model, stage=stage)} {why}",
        stage=stage,
        problems=[{"code": "delegated", "detail": why}],
    )


def unhashed_outcome(message: str, stage: str, problem: Problem) -> Outcome:
    """The outcome where there is no digest by which anything could be judged."""
    return Outcome(Verdict.UNDECIDED, message, stage, problems=[asdict(problem)])


def log_outcome(action: str, stage: str) -> Outcome:
    """The outcome where the decision log cannot be used."""
    return Outcome(
        verdict=Verdict.UNDECIDED,
        message=undecided(action, "log_unusable"),
        stage=stage,
        problems=[{"code": "log_unusable", "detail": "The decision log cannot be used; the server's log says why."}],
    )


@contextmanager
def fail_closed(action: str, record: Callable[[], int | None] = lambda: None) -> Iterator[None]:
    """Turns whatever goes wrong inside into a refusal.

    MLflow's own answers that something does not exist or is not valid pass on: after them nothing is changed either.

    Args:
        action: what somebody asks for.
        record: keeps such a refusal in the decision log, where it is one of a promotion; returns the number of its row.

    Raises:
        MlflowException: always where something was raised inside.
    """
    try:
        yield
    except RefusedError:
        raise
    except Exception as error:
        if isinstance(error, MlflowException) and error.error_code in _PASSED_ON:
            raise
        log.exception("qaqpa: the gate failed: %s", visible(action))
        show("undecided", "enforce")
        failed = failed_outcome(action)
        raise RefusedError(failed.message, {**failed.details("enforce"), "log": _recorded(record)}) from None


def _recorded(record: Callable[[], int | None]) -> int | None:
    try:
        return record()
    except Exception:
        log.exception("qaqpa: a refusal could not be recorded")
        return None


def show(verdict: str, mode: str, *, override: int | None = None, rollback: int | None = None) -> None:
    """Sets the response header, where there is a response.

    Args:
        verdict: the worst one.
        mode: `enforce` or `observe`.
        override: the row of the override that let the call through in spite of the verdict.
        rollback: the row of the decision to which the call goes back.
    """
    if not flask.has_request_context():
        return

    def set_header(response: Any) -> Any:
        besides = {"overridden": override, "rollback": rollback}
        through = "".join(f"; {name}={row}" for name, row in besides.items() if row is not None)
        response.headers[HEADER] = f"{verdict}; mode={mode}{through}"
        return response

    flask.after_this_request(set_header)
