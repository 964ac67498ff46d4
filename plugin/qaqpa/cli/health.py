# SPDX-License-Identifier: Apache-2.0
"""`qaqpa doctor --server URL`: whether the gate of a server that runs refuses, asked from outside.

It asks for an alias of a registered model that does not exist, under a name that the gate keeps for this question.
Nothing can be written by it, on no server. A server whose plugin is missing answers as any MLflow would, and that is
told apart from a gate that is closed, and from a login that lets nobody ask.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.text import Text

from qaqpa.cli.asking import Reply, Server
from qaqpa.cli.common import console
from qaqpa.config import CANARY_NAME, load_config
from qaqpa.errors import ExitCode, QaqpaError
from qaqpa.escape import visible
from qaqpa.model import JsonObject
from qaqpa.policy.bundle import load_bundle

_ALIAS = "/api/2.0/mlflow/registered-models/alias"
_VERSION = re.compile(r"\d+\.\d+[0-9A-Za-z.+-]{0,40}", re.ASCII)
_FORBIDDEN, _NOT_FOUND, _UNAUTHORISED, _DONE = 403, 404, 401, 200
_NO_GATE = frozenset({"canary_not_gated", "canary_allowed"})


@dataclass(frozen=True)
class Health:
    """What was found: an exit code, one sentence, and what else the server says."""

    code: ExitCode
    found: str
    notes: tuple[str, ...] = ()
    says: JsonObject = field(default_factory=dict)


def ask_server(url: str, alias: str, config: str | None = None) -> int:
    """Asks, prints what was found, and returns the exit code: 0 it refuses, 3 there is no gate, 4 it cannot be told.

    Args:
        url: of the MLflow server.
        alias: that must be gated there.
        config: a configuration of this machine, whose policies are compared with the server's.

    Raises:
        UsageError: the address cannot be used.
    """
    out = console()
    server = Server(url)
    if server.is_exposed:
        out.print(Text("WARNING: the credentials travel unencrypted; use https", style="bold yellow"))
    health = _health(server, alias)
    out.print(f"server {visible(server.url)}", soft_wrap=True, markup=False, highlight=False)
    for line in (*health.notes, *_said(health.says, config)):
        out.print(Text(visible(line, 2000)), soft_wrap=True)
    style = {ExitCode.ALLOWED: "green", ExitCode.DENIED: "bold red"}.get(health.code, "bold yellow")
    out.print(Text(visible(health.found, 2000), style=style), soft_wrap=True)
    return int(health.code)


def _health(server: Server, alias: str) -> Health:
    try:
        version = server.ask("/version")
        if not (version.status == _DONE and _VERSION.fullmatch(_text(version))):
            return Health(
                ExitCode.UNDECIDED, f"CANNOT BE TOLD: this does not answer as MLflow does (/version: {version.status})."
            )
        name = f"{CANARY_NAME}{secrets.token_hex(8)}"
        reply = server.ask(_ALIAS, {"name": name, "alias": alias, "version": "1"})
    except QaqpaError as error:
        return Health(ExitCode.UNDECIDED, f"CANNOT BE TOLD: {error}")
    health = _judged(reply, alias)
    return Health(health.code, health.found, (f"MLflow {_text(version)}", *health.notes), health.says)


def _judged(reply: Reply, alias: str) -> Health:
    """What an answer to the question means."""
    value = reply.value if isinstance(reply.value, dict) else {}
    gate = value.get("qaqpa")
    if reply.status == _FORBIDDEN and isinstance(gate, dict):
        return _of_gate(gate, alias)
    code = str(value.get("error_code", ""))
    if reply.status == _NOT_FOUND and code == "RESOURCE_DOES_NOT_EXIST":
        found = "NO GATE: the server looked for the model and asked no gate. Whoever MLflow lets can promote anything."
        return Health(ExitCode.DENIED, found)
    if _DONE <= reply.status < _DONE + 100:
        return Health(ExitCode.DENIED, f"NO GATE: the server set the alias {alias} of a model that does not exist.")
    if reply.status in {_UNAUTHORISED, _FORBIDDEN}:
        found = (
            f"CANNOT BE TOLD: the login does not let this question through (HTTP {reply.status}). Ask with an account "
            "that may change registered models: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "MLFLOW_TRACKING_TOKEN."
        )
        return Health(ExitCode.UNDECIDED, found)
    message = str(value.get("message", ""))
    told = f"{code} {message}".strip() or "no reason"
    return Health(ExitCode.UNDECIDED, f"CANNOT BE TOLD: the registry answers HTTP {reply.status}: {told}")


def _of_gate(gate: JsonObject, alias: str) -> Health:
    """What a gate's own answer means."""
    raw = gate.get("server")
    says = raw if isinstance(raw, dict) else {}
    problems = gate.get("problems")
    codes = (
        [str(problem.get("code")) for problem in problems if isinstance(problem, dict)]
        if isinstance(problems, list)
        else []
    )
    if "canary_not_gated" in codes:
        return Health(ExitCode.DENIED, f"NOT GATED: there is a gate, and the alias {alias} is none of its.", says=says)
    if "canary_allowed" in codes:
        found = "NOT ENFORCED: the gate would let a version without any evidence through (see observe)."
        return Health(ExitCode.DENIED, found, says=says)
    if says.get("closed"):
        return Health(ExitCode.UNDECIDED, "CLOSED: every promotion is refused. Taking out works.", says=says)
    raw_findings = gate.get("findings")
    findings = [one for one in raw_findings if isinstance(one, dict)] if isinstance(raw_findings, list) else []
    count = sum(1 for finding in findings if finding.get("status") == "fail")
    if gate.get("verdict") != "deny" or not says or says.get("parties_problem") or not count:
        found = f"NOT WORKING: nothing is decided, so nothing is promoted: {', '.join(codes) or 'no reason given'}."
        return Health(ExitCode.UNDECIDED, found, says=says)
    if says.get("reload_failed"):
        found = "STALE: the gate refuses, but what is configured now cannot be used; what was before is in force."
        return Health(ExitCode.UNDECIDED, found, says=says)
    return Health(
        ExitCode.ALLOWED, f"The gate refuses: a version without evidence lacks {count} requirements.", says=says
    )


def _said(says: JsonObject, config: str | None) -> Iterator[str]:
    """What a gate says of itself, in lines."""
    if not says:
        return
    yield f"qaqpa {says.get('qaqpa')}, {says.get('engine')}"
    yield f"policies {says.get('policy') or 'none'}{_compared(str(says.get('policy')), config)}"
    yield f"configuration {says.get('configuration')}"
    version, problem = says.get("parties"), says.get("parties_problem")
    if problem:
        yield f"parties: NOT IN FORCE [{problem}]"
    else:
        yield f"parties: version {version}" if version else "WARNING: no parties file: nothing can reach production"
    yield "decisions are kept" if says.get("kept") else "WARNING: decisions are not kept"
    yield (
        "files in production are frozen"
        if says.get("frozen")
        else "WARNING: files in production are not frozen: they can be changed after the approval"
    )


def _compared(digest: str, config: str | None) -> str:
    try:
        here = load_bundle(load_config(config).policy).policy_digest
    except QaqpaError:
        return ""
    return " (the same as here)" if here == digest else f" (here: {here})"


def _text(reply: Reply) -> str:
    return reply.body[:100].decode("ascii", "replace").strip()
