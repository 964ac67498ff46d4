# SPDX-License-Identifier: Apache-2.0
"""Evidence as an in-toto Statement v1: made from a file, and read back from whatever a carrier holds.

A statement about a model has the model digest as its subject (`dirHash`, and the same hex as `sha256`); one about a
system has the context digest. One about both has the model digest as its subject, and names the context digest in the
predicate; an approval or an exception names the stage there as well. A withdrawal has the statement that it takes back
as its subject, and a review of an override the override.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

import rfc8785

from qaqpa import times
from qaqpa.documents import DocumentError, parse_json
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.kinds import OVERRIDE_REVIEW, STAGE, STATEMENT, SYSTEM, WITHDRAWAL, Kind, kinds
from qaqpa.model import JsonObject, Stage

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
"""The type that in-toto gives its statements; a name, never fetched."""

_REMEMBERED_CHARACTERS = 10_000
_FIELDS = {"_type", "subject", "predicateType", "predicate"}
_PREDICATE_FIELDS = {"issuedAt", "expiresAt", "registeredModel", "contextDigest", "stage", "content"}


@dataclass(frozen=True)
class Statement:
    """What a statement says. What it does not name is None; `content` fits the schema of its kind.

    `withdraws` is the SHA-256 of the payload that a withdrawal takes back, `reviews` that of the override that a review
    looks back at.
    """

    kind: Kind
    id: str
    content: JsonObject
    registered_model: str
    model_digest: str | None
    context_digest: str | None
    issued_at: datetime
    expires_at: datetime | None
    stage: Stage | None = None
    withdraws: str | None = None
    reviews: str | None = None

    @cached_property
    def facts(self) -> JsonObject:
        """The content as policies see it, with the stage where one is named."""
        facts = self.kind.facts(self.content)
        return {**facts, "stage": self.stage.value} if self.stage else facts


def context_digest(content: JsonObject) -> str:
    """The context digest: SHA-256 of the canonical JSON (RFC 8785) of a context without its `kind`."""
    return hashlib.sha256(rfc8785.dumps({k: v for k, v in content.items() if k != "kind"})).hexdigest()


def make_statement(  # noqa: PLR0913 - each argument is a field of the statement
    kind: Kind,
    content: JsonObject,
    *,
    registered_model: str,
    model_digest: str | None,
    context_digest: str | None,
    issued_at: datetime,
    expires_at: datetime | None = None,
    stage: Stage | None = None,
) -> bytes:
    """The payload of a statement, as canonical JSON.

    Args:
        kind: the kind of the evidence.
        content: the evidence file's content, `kind` included.
        registered_model: name of the registered model.
        model_digest: needed where the kind binds the model.
        context_digest: needed where the kind binds the system; for the context itself it is computed.
        issued_at: when it is made.
        expires_at: when it ends, if it does.
        stage: needed where the kind binds the stage.

    Raises:
        StatementError: a digest or the stage that the kind binds is missing.
    """
    predicate: dict[str, object] = {
        "issuedAt": times.render(issued_at),
        "registeredModel": registered_model,
        "content": {name: value for name, value in content.items() if name != "kind"},
    }
    if expires_at:
        predicate["expiresAt"] = times.render(expires_at)
    if kind.name == SYSTEM:
        context_digest = _own_digest(content)
    if "system" in kind.binds and not context_digest:
        raise StatementError("context_missing", f"A statement of kind {kind.name} needs the context of the system.")
    if "model" in kind.binds and not model_digest:
        raise StatementError("model_missing", f"A statement of kind {kind.name} needs the model's bytes.")
    if STAGE in kind.binds:
        if stage is None:
            raise StatementError("stage_missing", f"A statement of kind {kind.name} needs a stage.")
        predicate["stage"] = stage.value
    if kind.binds == {STATEMENT}:
        subject = {"name": "statement", "digest": {"sha256": content["statement"]}}
    elif kind.binds == {"system"}:
        subject = {"name": f"system of {registered_model}", "digest": {"sha256": context_digest}}
    else:
        subject = {"name": registered_model, "digest": {"dirHash": model_digest, "sha256": model_digest}}
        if "system" in kind.binds:
            predicate["contextDigest"] = context_digest
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [subject],
        "predicateType": kind.predicate_type,
        "predicate": predicate,
    }
    payload: bytes = rfc8785.dumps(statement)
    return payload


def parse_statement(text: str) -> Statement:
    """Reads a statement strictly.

    Raises:
        StatementError: with code `malformed`, `unknown_kind`, `schema_violated`, `two_subjects` or `digest_mismatch`.
    """
    # The same statements are read at every decision on a model; what a text says does not change.
    return _remembered(text) if len(text) <= _REMEMBERED_CHARACTERS else _parse(text)


def _parse(text: str) -> Statement:
    statement = _object(text)
    predicate = statement["predicate"]
    kind = kinds().get(_kind_name(statement["predicateType"]))
    if kind is None:
        raise StatementError("unknown_kind", f"The predicate type {statement['predicateType']!r} is not known.")
    content = {"kind": kind.name, **predicate["content"]}
    if "kind" in predicate["content"] or not kind.fits(content):
        raise StatementError("schema_violated", f"The content does not fit the schema of kind {kind.name}.")
    model, context, other = _digests(kind, statement)
    if other and other != content["statement"]:
        raise StatementError("digest_mismatch", f"The {kind.title.lower()} names another statement than its content.")
    if kind.name == SYSTEM and context != _own_digest(content):
        raise StatementError("digest_mismatch", "The statement names another context digest than its own content has.")
    return Statement(
        kind=kind,
        id=hashlib.sha256(text.encode()).hexdigest(),
        content=content,
        registered_model=predicate["registeredModel"],
        model_digest=model,
        context_digest=context,
        issued_at=_time(predicate.get("issuedAt")),
        expires_at=_time(predicate["expiresAt"]) if "expiresAt" in predicate else None,
        stage=_stage(kind, predicate),
        withdraws=other if kind.name == WITHDRAWAL else None,
        reviews=other if kind.name == OVERRIDE_REVIEW else None,
    )


_remembered = lru_cache(maxsize=512)(_parse)
_own_digest = context_digest


def _object(text: str) -> JsonObject:
    try:
        statement = parse_json(text, "statement", places=False).value
    except DocumentError as error:
        raise StatementError("malformed", error.found) from error
    if not isinstance(statement, dict) or set(statement) != _FIELDS or statement["_type"] != STATEMENT_TYPE:
        raise StatementError("malformed", "This is not an in-toto Statement v1.")
    predicate = statement["predicate"]
    if (
        not isinstance(predicate, dict)
        or not set(predicate) <= _PREDICATE_FIELDS
        or not isinstance(predicate.get("content"), dict)
        or not isinstance(predicate.get("registeredModel"), str)
        or not isinstance(statement["predicateType"], str)
    ):
        raise StatementError("malformed", "The predicate of the statement has other fields than it must have.")
    return statement


def _kind_name(predicate_type: str) -> str:
    match = re.fullmatch("urn:qaqpa:evidence:([a-z_]+):v1", predicate_type)
    return match[1] if match else ""


def _stage(kind: Kind, predicate: JsonObject) -> Stage | None:
    found = predicate.get("stage")
    if STAGE not in kind.binds:
        if found is not None:
            raise StatementError("malformed", f"A statement of kind {kind.name} names no stage.")
        return None
    if found not in [stage.value for stage in Stage]:
        raise StatementError("malformed", f"A statement of kind {kind.name} must name the stage.")
    return Stage(found)


def _digests(kind: Kind, statement: JsonObject) -> tuple[str | None, str | None, str | None]:
    """The model digest, the context digest and the other statement, as far as the kind binds them."""
    subjects = statement["subject"]
    if not isinstance(subjects, list) or len(subjects) != 1:
        raise StatementError("two_subjects", "A statement must have exactly one subject.")
    digest = subjects[0].get("digest") if isinstance(subjects[0], dict) else None
    if not isinstance(digest, dict) or not all(isinstance(value, str) for value in digest.values()):
        raise StatementError("malformed", "The subject has no digest.")
    if kind.binds <= {"system", STATEMENT}:
        _exactly(digest, {"sha256"})
        return (None, digest["sha256"], None) if "system" in kind.binds else (None, None, digest["sha256"])
    _exactly(digest, {"dirHash", "sha256"})
    if digest["dirHash"] != digest["sha256"]:
        raise StatementError("digest_mismatch", "The two digests of the subject differ.")
    if "system" not in kind.binds:
        return digest["dirHash"], None, None
    context = statement["predicate"].get("contextDigest")
    if not isinstance(context, str):
        raise StatementError("malformed", f"A statement of kind {kind.name} must name the context digest.")
    return digest["dirHash"], context, None


def _exactly(digest: JsonObject, names: set[str]) -> None:
    if set(digest) != names:
        raise StatementError("malformed", f"The subject must have the digests {', '.join(sorted(names))}.")


def _time(text: object) -> datetime:
    try:
        return times.parse_moment(text)
    except ValueError as error:
        raise StatementError("malformed", f"{error}.") from error
