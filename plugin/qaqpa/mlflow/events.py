# SPDX-License-Identifier: Apache-2.0
"""What the gate says in the server's log: lines for people, or, where that is configured, one JSON object a line.

Uvicorn gives the process a logging configuration of its own, in which only MLflow's loggers have a handler and a
format; so the gate's loggers get theirs here.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from qaqpa.escape import visible
from qaqpa.mlflow.denial import Outcome, log
from qaqpa.mlflow.going_back import back_to
from qaqpa.mlflow.identity import acting_user
from qaqpa.mlflow.metrics import reasons
from qaqpa.mlflow.worker import this_worker
from qaqpa.model import Decision, Verdict

JSON, TEXT = "json", "text"

_MOST_CODES = 100
_MOST_TEXT = 2000
_OURS = ("mlflow.qaqpa", "qaqpa")


class _Handler(logging.StreamHandler[Any]):
    """Writes the gate's lines where the server's others go."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one, to what is the standard error output at that moment."""
        self.stream = sys.stderr
        super().emit(record)


class _Lines(JsonFormatter):
    """One object a line, in ASCII, so that no text can look like another line or hide."""

    def __init__(self) -> None:
        super().__init__(
            "{levelname}{name}{message}", style="{", rename_fields={"levelname": "level", "name": "logger"}
        )

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """The time first, then what every line has, then what the event says."""
        log_data["time"] = self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z"
        super().add_fields(log_data, record, message_dict)
        log_data["worker"] = this_worker()
        event = log_data.pop("qaqpa", None)
        log_data.update(event if isinstance(event, dict) else {"event": "message"})


def set_up(form: str) -> None:
    """Gives the gate's loggers their handlers in this process, once.

    Args:
        form: `JSON` or `TEXT`.
    """
    package = logging.getLogger(_OURS[1])
    if any(isinstance(handler, _Handler) for handler in package.handlers):
        return
    handler = _Handler(sys.stderr)
    if form == JSON:
        lines = _Lines()
        lines.converter = time.gmtime
        handler.setFormatter(lines)
        log.addHandler(handler)
        # MLflow's handler would write them a second time.
        log.propagate = False
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y/%m/%d %H:%M:%S"))
    package.addHandler(handler)


def decided(  # noqa: PLR0913 - keyword arguments, each a part of the line
    outcome: Outcome,
    decision: Decision | None,
    *,
    model: str,
    action: str,
    mode: str,
    number: int | None,
    seconds: float,
    override: str | None = None,
) -> None:
    """Says what was decided.

    Args:
        outcome: what the gate says.
        decision: the decision itself; None where none could be made.
        model: the registered model.
        action: what was asked for.
        mode: `enforce` or `observe`.
        number: of the decision's row in the decision log; None where it has none.
        seconds: how long it took.
        override: SHA-256 of the override by which it is let through; None without one.
    """
    who, asked = visible(acting_user() or "somebody not logged in"), visible(action)
    subject = decision.document["subject"] if decision else {}
    back = back_to(decision)
    fields = {
        "event": "decision",
        "decision": number,
        "verdict": outcome.verdict.value,
        "mode": mode,
        "stage": outcome.stage,
        "model": visible(model),
        "version": subject.get("version"),
        "digest": subject.get("digest"),
        "policy": outcome.policy_digest,
        "user": acting_user(),
        "codes": [f"{control}/{code}".lstrip("/") for control, code in reasons(outcome)[:_MOST_CODES]],
        "seconds": round(seconds, 4),
        **({"override": override} if override else {}),
        **({"rollback": back} if back else {}),
    }
    extra = {"qaqpa": fields}
    told = visible(outcome.message, _MOST_TEXT)
    if outcome.verdict is Verdict.ALLOW:
        how = f"allowed as a rollback to decision {back}" if back else "allowed"
        log.info("qaqpa: %s: %s, asked by %s", how, asked, who, extra=extra)
    elif override:
        log.warning(
            "qaqpa: not allowed, and let through where the override holds: %s, asked by %s, %s",
            *(asked, who, override),
            extra=extra,
        )
    elif mode == "observe":
        log.warning("qaqpa-observe: would have been refused: %s, asked by %s. %s", asked, who, told, extra=extra)
    else:
        log.warning("qaqpa: refused: %s, asked by %s. %s", asked, who, told, extra=extra)
