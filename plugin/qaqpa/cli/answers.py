# SPDX-License-Identifier: Apache-2.0
"""What the answers of a server to `qaqpa doctor --server` mean."""

from __future__ import annotations

from dataclasses import dataclass, field

from qaqpa.cli.asking import Reply
from qaqpa.errors import ExitCode
from qaqpa.model import JsonObject

DONE, UNAUTHORISED, FORBIDDEN, NOT_FOUND = 200, 401, 403, 404
"""Status codes of HTTP."""

STATE = "canary_state"
"""The code of an answer that only says what is in force."""

_MISSING = "RESOURCE_DOES_NOT_EXIST"
_WRONG_HOST = b"Invalid Host header"
_LOGIN = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"


@dataclass(frozen=True)
class Health:
    """What was found: an exit code, one sentence, and what else the server says.

    `row` is the number of the decision in the decision log, and `is_lost` true where it could not be recorded.
    """

    code: ExitCode
    found: str
    says: JsonObject = field(default_factory=dict)
    row: int | None = None
    is_lost: bool = False


def gate_of(reply: Reply) -> JsonObject | None:
    """What a gate says in an answer; None where no gate answers."""
    value = reply.value
    gate = value.get("qaqpa") if isinstance(value, dict) else None
    return gate if reply.status == FORBIDDEN and isinstance(gate, dict) else None


def codes_of(gate: JsonObject) -> list[str]:
    """The codes of the problems in a gate's answer."""
    problems = gate.get("problems")
    return [str(one.get("code")) for one in problems if isinstance(one, dict)] if isinstance(problems, list) else []


def is_no_permission(reply: Reply) -> bool:
    """True where a login knows who asks, and does not let them."""
    return reply.status == FORBIDDEN and gate_of(reply) is None and not reply.body.startswith(_WRONG_HOST)


def is_missing(reply: Reply) -> bool:
    """True where a registry says that there is no such model, which only one without a gate does."""
    value = reply.value
    return reply.status == NOT_FOUND and isinstance(value, dict) and value.get("error_code") == _MISSING


def judged(reply: Reply, alias: str, *, is_known: bool) -> Health:
    """What the answer to the question means.

    Args:
        reply: the answer.
        alias: that was asked for.
        is_known: true where credentials were sent.
    """
    gate = gate_of(reply)
    if gate is not None:
        return _of_gate(gate, alias)
    value = reply.value if isinstance(reply.value, dict) else {}
    code = str(value.get("error_code", ""))
    if is_missing(reply):
        found = "NO GATE: the server looked for the model and asked no gate. Whoever MLflow lets can promote anything."
        return Health(ExitCode.DENIED, found)
    if DONE <= reply.status < DONE + 100:
        return Health(ExitCode.DENIED, f"NO GATE: the server set the alias {alias} of a model that does not exist.")
    return Health(ExitCode.UNDECIDED, f"CANNOT BE TOLD: {_untold(reply, code, value, is_known=is_known)}")


def not_let_in(reply: Reply, *, is_known: bool) -> str | None:
    """Why a server answers nobody who asks like that; None where it is not for the login or the host's name."""
    if reply.status == UNAUTHORISED and is_known:
        return f"the login refuses name and password, or the token (HTTP 401). It takes {_LOGIN}."
    if reply.status == UNAUTHORISED:
        return f"the server asks for a login (HTTP 401), and none was given. Set {_LOGIN}."
    if reply.status == FORBIDDEN and reply.body.startswith(_WRONG_HOST):
        return (
            "MLflow does not serve under the name in this address (HTTP 403, Invalid Host header). Ask by a name that "
            "its --allowed-hosts lists, or list this one there."
        )
    return None


def _untold(reply: Reply, code: str, value: JsonObject, *, is_known: bool) -> str:
    why = not_let_in(reply, is_known=is_known)
    if why:
        return why
    if reply.status == FORBIDDEN:
        return (
            "the login does not let this question through (HTTP 403). Ask with an account that may read registered "
            "models (READ), or with an administrator's."
        )
    told = f"{code} {value.get('message', '')}".strip() or "no reason"
    return f"the registry answers HTTP {reply.status}: {told}"


def _of_gate(gate: JsonObject, alias: str) -> Health:
    """What a gate's own answer means."""
    raw = gate.get("server")
    says = raw if isinstance(raw, dict) else {}
    codes = codes_of(gate)
    row = gate.get("log")
    is_lost = "log_unusable" in codes or (row is None and "log" in gate and bool(says.get("kept")))
    code, found = _meant(gate, says, codes, alias, is_lost=is_lost)
    return Health(code, found, says, row if isinstance(row, int) else None, is_lost)


def _meant(gate: JsonObject, says: JsonObject, codes: list[str], alias: str, *, is_lost: bool) -> tuple[ExitCode, str]:
    if "canary_not_gated" in codes:
        return ExitCode.DENIED, f"NOT GATED: there is a gate, and the alias {alias} is none of its."
    if "canary_allowed" in codes:
        return ExitCode.DENIED, "NOT ENFORCED: the gate would let a version without any evidence through (see observe)."
    if trouble := trouble_of(says):
        return ExitCode.UNDECIDED, trouble
    if "too_many_refusals" in codes:
        return ExitCode.UNDECIDED, (
            "CANNOT BE TOLD: this account has asked too often within a minute (too_many_refusals). Ask again later."
        )
    findings = gate.get("findings")
    count = sum(
        1
        for one in (findings if isinstance(findings, list) else [])
        if isinstance(one, dict) and one.get("status") == "fail"
    )
    if gate.get("verdict") != "deny" or not says or not count or is_lost:
        return ExitCode.UNDECIDED, (
            f"NOT WORKING: nothing is decided, so nothing is promoted: {', '.join(codes) or 'no reason given'}."
        )
    return ExitCode.ALLOWED, f"The gate refuses: a version without evidence lacks {count} requirements."


def trouble_of(says: JsonObject) -> str | None:
    """What keeps a process from deciding by what is configured now, as it says itself; None where nothing does."""
    if says.get("closed"):
        return "CLOSED: every promotion is refused. Taking out works."
    if says.get("parties_problem"):
        return f"NOT WORKING: nothing is decided, so nothing is promoted: {says['parties_problem']}."
    if says.get("reload_failed"):
        why = says.get("reload_problem") or "the server's log says why (reload_failed)"
        return (
            "STALE: the gate refuses, but what is configured now cannot be used, and what was before is in force: "
            f"{why}."
        )
    return None
