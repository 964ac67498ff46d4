# SPDX-License-Identifier: Apache-2.0
"""The test at start: a server whose gate cannot do its work does not start.

A server is started by one process, which tests everything before there are workers. A worker that finds something
broken later comes up closed instead, for in it models must be taken out; so does a server that is told to start closed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import NoReturn

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_STATE

from qaqpa import times
from qaqpa.config import Config, load_config
from qaqpa.errors import QaqpaError
from qaqpa.escape import visible
from qaqpa.evidence.trust import TrustError
from qaqpa.gate import open_engine, open_trust
from qaqpa.mlflow import events, exposing, metrics
from qaqpa.mlflow.artifact_stores import guard_late
from qaqpa.mlflow.canary import CANARY
from qaqpa.mlflow.closed import CLOSED, START, closed, is_asked_for
from qaqpa.mlflow.denial import log
from qaqpa.mlflow.in_force import InForce, Loaded
from qaqpa.mlflow.judge import Gatekeeper
from qaqpa.mlflow.offered import offered
from qaqpa.mlflow.sources import configuration_file, current
from qaqpa.mlflow.subject import Candidate
from qaqpa.mlflow.worker import note_count, server_command, this_worker
from qaqpa.mlflow.workspaces import check_guarded
from qaqpa.mlflow.writes import KNOWN, unclassified
from qaqpa.model import Verdict
from qaqpa.policy.configured import validate_config
from qaqpa.policy.engine import Engine
from qaqpa.record.log.errors import LogError

STARTED = "QAQPA_STARTED"
"""The variable in which a process that tested everything leaves its number for those that it starts. It only closes."""

_UNTRUSTED = (
    "the parties file cannot be used, so every promotion is refused and all signed evidence is kept, until it can. "
    "Archiving a version and taking an alias away work."
)
_NO_PARTIES = (
    "no parties file is configured, so nobody's signature counts, nothing can pass a gate of the stage production, and "
    "evidence can be overwritten and deleted."
)
_UNDECIDED = "no decision can be made now, all is refused:"
_CLOSED = (
    "qaqpa: THE GATE IS CLOSED in worker %s: %s. Every promotion is refused; archiving a version and taking an alias "
    "away work."
)
_CHANGING = "Configuration or policies are being changed at this moment"

_building = threading.Lock()
_of_this_process: dict[tuple[str, str], InForce] = {}


class UnusableError(QaqpaError):
    """Something that a gate needs cannot be used now."""


def of_this_process() -> InForce:
    """What judges in this process, for the registry and for the artifact store: made and tested once.

    Raises:
        MlflowException: one line that says what is wrong.
    """
    key = (str(configuration_file().absolute()), os.environ.get(START, ""))
    with _building:
        if key not in _of_this_process:
            _of_this_process[key] = started()
        return _of_this_process[key]


def started() -> InForce:
    """A gate whose configuration is valid and whose engine refuses the canary; in a worker closed where it is not.

    Raises:
        MlflowException: one line that says what is wrong.
    """
    check_writes()
    guard_late()
    # Not changed before the end: a process that failed to start did not test anything.
    is_worker = os.environ.get(STARTED, str(os.getpid())) != str(os.getpid())
    try:
        check_guarded()
        in_force = _closed_as_asked() if is_asked_for() else _tested(is_worker=is_worker)
        if in_force.latest.config.metrics and not is_worker:
            exposing.serve(in_force.latest.config.metrics)
    except QaqpaError as error:
        raise _not_started(str(error)) from None
    except Exception as error:
        raise _not_started(f"{type(error).__name__}: {error}") from error
    metrics.enable()
    metrics.in_force(in_force.latest.facts)
    if not is_worker:
        note_count()
    os.environ.setdefault(STARTED, str(os.getpid()))
    return in_force


def _tested(*, is_worker: bool) -> InForce:
    try:
        loaded = load(is_strict=not is_worker)
    except Exception as error:
        if not is_worker:
            raise
        reason = visible(str(error) or type(error).__name__, 2000)
        log.error(_CLOSED, this_worker(), reason.rstrip("."), extra={"qaqpa": {"event": "closed", "reason": reason}})
        keeper = closed(_readable_config())
        keeper.start()
        return InForce(keeper, None, load)
    lost = loaded.gatekeeper.start()
    if lost and not is_worker:
        raise lost
    return InForce(loaded.gatekeeper, loaded.stamp, load)


def _closed_as_asked() -> InForce:
    """Refuses everything until another start, however sound everything is."""
    config = _readable_config()
    events.set_up(config.logging if config else os.environ.get("QAQPA_LOG_FORMAT", events.TEXT))
    reason = f"{START}={CLOSED}"
    log.error(_CLOSED, this_worker(), reason, extra={"qaqpa": {"event": "closed", "reason": reason}})
    keeper = closed(config)
    keeper.start()
    return InForce(keeper)


def _readable_config() -> Config | None:
    try:
        return load_config()
    except QaqpaError as error:
        log.error("qaqpa: the configuration cannot be used, so everything is gated: %s", visible(error, 2000))
        return None


def load(before: Gatekeeper | None = None, *, is_strict: bool = True) -> Loaded:
    """Builds a gatekeeper from the configuration, and tests it.

    Args:
        before: whose place it takes.
        is_strict: false where a log, parties or an OPA server that cannot be used now are only logged: all is refused.

    Raises:
        QaqpaError: what cannot be used, where it is, and how to mend it.
    """
    file = current(Config())
    config = load_config()
    stamp = current(config)
    if stamp[: len(file)] != file:
        raise UnusableError(_CHANGING)
    events.set_up(config.logging)
    if config.metrics:
        metrics.need_client()
    if before and not before.is_closed:
        _check_replaces(config, before.config)
    engine = open_engine(config)
    validate_config(config, engine.catalog)
    gatekeeper = try_gatekeeper(config, engine, before, is_strict=is_strict)
    if current(config) != stamp:
        raise UnusableError(_CHANGING)
    return Loaded(gatekeeper, stamp)


def _check_replaces(config: Config, before: Config) -> None:
    """Refuses what a server that runs does not change: it would leave its own record behind."""
    if before.path and not config.path:
        raise UnusableError("The configuration file is gone", where=str(before.path))
    if config.log != before.log:
        raise UnusableError("Another decision log takes a restart", where=f"{config.path}: log")
    for name in ("logging", "metrics"):
        if getattr(config, name) != getattr(before, name):
            log.warning("qaqpa: %s was changed, and takes a restart: until then it stays as it was", name)


def check_writes() -> None:
    """Refuses an MLflow that can write in ways that nobody has looked at: one of them could walk around the gate.

    Raises:
        MlflowException: one line that names them.
    """
    try:
        unknown = unclassified(offered())
    except Exception as error:
        raise _not_started(f"it cannot tell how this MLflow writes ({type(error).__name__}: {error})") from error
    if unknown:
        raise _not_started(
            f"MLflow {mlflow.__version__} can write in ways that this version of Qaqpa does not know "
            f"({', '.join(unknown)}). Install a newer Qaqpa, or MLflow {KNOWN[0]} to {KNOWN[-1]}"
        )


def try_gatekeeper(
    config: Config, engine: Engine, before: Gatekeeper | None = None, *, is_strict: bool = False
) -> Gatekeeper:
    """Asks every configured gate about the canary.

    Args:
        config: the configuration, which is valid.
        engine: who evaluates the policies.
        before: the gatekeeper whose place it takes.
        is_strict: see `load`.

    Raises:
        QaqpaError: a gate allows the canary, the decision log's key cannot be used, or what `is_strict` asks for.
    """
    gatekeeper = Gatekeeper(config, engine, before)
    if config.parties is None:
        log.warning("qaqpa: %s", _NO_PARTIES)
    for found, said in _lacking(gatekeeper, config):
        if is_strict:
            raise found
        log.error("qaqpa: %s %s", said, visible(found, 2000))
    return gatekeeper


def _lacking(gatekeeper: Gatekeeper, config: Config) -> Iterator[tuple[QaqpaError, str]]:
    """What keeps it from deciding now, and what to say of that where it starts nevertheless."""
    trust = open_trust(config)
    try:
        if trust:
            trust.parties(times.now())
    except TrustError as error:
        yield UnusableError(f"{error.found} [{error.code}]", where=error.where, mend=error.mend), _UNTRUSTED
        return
    for gate in config.gates:
        try:
            decision = gatekeeper.decide(gate, Candidate(CANARY, ()))
        except LogError as error:
            yield error, _UNDECIDED
            return
        if decision.verdict is Verdict.ALLOW:
            profiles = ", ".join(gate.profiles)
            raise UnusableError(f"The gate {gate.label} with {profiles} allows a model that has no evidence at all")
        if decision.verdict is Verdict.UNDECIDED:
            details = " ".join(str(problem["detail"]) for problem in decision.problems)
            yield UnusableError(f"No decision can be made: {details}"), _UNDECIDED
            return


def ended(error: MlflowException) -> NoReturn:
    """Ends the command `mlflow server` with one line and exit code 1; in any other process raises the error.

    MLflow would print where in the code it was raised, which helps nobody to mend what is configured. Of what nobody
    foresaw that is logged first.

    Raises:
        MlflowException: this is another process.
        SystemExit: this is the command.
    """
    if server_command() is None:
        raise error
    events.set_up(os.environ.get("QAQPA_LOG_FORMAT", events.TEXT))
    if error.__cause__ is not None:
        log.error("qaqpa: the gate failed at its start", exc_info=error.__cause__)
    log.error("qaqpa: NOT STARTED: %s", error.message, extra={"qaqpa": {"event": "not_started"}})
    raise SystemExit(1) from None


def _not_started(reason: str) -> MlflowException:
    message = (
        f"Qaqpa does not let this server start: {reason.rstrip('.')}. Without the gate nothing would be guarded. "
        f"To take models out of production meanwhile, start it with {START}={CLOSED}."
    )
    return MlflowException(visible(message, 4000), error_code=INVALID_STATE)
