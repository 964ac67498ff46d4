# SPDX-License-Identifier: Apache-2.0
"""Whom the example `medical-diagnosis` trusts, and the waiver that its risk owner signed.

The keys are made from words that stand here, so that the files are the same each time: anybody can sign with them, and
nobody may ever trust them outside this example.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from datetime import datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from drafts import DAY
from qaqpa import times
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.envelope import IN_TOTO, sign
from qaqpa.evidence.keys import FileKey, openssh
from qaqpa.evidence.kinds import WAIVER, kind
from qaqpa.evidence.statement import context_digest, make_statement
from qaqpa.evidence.trust import PARTIES_TYPE
from qaqpa.model import Stage

ROOT, RISK_OWNER, REQUESTER = "root", "risk-owner", "ml-engineer"

_NOW = datetime.combine(DAY, time(), timezone.utc)
_ISSUED, _LASTS = _NOW - timedelta(days=3), timedelta(days=28)
_MODEL = "model/"
_CONTENT = {
    "kind": WAIVER,
    "controls": ["NDQ-02"],
    "category": "waiver",
    "reason": "The data record nothing about the persons, so no groups can be compared. The hospital records age, sex "
    "and residence of its own patients from now on and makes the test before this ends. Made up.",
    "compensating": ["A pathologist looks at every sample.", "Answers that were set aside are counted every week."],
    "ticket": "MADE-UP-7",
    "requested_by": REQUESTER,
}
_CONFIGURATION = """\
# Whom the example trusts. The keys are made from words that stand in tools/examples/waived.py: anybody can sign with
# them, so trust them nowhere else.
version: 1
parties:
  file: parties.signed.json
  roots: ['{root}']
  threshold: 1
  state: none
"""


def trusted() -> dict[str, bytes]:
    """The configuration and the parties file, by path beside the variants."""
    root = _key(ROOT)
    parties = yaml.safe_dump(_parties(), sort_keys=False, width=1000).encode()
    return {
        "trust/qaqpa.yaml": _CONFIGURATION.format(root=root.key_id).encode(),
        "trust/parties.yaml": parties,
        "trust/parties.signed.json": _text(sign(parties, PARTIES_TYPE, [root])),
    }


def waiver(files: Mapping[str, bytes], context: dict[str, Any]) -> bytes:
    """The signed waiver for the model among these files of a variant, in a system with this context.

    Raises:
        DigestError: there is no model.
    """
    payload = make_statement(
        kind(WAIVER),
        _CONTENT,
        registered_model=context["models"][0]["name"],
        model_digest=_digest(files),
        context_digest=context_digest(context),
        issued_at=_ISSUED,
        expires_at=_ISSUED + _LASTS,
        stage=Stage.REVIEW,
    )
    return _text(sign(payload, IN_TOTO, [_key(RISK_OWNER)]))


def _digest(files: Mapping[str, bytes]) -> str:
    with tempfile.TemporaryDirectory() as directory:
        for path, data in files.items():
            if path.startswith(_MODEL):
                (Path(directory) / path.removeprefix(_MODEL)).write_bytes(data)
        return dir_hash(directory)


def _parties() -> dict[str, Any]:
    key = {
        "ssh": openssh(_key(RISK_OWNER).public_key),
        "valid_from": times.render(_NOW - timedelta(days=60)),
        "valid_until": times.render(_NOW + timedelta(days=300)),
    }
    return {
        "version": 1,
        "expires": times.render(_NOW + timedelta(days=80)),
        "root_keys": [openssh(_key(ROOT).public_key)],
        "parties": [
            {"id": RISK_OWNER, "unit": "risk", "roles": ["risk_owner"], "keys": [key]},
            {"id": REQUESTER, "unit": "model-team", "roles": ["ml_engineer"]},
            {"id": "model-owner", "unit": "model-team", "roles": ["model_owner"]},
            {"id": "head-of-operations", "unit": "laboratory", "roles": ["deployer"]},
        ],
        "rules": {
            WAIVER: {
                "roles": ["risk_owner"],
                "max_age_days": 30,
                "independent_of": ["trainer", "owner"],
                "other_unit": True,
            }
        },
    }


def _key(name: str) -> FileKey:
    seed = hashlib.sha256(f"qaqpa example, trust nobody: {name}".encode()).digest()
    return FileKey(Ed25519PrivateKey.from_private_bytes(seed))


def _text(envelope: str) -> bytes:
    return json.dumps(json.loads(envelope), indent=1).encode() + b"\n"
