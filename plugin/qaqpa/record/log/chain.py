# SPDX-License-Identifier: Apache-2.0
"""A row of the log: a signed entry that names its number, the log it belongs to, and the row before it.

The entry is JSON in a DSSE envelope, signed by the gate's key. A signature covers number and predecessor, so that
whoever lacks the key can neither reorder rows nor carry one over from another log.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from qaqpa.documents import DocumentError, parse_json
from qaqpa.evidence.envelope import SignedPayload, parse_envelope, sign
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.keys import SigningKey
from qaqpa.model import JsonObject
from qaqpa.record.log.errors import LogError

ENTRY_TYPE = "application/vnd.qaqpa.log.entry.v1+json"
"""The payload type of an entry."""

DECISION, OUTCOME = "decision", "outcome"
"""Kinds of rows that others have to agree with: a decision, and what became of it."""

ZERO = bytes(32)
"""What stands before the first row."""

MAX_ENTRY_BYTES = 1 << 20
"""Largest row that is read, bytes."""

_LEAF, _LINK, _CONTENT = b"\x00", b"\x02", b"\x03"


@dataclass(frozen=True)
class Row:
    """A row as the database has it. `seq` counts from 1; `head` is the hash of this row and all before it."""

    seq: int
    prev: bytes
    head: bytes
    body: bytes


@dataclass(frozen=True)
class Entry:
    """What a row says. `latest` is the latest time in it and in all rows before it."""

    seq: int
    log: str
    prev: str
    at: str
    latest: str
    kind: str
    fields: JsonObject


def leaf(body: bytes) -> bytes:
    """The hash of a row's bytes, as a leaf of the Merkle tree of RFC 9162."""
    return hashlib.sha256(_LEAF + body).digest()


def link(prev: bytes, body: bytes) -> bytes:
    """The head of a row: the hash of the head before it and of its own leaf."""
    return hashlib.sha256(_LINK + prev + leaf(body)).digest()


def commitment(salt: bytes, content: bytes) -> str:
    """What a row says about content that is kept beside it, hexadecimal: it binds, and without the salt tells nothing.

    Args:
        salt: 32 random bytes.
        content: what is committed to.
    """
    return hashlib.sha256(_CONTENT + salt + content).hexdigest()


def compact(value: Any) -> bytes:
    """JSON as it is stored."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def make_row(entry: Entry, key: SigningKey) -> Row:
    """Signs an entry.

    Raises:
        LogError: it is too large.
    """
    payload = compact(
        {
            **entry.fields,
            "seq": entry.seq,
            "log": entry.log,
            "prev": entry.prev,
            "at": entry.at,
            "latest": entry.latest,
            "kind": entry.kind,
        }
    )
    body = sign(payload, ENTRY_TYPE, [key]).encode()
    if len(body) > MAX_ENTRY_BYTES:
        raise LogError("A row is too large", required=f"at most {MAX_ENTRY_BYTES} bytes")
    prev = bytes.fromhex(entry.prev)
    return Row(entry.seq, prev, link(prev, body), body)


def open_row(body: bytes) -> tuple[Entry, SignedPayload]:
    """The entry of a row and its envelope, strictly. Nothing is verified.

    Raises:
        LogError: this is no row of a log.
    """
    try:
        envelope = parse_envelope(body.decode("ascii"))
        value = parse_json(envelope.payload.decode(), "row", places=False).value
        if envelope.payload_type != ENTRY_TYPE or compact(value) != envelope.payload:
            raise LogError("The row is not in its one form")
        return _entry(value), envelope
    except (StatementError, DocumentError, UnicodeDecodeError) as error:
        raise LogError(f"The row cannot be read ({error})") from error


def peek(body: bytes) -> Entry:
    """The entry of a row that was verified before, or is shown only; faster than `open_row`.

    Raises:
        LogError: this is no row of a log.
    """
    try:
        return _entry(json.loads(base64.b64decode(json.loads(body)["payload"])))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise LogError("The row cannot be read") from error


def _entry(value: Any) -> Entry:
    if not isinstance(value, dict):
        raise LogError("The row holds no object")
    fields = dict(value)
    try:
        seq = fields.pop("seq")
        log, prev, at, latest, kind = (fields.pop(name) for name in ("log", "prev", "at", "latest", "kind"))
    except KeyError as error:
        raise LogError(f"The row lacks {error}") from error
    if type(seq) is not int or not all(isinstance(text, str) for text in (log, prev, at, latest, kind)):
        raise LogError("The row's own fields have other types")
    return Entry(seq, log, prev, at, latest, kind, fields)
