# SPDX-License-Identifier: Apache-2.0
"""Verdicts of the shipped policies on the evidence of `support.statements`, signed by a gate, and altered at will."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from qaqpa.config import Config
from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.envelope import IN_TOTO, sign
from qaqpa.evidence.keys import PublicKey, SigningKey
from qaqpa.gate import decide
from qaqpa.model import Request
from qaqpa.policy.engine import Engine
from qaqpa.record.attest import DSSE_FILE, signed_files
from qaqpa.record.requirements import Requirements
from qaqpa.record.summary import EXPIRES
from qaqpa.record.verdict import Judgement, verdict_statement
from support.contents import MODEL
from support.keyring import signing_key
from support.statements import everything, request

PROFILE = "article-baseline"
GATE = signing_key("gate", 1)
"""The gate's key, ECDSA P-256."""

Change = Callable[[dict[str, Any]], object]
"""Changes a statement in place."""


def judged(
    engine: Engine,
    pieces: Iterable[Carried] | None = None,
    *,
    config: Config | None = None,
    asked: Request | None = None,
    **more: Any,
) -> Judgement:
    """A decision about pieces of evidence, by default about those that pass everything in production."""
    found = asked or request(everything() if pieces is None else pieces, **more)
    return Judgement(decide(found, engine), found, config or Config(), engine)


def statement(judgement: Judgement) -> dict[str, Any]:
    """The statement that a gate would sign."""
    found: dict[str, Any] = json.loads(verdict_statement(judgement))
    return found


def predicate(judgement: Judgement) -> dict[str, Any]:
    """The predicate of that statement."""
    found: dict[str, Any] = statement(judgement)["predicate"]
    return found


def moved(found: dict[str, Any], digest: str, now: datetime, ends: datetime) -> dict[str, Any]:
    """The same verdict about other bytes, at another time."""
    other = copy.deepcopy(found)
    other["subject"][0]["digest"] = {"dirHash": digest, "sha256": digest}
    other["predicate"]["timeVerified"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    if EXPIRES in other["predicate"]:
        other["predicate"][EXPIRES] = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    return other


def changed(found: dict[str, Any], change: Change) -> dict[str, Any]:
    """A copy of a statement, changed."""
    other = copy.deepcopy(found)
    change(other)
    return other


def envelope(found: dict[str, Any] | bytes, *keys: SigningKey, payload_type: str = IN_TOTO) -> str:
    """A statement in an envelope that keys signed; the gate's where none is named."""
    payload = found if isinstance(found, bytes) else json.dumps(found).encode()
    return sign(payload, payload_type, keys or [GATE])


def write(directory: Path, found: dict[str, Any], key: SigningKey = GATE, form: str = DSSE_FILE) -> Path:
    """Writes a signed verdict in one form."""
    path = directory / form
    path.write_text(signed_files(json.dumps(found).encode(), key)[form], encoding="utf-8")
    return path


def requirements(*, keys: Sequence[PublicKey] = (), **changes: Any) -> Requirements:
    """What the verdict of `judged` meets."""
    return Requirements(keys=tuple(keys) or (GATE.public_key,), **{"profiles": (PROFILE,), "model": MODEL, **changes})
