# SPDX-License-Identifier: Apache-2.0
"""An organisation for tests: persons with real keys, the rules by which they sign, and root keys that say so.

The keys are made once per process. Everybody's id is also the login at the MLflow server.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from qaqpa import times
from qaqpa.config import PartiesSource
from qaqpa.evidence.envelope import sign
from qaqpa.evidence.keys import FileKey, SigningKey, new_key, openssh, write_key
from qaqpa.evidence.kinds import WITHDRAWAL, kinds
from qaqpa.evidence.trust import PARTIES_TYPE

ROOTS = ("root1", "root2", "root3")
"""The root keys, as `signing_key` knows them."""

_PERSONS: dict[str, tuple[str, list[str], list[str]]] = {
    "trainer": ("lab", ["ml_engineer"], []),
    "owner": ("lab", ["model_owner"], []),
    "peer": ("lab", ["auditor"], []),
    "auditor": ("audit", ["auditor"], ["fairness", "security"]),
    "auditor2": ("audit2", ["auditor"], []),
    "dpo": ("legal", ["dpo"], []),
    "risk": ("risk", ["risk_owner"], []),
    "risk2": ("board", ["risk_owner"], []),
    "oversight": ("operations", ["oversight_lead"], []),
    "chair": ("university", ["commission_chair"], ["law"]),
    **{
        f"member-{discipline}": (f"university-{discipline}", ["commission_member"], [discipline])
        for discipline in ("philosophy", "sociology", "political_science", "cultural_studies", "psychology", "arts")
    },
    "deployer": ("platform", ["deployer"], []),
    "approver": ("retail", ["approver"], []),
    "compliance": ("compliance", ["approver"], []),
    "incident1": ("response", ["incident"], []),
    "incident2": ("on-call", ["incident"], []),
    "lawyer": ("legal", ["lawyer"], []),
    "security": ("security", ["security_officer"], []),
    "junior": ("audit", ["ml_engineer"], []),
}

_INDEPENDENT = {"independent_of": ["trainer", "owner", "deployer"], "other_unit": True}

_RULES: dict[str, dict[str, Any]] = {
    "audit": {"roles": ["auditor"], **_INDEPENDENT},
    "bias": {"roles": ["ml_engineer"]},
    "classification": {"roles": ["risk_owner"]},
    "commission": {"roles": ["commission_chair", "commission_member"]},
    "decision_flow": {"roles": ["model_owner"]},
    "ethics_assessment": {"roles": ["auditor"], **_INDEPENDENT},
    "explanation": {"roles": ["ml_engineer"]},
    "legal_basis": {"roles": ["dpo"]},
    "model_card": {"roles": ["ml_engineer"]},
    "oversight": {"roles": ["oversight_lead"]},
    "responsibility": {"roles": ["model_owner"]},
    "system": {"roles": ["risk_owner"]},
    "waiver": {"roles": ["risk_owner"]},
}
# Whoever answers for a kind may sign it, where nothing else is said.
_RULES |= {name: {"roles": [own.actor]} for name, own in kinds().items() if name not in _RULES and name != WITHDRAWAL}


def signing_key(person_id: str, number: int = 0) -> SigningKey:
    """A private key of a person, or of a root. The parties file lists number 0 only; odd numbers are P-256."""
    return _made(person_id, number)


@lru_cache(maxsize=256)
def _made(person_id: str, number: int) -> FileKey:
    del person_id
    return FileKey(new_key("p256" if number % 2 else "ed25519"))


def public_line(person_id: str, number: int = 0) -> str:
    """A public key as one line of OpenSSH."""
    return openssh(signing_key(person_id, number).public_key, person_id)


def private_key_file(directory: Path, person_id: str, number: int = 0) -> Path:
    """Writes a private key without a passphrase, `<id>` or `<id>-<number>`, unless it is there, and its `.pub`."""
    path = directory / (f"{person_id}-{number}" if number else person_id)
    if not path.exists():
        write_key(path, _made(person_id, number).private, None, person_id)
    return path


def key_entry(now: datetime, person_id: str, number: int = 0, **changes: Any) -> dict[str, Any]:
    """The entry of a key, valid a year before and after `now`; changes replace fields."""
    return {
        "ssh": public_line(person_id, number),
        "valid_from": times.render(now - timedelta(days=365)),
        "valid_until": times.render(now + timedelta(days=365)),
        **changes,
    }


def organisation(now: datetime, **changes: Any) -> dict[str, Any]:
    """The parties file as a value of one's own, to be changed at will. A change to None leaves a field out."""
    persons = [
        {
            "id": person_id,
            "unit": unit,
            "roles": list(roles),
            "disciplines": list(disciplines),
            "keys": [key_entry(now, person_id)],
            "identities": [{"type": "mlflow", "name": person_id}],
        }
        for person_id, (unit, roles, disciplines) in _PERSONS.items()
    ]
    ci = {
        "id": "ci",
        "unit": "platform",
        "identities": [{"type": "mlflow", "name": "ci"}],
        "operators": ["deployer"],
    }
    full = {
        "version": 1,
        "expires": times.render(now + timedelta(days=60)),
        "root_keys": [public_line(root) for root in ROOTS],
        "parties": persons,
        "services": [ci],
        "rules": {name: {**deepcopy(rule), "max_age_days": 180} for name, rule in _RULES.items() if name in kinds()},
    }
    return {name: value for name, value in {**full, **changes}.items() if value is not None}


def person(value: dict[str, Any], person_id: str) -> dict[str, Any]:
    """The entry of a person in an `organisation`."""
    found: dict[str, Any] = next(entry for entry in value["parties"] if entry["id"] == person_id)
    return found


def parties_text(now: datetime, **changes: Any) -> str:
    """The parties file as YAML; changes replace its top-level fields, and None leaves one out."""
    return to_yaml(organisation(now, **changes))


def to_yaml(value: Any) -> str:
    """YAML without aliases, which are refused."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


def signed_text(text: str, roots: Iterable[str] = ("root1", "root2")) -> str:
    """A parties file that root keys signed."""
    return sign(text.encode(), PARTIES_TYPE, [signing_key(root) for root in roots])


def trusted(
    directory: Path,
    now: datetime,
    *,
    text: str | None = None,
    roots: Iterable[str] = ("root1", "root2"),
    threshold: int = 2,
    state: Path | None = None,
    minimum_version: int = 1,
) -> PartiesSource:
    """Writes `parties.signed.json`, and says where it is to whoever trusts all three root keys.

    Args:
        directory: where to write it.
        now: the moment that the file is made for.
        text: the parties file; the organisation's where None.
        roots: who signs it.
        threshold: how many root keys must have signed.
        state: the directory that remembers versions.
        minimum_version: the lowest version that counts.
    """
    file = directory / "parties.signed.json"
    file.write_text(signed_text(text or parties_text(now), roots), encoding="utf-8")
    return PartiesSource(
        file=file,
        roots=tuple(signing_key(root).key_id for root in ROOTS),
        threshold=threshold,
        minimum_version=minimum_version,
        state=state,
    )


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True
