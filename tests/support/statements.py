# SPDX-License-Identifier: Apache-2.0
"""Statements about one subject, as a registry's tags carry them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from qaqpa.evidence.carriers import Carried, tag_key
from qaqpa.evidence.kinds import kind
from qaqpa.evidence.statement import context_digest, make_statement
from qaqpa.gate import request_about
from qaqpa.model import JsonObject, Request, Settings, Stage, Subject
from support.contents import MODEL, contents, context

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
"""The moment of all decisions that do not need the real one."""

DIGEST = "ab" * 32
"""A model digest."""

SUBJECT = Subject(name=MODEL, version="7", digest=DIGEST)
"""The subject that all evidence here is about."""


def payload(content: JsonObject, **changes: Any) -> bytes:
    """A statement of a content, issued a day before `NOW`, about `SUBJECT` and the context of `contents`."""
    about = {
        "registered_model": MODEL,
        "model_digest": DIGEST,
        "context_digest": context_digest(context()),
        "issued_at": NOW - timedelta(days=1),
    }
    return make_statement(kind(content["kind"]), content, **{**about, **changes})


def carried(content: JsonObject, **changes: Any) -> Carried:
    """The same as a tag."""
    return carry(payload(content, **changes), content["kind"])


def carry(statement: bytes | str, name: str) -> Carried:
    """Any payload in a tag of a kind."""
    raw = statement.encode() if isinstance(statement, str) else statement
    return Carried(f"tag {tag_key(kind(name), raw)}", raw.decode(), name)


def altered(content: JsonObject, **fields: Any) -> Carried:
    """A statement whose top-level fields were changed by hand; None takes one out."""
    statement = {**json.loads(payload(content)), **fields}
    text = json.dumps({name: value for name, value in statement.items() if value is not None})
    return carry(text, content["kind"])


def everything(now: datetime = NOW, **changes: Any) -> list[Carried]:
    """Statements that pass every control, the context among them."""
    issued = {"issued_at": now - timedelta(days=1), **changes}
    return [carried(content, **issued) for content in [context(), *contents(now).values()]]


def tags(pieces: Iterable[Carried]) -> dict[str, str]:
    """Pieces as the tags that they came from."""
    return {piece.source.removeprefix("tag "): piece.text for piece in pieces}


def request(
    pieces: Iterable[Carried],
    *,
    subject: Subject = SUBJECT,
    stage: Stage = Stage.PRODUCTION,
    now: datetime = NOW,
    settings: Settings | None = None,
) -> Request:
    """What the gate is asked about pieces of evidence, as the command line and the plugin put it together."""
    return request_about(
        subject, pieces, stage=stage, profiles=["article-baseline"], settings=settings or Settings(), now=now
    )
