# SPDX-License-Identifier: Apache-2.0
"""Statements about one subject, as a registry's tags carry them, signed by the organisation of `support.keyring`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from qaqpa.documents import parse_yaml
from qaqpa.evidence.carriers import Carried, tag_key
from qaqpa.evidence.envelope import IN_TOTO, sign
from qaqpa.evidence.kinds import STAGE, Kind, kind, kinds
from qaqpa.evidence.parties import Parties, parse_parties
from qaqpa.evidence.statement import context_digest, make_statement
from qaqpa.evidence.trust import Trust
from qaqpa.gate import request_about
from qaqpa.model import JsonObject, Recorded, Request, Settings, Stage, Subject
from support.contents import COMMISSION, MODEL, contents, context, every_content
from support.keyring import parties_text, signing_key

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
"""The moment of all decisions that do not need the real one."""

DIGEST = "ab" * 32
"""A model digest."""

TRAINER = Recorded("trainer", "trainer", "the server's record of who registered it", trusted=True)

SUBJECT = Subject(name=MODEL, version="7", digest=DIGEST, people=(TRAINER,))
"""The subject that all evidence here is about."""

_BY_ACTOR = {
    "approver": ["approver", "compliance"],
    "dpo": ["dpo"],
    "incident": ["incident1", "incident2"],
    "lawyer": ["lawyer"],
    "ml_engineer": ["trainer"],
    "model_owner": ["owner"],
    "oversight_lead": ["oversight"],
    "risk_owner": ["risk"],
    "security_officer": ["security"],
}

SIGNERS: dict[str, Sequence[str]] = {
    **{name: _BY_ACTOR[own.actor] for name, own in kinds().items() if own.actor in _BY_ACTOR},
    "audit": ["auditor"],
    "bias": ["trainer"],
    "classification": ["risk"],
    "commission": list(COMMISSION),
    "decision_flow": ["owner"],
    "ethics_assessment": ["auditor"],
    "explanation": ["trainer"],
    "legal_basis": ["dpo"],
    "model_card": ["trainer"],
    "oversight": ["oversight"],
    "responsibility": ["owner"],
    "system": ["risk"],
    "waiver": ["risk"],
}
"""Who signs what, where nobody else is named."""


def stage_of(own: Kind, stage: Stage = Stage.PRODUCTION) -> dict[str, Any]:
    """The stage that a statement of a kind is for, where it has to be for one."""
    return {"stage": stage} if STAGE in own.binds else {}


def stage_option(name: str) -> list[str]:
    """The same as an option of the command line."""
    return ["--stage", stage.value] if (stage := stage_of(kind(name)).get("stage")) else []


def payload(content: JsonObject, **changes: Any) -> bytes:
    """A statement of a content, issued a day before `NOW`, about `SUBJECT` and the context of `contents`."""
    about: dict[str, Any] = {
        "registered_model": MODEL,
        "model_digest": DIGEST,
        "context_digest": context_digest(context()),
        "issued_at": NOW - timedelta(days=1),
    }
    own = kind(content["kind"])
    return make_statement(own, content, **{**about, **stage_of(own), **changes})


def envelope(statement: bytes, signers: Iterable[str], payload_type: str = IN_TOTO) -> str:
    """A payload in an envelope that persons of the keyring signed."""
    return sign(statement, payload_type, [signing_key(person) for person in signers])


def carried(content: JsonObject, signers: Iterable[str] | None = None, **changes: Any) -> Carried:
    """A statement as a tag, signed by whoever has to, or by others; by nobody where `signers` is empty."""
    persons = list(SIGNERS[content["kind"]] if signers is None else signers)
    statement = payload(content, **changes)
    text = envelope(statement, persons) if persons else statement.decode()
    return Carried(f"tag {tag_key(kind(content['kind']), statement)}", text, content["kind"])


def carry(statement: bytes | str, name: str) -> Carried:
    """Any payload in a tag of a kind."""
    raw = statement.encode() if isinstance(statement, str) else statement
    return Carried(f"tag {tag_key(kind(name), raw)}", raw.decode(), name)


def altered(content: JsonObject, **fields: Any) -> Carried:
    """A statement whose top-level fields were changed before it was signed; None takes one out."""
    statement = {**json.loads(payload(content)), **fields}
    text = json.dumps({name: value for name, value in statement.items() if value is not None})
    return carry(envelope(text.encode(), SIGNERS[content["kind"]]), content["kind"])


def parties(now: datetime = NOW, **changes: Any) -> Parties:
    """Who may sign what, in the organisation of the keyring."""
    return parse_parties(parse_yaml(parties_text(now, **changes), "parties.yaml"))


_usual_parties = lru_cache(maxsize=16)(parties)


class Known(Trust):
    """A parties file that is trusted without looking at its signatures."""

    def __init__(self, known: Parties) -> None:
        self._known = replace(known, digest=known.digest or "cd" * 32)

    def parties(self, now: datetime) -> Parties:
        del now
        return self._known


def everything(now: datetime = NOW, *, stage: Stage = Stage.PRODUCTION, **changes: Any) -> list[Carried]:
    """Statements that pass every control of `article-baseline` at a stage, the context among them."""
    return _all([context(), *contents(now).values()], now, stage, changes)


def everything_of_all_profiles(now: datetime = NOW, **changes: Any) -> list[Carried]:
    """Statements that pass every control of every profile in production, the context among them."""
    return _all([context(), *every_content(now).values()], now, Stage.PRODUCTION, changes)


def _all(found: Iterable[JsonObject], now: datetime, stage: Stage, changes: dict[str, Any]) -> list[Carried]:
    issued = {"issued_at": now - timedelta(days=1), **changes}
    return [carried(content, **stage_of(kind(content["kind"]), stage), **issued) for content in found]


def tags(pieces: Iterable[Carried]) -> dict[str, str]:
    """Pieces as the tags that they came from."""
    return {piece.source.removeprefix("tag "): piece.text for piece in pieces}


def request(
    pieces: Iterable[Carried],
    *,
    subject: Subject = SUBJECT,
    stage: Stage = Stage.PRODUCTION,
    profiles: Sequence[str] = ("article-baseline",),
    now: datetime = NOW,
    settings: Settings | None = None,
    **more: Any,
) -> Request:
    """What the gate is asked about pieces of evidence, as the command line and the plugin put it together."""
    return request_about(
        subject,
        pieces,
        stage=stage,
        profiles=profiles,
        settings=settings or Settings(),
        now=now,
        **(more if "trust" in more else {"trust": Known(_usual_parties(now)), **more}),
    )
