# SPDX-License-Identifier: Apache-2.0
"""The people of the made-up bank: keys that are made on the spot, and the parties file that says who may sign what."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from qaqpa import times
from qaqpa.evidence.envelope import sign
from qaqpa.evidence.keys import FileKey, new_key, openssh, write_key
from qaqpa.evidence.kinds import NO_EVIDENCE, SYSTEM, kinds
from qaqpa.evidence.trust import PARTIES_TYPE

AUDITOR, OWNER, RISK_OWNER, TRAINER = "auditor", "model-owner", "risk-owner", "ml-engineer"
"""Those whom the story names."""

APPROVERS = ("head-of-retail", "head-of-compliance")
"""Who approves a release: for the business, and for compliance."""

_BY_ACTOR: Mapping[str, Sequence[str]] = {
    "approver": APPROVERS,
    "auditor": [AUDITOR],
    "commission_chair": [
        "made-up-sociologist",
        "made-up-philosopher",
        "made-up-political-scientist",
        "made-up-psychologist",
        "made-up-lawyer",
        "made-up-lender",
    ],
    "dpo": ["dpo"],
    "lawyer": ["lawyer"],
    "ml_engineer": [TRAINER],
    "model_owner": [OWNER],
    "oversight_lead": ["oversight-lead"],
    "risk_owner": [RISK_OWNER],
    "security_officer": ["security-officer"],
}

SIGNERS: Mapping[str, Sequence[str]] = {
    name: _BY_ACTOR[own.actor] for name, own in kinds().items() if name not in NO_EVIDENCE - {SYSTEM}
}
"""Who signs which kind of evidence. Nobody here asks for an exception."""

_ROOTS = ("root-1", "root-2")
_LIFE = timedelta(days=30)
_SSH_KEYGEN_SECONDS = 10


@dataclass(frozen=True)
class _Member:
    """A person: unit, roles and disciplines."""

    unit: str
    roles: tuple[str, ...]
    disciplines: tuple[str, ...] = ()


_MEMBERS: Mapping[str, _Member] = {
    TRAINER: _Member("model-team", ("ml_engineer",)),
    # An auditor too, and still never of the own model.
    OWNER: _Member("model-team", ("model_owner", "auditor")),
    AUDITOR: _Member("audit-office", ("auditor",)),
    RISK_OWNER: _Member("risk", ("risk_owner",)),
    "dpo": _Member("legal", ("dpo",)),
    "oversight-lead": _Member("operations", ("oversight_lead",)),
    "security-officer": _Member("security", ("security_officer",)),
    "lawyer": _Member("legal", ("lawyer",)),
    "head-of-retail": _Member("retail", ("approver",)),
    "head-of-compliance": _Member("compliance", ("approver", "compliance_officer")),
    "head-of-lending": _Member("lending", ("deployer",)),
    "made-up-sociologist": _Member("made-up-institute", ("commission_chair",), ("sociology",)),
    "made-up-philosopher": _Member("made-up-institute", ("commission_member",), ("philosophy", "cultural_studies")),
    "made-up-political-scientist": _Member("made-up-university", ("commission_member",), ("political_science",)),
    "made-up-psychologist": _Member("made-up-university", ("commission_member",), ("psychology",)),
    "made-up-lawyer": _Member("made-up-bar", ("commission_member",), ("law",)),
    "made-up-lender": _Member("lending", ("commission_member",), ("domain_specialist",)),
}

_EVERYBODY = ("trainer", "owner", "deployer")
_RULES: Mapping[str, dict[str, Any]] = {
    **{name: {"roles": [kinds()[name].actor]} for name in SIGNERS},
    "audit": {"roles": ["auditor"], "independent_of": list(_EVERYBODY), "other_unit": True},
    "commission": {"roles": ["commission_chair", "commission_member"], "threshold": 3},
    "release_approval": {
        "roles": ["approver"],
        "threshold": len(APPROVERS),
        "independent_of": list(_EVERYBODY),
        "other_unit": True,
        "max_age_days": 30,
    },
    "system": {"roles": ["risk_owner"], "independent_of": ["trainer"], "other_unit": True},
}
"""Whose signature counts, by kind: whoever answers for it, where nothing else is said."""


class People:
    """Everybody's keys. Here one program holds them all; in a bank each person keeps the own one."""

    def __init__(self, directory: Path) -> None:
        """Makes the keys, and a parties file that the root keys signed.

        Args:
            directory: an existing directory; `keys` and the parties file go there.
        """
        self._keys = {name: FileKey(new_key("ed25519")) for name in (*_MEMBERS, *_ROOTS)}
        self._directory = directory / "keys"
        self._directory.mkdir(mode=0o700)
        for name, key in self._keys.items():
            write_key(self._directory / name, key.private, None, name)
        payload = yaml.safe_dump(self._parties(times.now()), sort_keys=False, width=1000).encode()
        (directory / "parties.yaml").write_bytes(payload)
        signed = sign(payload, PARTIES_TYPE, [self._keys[root] for root in _ROOTS])
        (directory / "parties.signed.json").write_text(signed, encoding="utf-8")

    def __len__(self) -> int:
        """How many persons there are."""
        return len(_MEMBERS)

    @property
    def units(self) -> int:
        """Of how many units they are."""
        return len({member.unit for member in _MEMBERS.values()})

    @property
    def configuration(self) -> str:
        """The text of a `qaqpa.yaml` beside the parties file: it trusts the root keys, and nobody else."""
        parties = {
            "file": "parties.signed.json",
            "roots": [self._keys[root].key_id for root in _ROOTS],
            "threshold": len(_ROOTS),
            "state": "state",
        }
        text: str = yaml.safe_dump({"version": 1, "parties": parties}, sort_keys=False)
        return text

    def keys(self, names: Sequence[str]) -> list[FileKey]:
        """The private keys of some persons."""
        return [self._keys[name] for name in names]

    def key_id(self, name: str) -> str:
        """The id of a person's key."""
        return self._keys[name].key_id

    def key_file(self, name: str) -> Path:
        """The file of a person's private key; the public one is beside it, with `.pub` behind its name."""
        return self._directory / name

    def _parties(self, now: datetime) -> dict[str, Any]:
        return {
            "version": 1,
            "expires": times.render(now + _LIFE),
            "root_keys": [openssh(self._keys[root].public_key, root) for root in _ROOTS],
            "parties": [self._person(name, member, now) for name, member in _MEMBERS.items()],
            "rules": {name: {"max_age_days": 180, **rule} for name, rule in _RULES.items()},
        }

    def _person(self, name: str, member: _Member, now: datetime) -> dict[str, Any]:
        key = {
            "ssh": openssh(self._keys[name].public_key, name),
            "valid_from": times.render(now),
            "valid_until": times.render(now + _LIFE),
        }
        return {
            "id": name,
            "unit": member.unit,
            "roles": list(member.roles),
            "disciplines": list(member.disciplines),
            "keys": [key],
        }


def openssh_says(public_file: Path) -> str | None:
    """What `ssh-keygen -l` prints of a public key; None where OpenSSH is not installed, or does not answer."""
    program = shutil.which("ssh-keygen")
    if program is None:
        return None
    command = [program, "-l", "-f", str(public_file)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SSH_KEYGEN_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (done.stdout or done.stderr).strip()
