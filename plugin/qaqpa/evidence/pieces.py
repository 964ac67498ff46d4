# SPDX-License-Identifier: Apache-2.0
"""From what was carried to statements: each payload once, with every envelope that holds it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from qaqpa.documents import DocumentError, parse_json
from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.envelope import IN_TOTO, SignedPayload, is_envelope, parse_envelope
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.kinds import STAGE, SYSTEM, kind
from qaqpa.evidence.statement import Statement, context_digest, parse_statement
from qaqpa.model import Rejection, Stage, Subject

MAX_CHARACTERS = 100_000
"""Longest single piece, the size of a registry tag."""

_MAX_DETAIL = 500
_REMEMBERED_CHARACTERS = 20_000


@dataclass(frozen=True)
class Piece:
    """A statement, where it came from, and the envelopes that hold it; none where nobody signed it."""

    source: str
    statement: Statement
    draft: bool = False
    envelopes: tuple[SignedPayload, ...] = ()

    @property
    def envelope_digest(self) -> str:
        """SHA-256 of all signatures; empty where there are none. It is no identity: a signature can be made again."""
        if not self.envelopes:
            return ""
        pairs = sorted({pair for envelope in self.envelopes for pair in envelope.signatures})
        lines = (f"{key_id} {signature.hex()}\n" for key_id, signature in pairs)
        return hashlib.sha256("".join([f"{self.statement.id}\n", *lines]).encode()).hexdigest()


def read_pieces(
    carried: Iterable[Carried], subject: Subject, stage: Stage, now: datetime
) -> tuple[list[Piece], list[Rejection]]:
    """Reads everything that claims to be evidence.

    Args:
        carried: what was carried.
        subject: whose drafts they are.
        stage: drafts count at `review` only.
        now: the moment that drafts are dated.
    """
    found: dict[str, Piece] = {}
    rejected = []
    for carrier in carried:
        try:
            piece = _piece(carrier, subject, stage, now)
        except StatementError as error:
            rejected.append(rejection(error, carrier.kind, carrier.source))
            continue
        earlier = found.get(piece.statement.id)
        found[piece.statement.id] = _together(earlier, piece) if earlier else piece
    return list(found.values()), rejected


def read_statement(text: str) -> tuple[Statement, SignedPayload | None]:
    """What a text holds: a statement, and the envelope around it where there is one.

    Raises:
        StatementError: it is neither; saying why.
    """
    # The same texts are read at every decision on a model; what they say does not change.
    return _remembered(text) if len(text) <= _REMEMBERED_CHARACTERS else _read(text)


def rejection(error: StatementError, named: str, source: str) -> Rejection:
    """A refusal. The sentence may quote what is refused, which may be as long as a tag."""
    return Rejection(error.code, named, source, error.detail[:_MAX_DETAIL])


def _together(first: Piece, second: Piece) -> Piece:
    """One payload that arrived by two ways; the way of a signed one is told."""
    source = first.source if first.envelopes or not second.envelopes else second.source
    envelopes = tuple(dict.fromkeys((*first.envelopes, *second.envelopes)))
    return replace(first, source=source, envelopes=envelopes)


def _piece(carrier: Carried, subject: Subject, stage: Stage, now: datetime) -> Piece:
    if len(carrier.text) > MAX_CHARACTERS:
        raise StatementError("too_large", f"It is longer than {MAX_CHARACTERS} characters.")
    if carrier.draft:
        return Piece(carrier.source, _draft(carrier, subject, stage, now), draft=True)
    statement, signed = read_statement(carrier.text)
    if carrier.kind and statement.kind.name != carrier.kind:
        raise StatementError("kind_mismatch", f"It is carried as {carrier.kind} and is {statement.kind.name}.")
    return Piece(carrier.source, statement, envelopes=(signed,) if signed else ())


def _draft(carrier: Carried, subject: Subject, stage: Stage, now: datetime) -> Statement:
    if stage is not Stage.REVIEW:
        raise StatementError("draft", f"A draft counts at review only; attest it with `qaqpa attest {carrier.kind}`.")
    content = json.loads(carrier.text)
    own = kind(carrier.kind)
    return Statement(
        kind=own,
        id=hashlib.sha256(carrier.text.encode()).hexdigest(),
        content=content,
        registered_model=subject.name,
        model_digest=None,
        context_digest=context_digest(content) if carrier.kind == SYSTEM else None,
        issued_at=now,
        expires_at=None,
        stage=stage if STAGE in own.binds else None,
    )


def _read(text: str) -> tuple[Statement, SignedPayload | None]:
    try:
        value = parse_json(text, "evidence", places=False).value
    except DocumentError as error:
        raise StatementError("malformed", error.found) from error
    if not is_envelope(value):
        return parse_statement(text), None
    signed = parse_envelope(text)
    if signed.payload_type != IN_TOTO:
        raise StatementError("payload_type", f"The payload is {signed.payload_type!r} and no in-toto statement.")
    try:
        payload = signed.payload.decode()
    except UnicodeDecodeError as error:
        raise StatementError("malformed", "The payload is not UTF-8.") from error
    return parse_statement(payload), signed


_remembered = lru_cache(maxsize=1024)(_read)
