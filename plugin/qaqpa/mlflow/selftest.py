# SPDX-License-Identifier: Apache-2.0
"""The test at start: a server whose gate cannot refuse does not start."""

from __future__ import annotations

import hashlib

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_STATE

from qaqpa.config import Config, load_config
from qaqpa.errors import QaqpaError
from qaqpa.escape import visible
from qaqpa.gate import open_engine, validate_config
from qaqpa.mlflow.denial import log
from qaqpa.mlflow.judge import Gatekeeper
from qaqpa.mlflow.offered import offered
from qaqpa.mlflow.subject import Candidate
from qaqpa.mlflow.workspaces import check_guarded
from qaqpa.mlflow.writes import KNOWN, unclassified
from qaqpa.model import Subject, Verdict
from qaqpa.policy.engine import Engine
from qaqpa.record.log.errors import LogError

CANARY = Subject(
    name="qaqpa-canary", version="1", digest=hashlib.sha256(b"no model has these bytes").hexdigest(), created_ms=0
)
"""A version without any evidence, which every gate must refuse."""

_UNTRUSTED = (
    "the parties file cannot be used, so every promotion is refused and all signed evidence is kept, until it can. "
    "Archiving a version and taking an alias away work."
)
_NO_PARTIES = (
    "no parties file is configured, so nobody's signature counts, nothing can pass a gate of the stage production, and "
    "evidence can be overwritten and deleted."
)


def tested_gatekeeper() -> Gatekeeper:
    """A gatekeeper whose configuration is valid and whose engine refuses the canary.

    Raises:
        MlflowException: one line that says what is wrong.
    """
    check_writes()
    try:
        check_guarded()
        config = load_config()
        engine = open_engine(config)
        validate_config(config, engine.catalog)
    except QaqpaError as error:
        raise _not_started(str(error)) from None
    except Exception as error:
        raise _not_started(f"{type(error).__name__}: {error}") from error
    gatekeeper = try_gatekeeper(config, engine)
    gatekeeper.start()
    return gatekeeper


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


def try_gatekeeper(config: Config, engine: Engine) -> Gatekeeper:
    """Asks every configured gate about the canary.

    An engine that gives no answer, such as an OPA server that starts later, is logged: it refuses too. So are a parties
    file and a decision log that cannot be used: the server must start, or nothing could be taken out of production.

    Raises:
        MlflowException: a gate allows the canary, or the decision log's key cannot be used.
    """
    try:
        gatekeeper = Gatekeeper(config, engine)
    except QaqpaError as error:
        raise _not_started(str(error)) from None
    _, untrusted = gatekeeper.trusted()
    for problem in untrusted:
        log.error("qaqpa: %s %s", _UNTRUSTED, visible(f"{problem.code}: {problem.detail}", 2000))
    if config.parties is None:
        log.warning("qaqpa: %s", _NO_PARTIES)
    for gate in config.gates:
        try:
            decision = gatekeeper.decide(gate, Candidate(CANARY, ()))
        except LogError as error:
            log.warning("qaqpa: no decision can be made now, all is refused: %s", visible(error, 2000))
            continue
        except Exception as error:
            raise _not_started(f"the test decision failed ({type(error).__name__}: {error})") from error
        if decision.verdict is Verdict.ALLOW:
            profiles = ", ".join(gate.profiles)
            raise _not_started(f"the gate {gate.label} with {profiles} allows a model that has no evidence at all")
        if decision.verdict is Verdict.UNDECIDED:
            details = " ".join(str(problem["detail"]) for problem in decision.problems)
            log.warning("qaqpa: no decision can be made now, all is refused: %s", visible(details, 2000))
    return gatekeeper


def _not_started(reason: str) -> MlflowException:
    message = f"Qaqpa does not let this server start: {reason.rstrip('.')}. Without the gate nothing would be guarded."
    return MlflowException(visible(message, 4000), error_code=INVALID_STATE)
