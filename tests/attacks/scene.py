# SPDX-License-Identifier: Apache-2.0
"""An organisation with every kind of bad key, and the sound evidence that each attack starts from."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from qaqpa import times
from qaqpa.evidence.carriers import Carried, tag_key
from qaqpa.evidence.envelope import IN_TOTO, sign
from qaqpa.evidence.kinds import RESPONSIBILITY, STAGE, kind
from qaqpa.evidence.statement import context_digest, make_statement
from qaqpa.model import JsonObject, Stage
from support.contents import contents, context
from support.keyring import key_entry, organisation, person, signing_key, to_yaml
from support.statements import SIGNERS

DAY = timedelta(days=1)

_SIGNERS = {**SIGNERS, "ethics_assessment": ["auditor", "auditor2"]}


def attacked_organisation(now: datetime) -> dict[str, Any]:
    """The keyring's organisation, in which insiders hold every role and some keys have ended, one way or another."""
    value = organisation(now)
    for insider in ("trainer", "owner", "peer"):
        person(value, insider)["roles"] += [
            role for role in ("auditor", "risk_owner", "incident") if not _holds(value, insider, role)
        ]
        person(value, insider)["disciplines"] = ["fairness"]
    person(value, "auditor")["keys"].append(key_entry(now, "auditor", 1))
    person(value, "incident1")["keys"].append(key_entry(now, "incident1", 1))
    person(value, "incident2")["roles"].append("risk_owner")
    yesterday = times.render(now - DAY)
    for name, key in {
        "revoked": {"revoked": {"at": yesterday, "reason": "superseded"}},
        "left": {"revoked": {"at": yesterday, "reason": "left"}},
        "compromised": {"revoked": {"at": yesterday, "reason": "compromise"}},
        "ended": {"valid_until": yesterday},
        "second": {},
    }.items():
        entry = {"id": name, "unit": f"unit-{name}", "roles": ["auditor", "incident"], "disciplines": ["fairness"]}
        value["parties"].append({**entry, "keys": [key_entry(now, name, **key)]})
    person(value, "auditor2")["disciplines"] = ["law"]
    value["rules"]["audit"]["disciplines"] = ["fairness", "security"]
    value["rules"]["audit"]["max_age_days"] = 90
    value["rules"]["ethics_assessment"]["threshold"] = 2
    return value


def _holds(value: dict[str, Any], person_id: str, role: str) -> bool:
    return role in person(value, person_id)["roles"]


@dataclass(frozen=True)
class Scene:
    """A registered model with one version, and who may sign what about it.

    `also` is another name under which its bytes are to be served, in the same system.
    """

    name: str
    digest: str
    now: datetime
    also: str = ""

    @cached_property
    def contents(self) -> Mapping[str, dict[str, Any]]:
        found = {"system": self.context(), **contents(self.now)}
        # No login tells who trained it.
        found["responsibility"]["persons"] = [{"id": "trainer", "role": "trainer"}]
        return found

    def context(self, **changes: Any) -> dict[str, Any]:
        names = [self.name, self.also] if self.also else [self.name]
        return context(**{"models": [{"name": name} for name in names], "version": 5, **changes})

    @cached_property
    def parties(self) -> str:
        return to_yaml(attacked_organisation(self.now))

    def sound(self, *without: str) -> list[Carried]:
        """Evidence that is allowed, without some kinds."""
        found = [self.signed(content) for name, content in self.contents.items() if name not in without]
        return found + ([self.of(RESPONSIBILITY, registered_model=self.also)] if self.also else [])

    def payload(self, content: JsonObject, **changes: Any) -> bytes:
        own = kind(content["kind"])
        about: dict[str, Any] = {
            "registered_model": self.name,
            "model_digest": self.digest,
            "context_digest": context_digest(self.context()),
            "issued_at": self.now - 2 * DAY,
        }
        if STAGE in own.binds:
            about |= {"stage": Stage.PRODUCTION, "expires_at": self.now + 20 * DAY}
        return make_statement(own, content, **{**about, **changes})

    def signed(self, content: JsonObject, signers: Sequence[str] | None = None, **changes: Any) -> Carried:
        """A statement signed by whoever has to, or by others."""
        name = content["kind"]
        payload = self.payload(content, **changes)
        return carry(envelope(payload, _SIGNERS[name] if signers is None else signers), name, payload)

    def of(self, name: str, signers: Sequence[str] | None = None, **changes: Any) -> Carried:
        """A statement of a kind with its sound content."""
        return self.signed(self.contents[name], signers, **changes)

    def edited(self, name: str, change: Any, signers: Sequence[str] | None = None) -> Carried:
        """A statement that was changed as JSON before it was signed; `change` returns the text, or changes in place."""
        payload = self.payload(self.contents[name])
        statement = json.loads(payload)
        text = change(statement)
        raw = (text if isinstance(text, str) else json.dumps(statement)).encode()
        return carry(envelope(raw, signers or _SIGNERS[name]), name, raw)


def envelope(payload: bytes, signers: Iterable[str], payload_type: str = IN_TOTO) -> str:
    """An envelope, or the bare payload where nobody signs; `id/1` is the second key of a person."""
    keys = []
    for signer in signers:
        name, _, number = signer.partition("/")
        keys.append(signing_key(name, int(number or 0)))
    return sign(payload, payload_type, keys) if keys else payload.decode()


def carry(text: str, name: str, payload: bytes) -> Carried:
    return Carried(f"tag {tag_key(kind(name), payload)}", text, name)


def with_fields(piece: Carried, **fields: Any) -> Carried:
    """An envelope of which fields were changed after it was signed."""
    return Carried(piece.source, json.dumps({**json.loads(piece.text), **fields}), piece.kind)


def in_base64(payload: bytes) -> str:
    return base64.b64encode(payload).decode()
