# SPDX-License-Identifier: Apache-2.0
"""The server's own record of signed evidence: each envelope that it ever saw, by what it is about.

Tags belong to a registered model, and go where it goes: after it was renamed and its name taken again, or when the same
bytes are uploaded to another place, a failed audit would stay behind. So what somebody signed whom the parties file
lists is kept here too, in the transaction that writes the tag, and read wherever the same bytes or the same name are
judged. Signatures are added to an envelope; nothing is ever taken away.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlModelVersionTag, SqlRegisteredModelTag
from sqlalchemy import Table, event, select
from sqlalchemy.dialects import postgresql, sqlite

from qaqpa.evidence.carriers import TAG_PREFIX
from qaqpa.evidence.envelope import SignedPayload, merged, parse_envelope, render
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.kinds import SYSTEM
from qaqpa.evidence.pieces import read_statement
from qaqpa.evidence.statement import Statement
from qaqpa.mlflow.connecting import Question, placed, places
from qaqpa.mlflow.guard import Keeper
from qaqpa.mlflow.pins import expect_location
from qaqpa.mlflow.tables import ENVELOPES, SUBJECTS

Keepers = Callable[[], Keeper | None]
Signatures = AbstractSet[tuple[str, bytes]]
Sessions = Callable[..., AbstractContextManager[Any]]

MOST_ENVELOPES = 1_000
"""Most envelopes that are read for one decision."""

_TAGS = (SqlModelVersionTag, SqlRegisteredModelTag)


@dataclass(frozen=True)
class Kept:
    """An envelope of the record, and what it holds."""

    text: str
    envelope: SignedPayload
    statement: Statement


def of_model(digest: str) -> str:
    """The subject of statements about these bytes."""
    return f"model {digest}"


def of_context(digest: str) -> str:
    """The subject of statements about a system only."""
    return f"context {digest}"


def of_name(workspace: str, name: str) -> str:
    """The subject of contexts that name this registered model."""
    return f"name {workspace} {name}"


def of_statement(payload: str) -> str:
    """The subject of withdrawals of a statement, and of reviews of an override."""
    return f"statement {payload}"


def watched(sessions: Sessions, keepers: Keepers) -> Sessions:
    """MLflow's maker of sessions, of which each keeps the evidence that is written through it.

    A new version has to lie where it was judged.
    """

    def keep_written(session: Any, *_: Any) -> None:
        for one in session.new:
            if isinstance(one, SqlModelVersion):
                expect_location(one)
        written = [one for one in (*session.new, *session.dirty) if isinstance(one, _TAGS)]
        texts = [one.value for one in written if one.key.startswith(TAG_PREFIX) and one.value]
        if texts:
            keep(session, texts, keepers())

    @contextmanager
    def make(**how: Any) -> Iterator[Any]:
        with sessions(**how) as session:
            event.listen(session, "before_flush", keep_written)
            yield session

    return make


def keep(session: Any, texts: Iterable[str], keeper: Keeper | None) -> None:
    """Adds those envelopes that the parties file vouches for; while it cannot be used, all.

    Args:
        session: the transaction that writes them elsewhere too.
        texts: what may be envelopes.
        keeper: tells which; None where no parties file is configured, and nothing is kept.
    """
    found: dict[str, tuple[Statement, SignedPayload]] = {}
    for text in texts if keeper else ():
        statement, envelope = _read(text)
        vouched = keeper.vouched(envelope) if keeper and envelope else None
        if statement and vouched:
            found[vouched.id] = (statement, vouched)
    for payload, (statement, vouched) in sorted(found.items()):
        _add(session, payload, statement, vouched)


def keep_all(session: Any, keeper: Keeper | None) -> None:
    """Adds what tags carry already: from before the record was made, or by keys that were listed later."""
    known = {f".{payload[:16]}" for (payload,) in session.execute(select(ENVELOPES.c.payload_sha256))}
    for tag in _TAGS if keeper else ():
        rows = session.query(tag.key, tag.value).filter(tag.key.startswith(TAG_PREFIX, autoescape=True))
        for key, value in rows.yield_per(100):
            if key[-17:] not in known:
                keep(session, [value or ""], keeper)


def read(
    session: Any,
    subjects: Iterable[str],
    keeper: Keeper | None,
    held: Mapping[str, Signatures] | None = None,
) -> list[Kept] | None:
    """The envelopes about these subjects that the parties file vouches for; None where there are too many to read.

    Args:
        session: a transaction.
        subjects: as the functions above make them.
        keeper: the parties file.
        held: signatures by payload that the caller has already; what adds none to them is left out unverified.
    """
    digests = [_digest(subject) for subject in subjects]
    if not digests:
        return []
    # As few different questions as possible.
    count = 1 << (len(digests) - 1).bit_length()
    texts = [text for (text,) in _about(count).rows(session, placed("subject", digests, count))]
    if len(texts) > MOST_ENVELOPES:
        return None
    found = []
    for text in texts if keeper else ():
        statement, envelope = _read(text)
        if statement is None or envelope is None or set(envelope.signatures) <= (held or {}).get(statement.id, set()):
            continue
        if keeper and keeper.vouched(envelope):
            found.append(Kept(text, envelope, statement))
    return found


@lru_cache(maxsize=16)
def _about(subjects: int) -> Question:
    """The envelopes about so many subjects."""
    about = select(SUBJECTS.c.payload_sha256).where(SUBJECTS.c.subject_sha256.in_(places("subject", subjects)))
    found = select(ENVELOPES.c.envelope).where(ENVELOPES.c.payload_sha256.in_(about))
    return Question(found.order_by(ENVELOPES.c.payload_sha256).limit(MOST_ENVELOPES + 1))


def by_payload(session: Any, payloads: Iterable[str]) -> list[Kept]:
    """The envelopes with these payloads, by SHA-256, whoever signed them."""
    found = session.execute(select(ENVELOPES.c.envelope).where(ENVELOPES.c.payload_sha256.in_(list(payloads))))
    read_all = ((text, *_read(text)) for (text,) in found)
    return [Kept(text, envelope, statement) for text, statement, envelope in read_all if statement and envelope]


def _add(session: Any, payload: str, statement: Statement, envelope: SignedPayload) -> None:
    row = {"payload_sha256": payload, "envelope": render(envelope), "first_seen_ms": time.time_ns() // 1_000_000}
    if _insert(session, ENVELOPES, row):
        for subject in _subjects(statement):
            _insert(session, SUBJECTS, {"subject_sha256": _digest(subject), "payload_sha256": payload})
        return
    same = ENVELOPES.c.payload_sha256 == payload
    there = session.execute(select(ENVELOPES.c.envelope).where(same).with_for_update()).scalar_one()
    try:
        together = render(merged(parse_envelope(there), envelope))
    except StatementError:
        # It has as many signatures as an envelope can have, by as many people whom the parties file lists.
        return
    if together != there:
        session.execute(ENVELOPES.update().where(same).values(envelope=together))


def _insert(session: Any, table: Table, row: dict[str, Any]) -> bool:
    """Adds a row; false where there is one of the same key."""
    dialect = sqlite if session.connection().dialect.name == "sqlite" else postgresql
    added = session.execute(dialect.insert(table).values(**row).on_conflict_do_nothing())
    return bool(added.rowcount)


def _subjects(statement: Statement) -> list[str]:
    if statement.kind.name == SYSTEM:
        models = statement.content["models"]
        return sorted({of_name(model.get("workspace", "default"), model["name"]) for model in models})
    if other := statement.withdraws or statement.reviews:
        return [of_statement(other)]
    if statement.model_digest:
        return [of_model(statement.model_digest)]
    return [of_context(statement.context_digest)] if statement.context_digest else []


def _read(text: str) -> tuple[Statement | None, SignedPayload | None]:
    try:
        return read_statement(text)
    except StatementError:
        return None, None


def _digest(subject: str) -> str:
    return hashlib.sha256(subject.encode()).hexdigest()
