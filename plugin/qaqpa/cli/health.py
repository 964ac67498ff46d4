# SPDX-License-Identifier: Apache-2.0
"""`qaqpa doctor --server URL`: whether the gate of a server that runs refuses, asked from outside.

It asks for an alias of a registered model that does not exist, under a name that the gate keeps for this question.
Nothing can be written by it, on no server. An account that may set no alias there asks by reading. A server whose
plugin is missing answers as any MLflow would, and that is told apart from a gate that is closed, and from a login that
lets nobody ask.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich.text import Text

from qaqpa.cli.answers import DONE, Health, gate_of, is_missing, is_no_permission, judged, not_let_in
from qaqpa.cli.asking import Reply, Server
from qaqpa.cli.common import console
from qaqpa.cli.workers import Seen, ask_workers, question
from qaqpa.config import CANARY_NAME, load_config
from qaqpa.errors import ExitCode, QaqpaError
from qaqpa.escape import visible
from qaqpa.policy.bundle import load_bundle

_ALIAS = "/api/2.0/mlflow/registered-models/alias"
_VERSION = re.compile(r"\d+\.\d+[0-9A-Za-z.+-]{0,40}", re.ASCII)
_BY_READING = (
    "asked by reading, for this account may set no alias of a model that does not exist: the gate decides as for "
    "everybody, and records nothing"
)


@dataclass(frozen=True)
class _Found:
    """All that was found: MLflow's version, how it was asked, what that means, and who answered."""

    health: Health
    version: str = ""
    by_reading: bool = False
    seen: Seen | None = None


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
    found = _found(server, alias)
    health = found.health
    out.print(f"server {visible(server.url)}", soft_wrap=True, markup=False, highlight=False)
    for line in _lines(found, config):
        out.print(Text(visible(line, 2000)), soft_wrap=True)
    style = {ExitCode.ALLOWED: "green", ExitCode.DENIED: "bold red"}.get(health.code, "bold yellow")
    out.print(Text(visible(health.found, 2000), style=style), soft_wrap=True)
    return int(health.code)


def _found(server: Server, alias: str) -> _Found:
    try:
        version = server.ask("/version")
        why = not_let_in(version, is_known=server.is_known)
        if why is None and not (version.status == DONE and _VERSION.fullmatch(_text(version))):
            why = f"this does not answer as MLflow does (/version: {version.status})."
        if why:
            return _Found(Health(ExitCode.UNDECIDED, f"CANNOT BE TOLD: {why}"))
        reply, by_reading = _asked(server, alias)
    except QaqpaError as error:
        return _Found(Health(ExitCode.UNDECIDED, f"CANNOT BE TOLD: {error}"))
    health = judged(reply, alias, is_known=server.is_known)
    if not health.says:
        return _Found(health, _text(version), by_reading)
    seen = ask_workers(server, health.says)
    return _Found(_of_all(health, seen), _text(version), by_reading, seen)


def _asked(server: Server, alias: str) -> tuple[Reply, bool]:
    """The answer to the question, and whether it was asked by reading, because the login lets nothing else through."""
    name = f"{CANARY_NAME}{secrets.token_hex(8)}"
    reply = server.ask(_ALIAS, {"name": name, "alias": alias, "version": "1"})
    if not is_no_permission(reply):
        return reply, False
    reading = server.ask(question(alias))
    return (reading, True) if gate_of(reading) or is_missing(reading) else (reply, False)


def _of_all(health: Health, seen: Seen) -> Health:
    """The same for all workers: one that cannot decide as configured, or decides by other rules, is no health."""
    if health.code is not ExitCode.ALLOWED:
        return health
    for name, trouble in seen.troubles():
        return replace(health, code=ExitCode.UNDECIDED, found=f"In worker {name}: {trouble}")
    if seen.disagreement:
        found = f"WORKERS DIFFER: {seen.disagreement}. After a change that passes; else see their logs."
        return replace(health, code=ExitCode.UNDECIDED, found=found)
    return health


def _lines(found: _Found, config: str | None) -> Iterator[str]:
    """What a server, and its gate, say of themselves."""
    if found.version:
        yield f"MLflow {found.version}"
    says = found.health.says
    if not says:
        return
    yield f"qaqpa {says.get('qaqpa')}, {says.get('engine')}"
    if found.seen:
        yield from found.seen.lines()
    yield f"policies {says.get('policy') or 'none'}{_compared(str(says.get('policy')), config)}"
    yield f"configuration {says.get('configuration')}"
    version, problem = says.get("parties"), says.get("parties_problem")
    if problem:
        yield f"parties: NOT IN FORCE [{problem}]"
    else:
        yield f"parties: version {version}" if version else "WARNING: no parties file: nothing can reach production"
    yield _keeping(found)
    yield (
        "files in production are frozen"
        if says.get("frozen")
        else "WARNING: files in production are not frozen: they can be changed after the approval"
    )
    if found.by_reading:
        yield _BY_READING


def _keeping(found: _Found) -> str:
    """Whether this very decision was kept, as far as the answer tells."""
    health = found.health
    if not health.says.get("kept"):
        return "WARNING: decisions are not kept"
    if health.is_lost:
        return "decisions are NOT KEPT now: the decision log cannot be used; the server's log says why"
    if health.row is None:
        return "a decision log is configured; this question left no row in it"
    return f"decisions are kept: this one is row {health.row}"


def _compared(digest: str, config: str | None) -> str:
    try:
        here = load_bundle(load_config(config).policy).policy_digest
    except QaqpaError:
        return ""
    return " (the same as here)" if here == digest else f" (here: {here})"


def _text(reply: Reply) -> str:
    return reply.body[:100].decode("ascii", "replace").strip()
