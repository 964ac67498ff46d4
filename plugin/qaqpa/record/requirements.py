# SPDX-License-Identifier: Apache-2.0
"""What whoever deploys requires of a verdict: options, or a small file, and safe defaults for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from qaqpa.config.records import DEFAULT_VERIFIER
from qaqpa.documents import Document, DocumentError, read, validate
from qaqpa.evidence.keys import PublicKey, read_public_key
from qaqpa.model import Stage, Strength, Subject
from qaqpa.record.attest import check_gate_key

_MEND = "examples/deploy/requirements.yaml shows every field"


@dataclass(frozen=True)
class Requirements:
    """What a verdict has to say. None, and what is empty, is not asked about.

    `keys` are the gate's public keys, one of which must have signed. `policies` are digests, one of which must have
    decided. `allow_waivers` names the controls that a waiver may excuse; None allows all. `registered` is the version
    whose bytes they are, where a registry named it. `named` are the fields that a file or an option said;
    the others have their defaults.
    """

    keys: tuple[PublicKey, ...] = ()
    profiles: tuple[str, ...] = ()
    model: str | None = None
    context: str | None = None
    stage: Stage = Stage.PRODUCTION
    verifier: str = DEFAULT_VERIFIER
    workspace: str | None = "default"
    model_version: str | None = None
    registry: str | None = None
    policies: tuple[str, ...] = ()
    configuration: str | None = None
    max_age: timedelta | None = None
    minimum_strength: Strength = Strength.DECLARED
    allow_waivers: frozenset[str] | None = frozenset()
    registered: Subject | None = None
    named: frozenset[str] = frozenset()


def read_requirements(path: str | Path) -> Requirements:
    """Reads a file of requirements.

    Raises:
        DocumentError: it cannot be read or does not fit `schemas/requirements.json`, with line and column.
        UsageError: a key in it is of a type that gates do not sign with.
    """
    document = read(path)
    try:
        validate(document, "requirements")
    except DocumentError as error:
        raise DocumentError(error.found, where=error.where, mend=_MEND) from error
    return _requirements(document.value, _keys(document))


def _requirements(value: Mapping[str, Any], keys: tuple[PublicKey, ...]) -> Requirements:
    """The fields of a file that fits its schema; what is left out has its default."""
    fields = {name: found for name, found in value.items() if name not in {"version", "gate_keys"}}
    for name in {"profiles", "policies"} & fields.keys():
        fields[name] = tuple(fields[name])
    if "stage" in fields:
        fields["stage"] = Stage(fields["stage"])
    if "minimum_strength" in fields:
        fields["minimum_strength"] = Strength(fields["minimum_strength"])
    if "max_age_hours" in fields:
        fields["max_age"] = timedelta(hours=fields.pop("max_age_hours"))
    if "allow_waivers" in fields:
        allowed = fields["allow_waivers"]
        fields["allow_waivers"] = None if allowed is True else frozenset(allowed or ())
    named = frozenset(fields) | ({"keys"} if keys else set())
    return Requirements(keys=keys, named=named, **fields)


def _keys(document: Document) -> tuple[PublicKey, ...]:
    found = []
    for number, line in enumerate(document.value.get("gate_keys", [])):
        where = document.where(("gate_keys", number))
        try:
            public = read_public_key(line)
        except ValueError as error:
            raise DocumentError(
                f"This public key cannot be read: {error}", where=where, required="a line of OpenSSH or PEM"
            ) from error
        check_gate_key(public, where)
        found.append(public)
    return tuple(found)
