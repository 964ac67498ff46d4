# SPDX-License-Identifier: Apache-2.0
"""What was allowed before, to which a model may go back: the newest ordinary promotion that was done.

A table finds its rows among millions; nothing in it is believed. The rows themselves say it, signed by the gate's key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from qaqpa import times
from qaqpa.evidence.envelope import signed_by
from qaqpa.evidence.keys import PublicKey, fingerprint
from qaqpa.model import JsonObject, Rollback, Verdict
from qaqpa.policy.rollback import LONGEST_DAYS
from qaqpa.record.log.chain import DECISION, OUTCOME, Entry, Row, compact, link, open_row
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.reading import kept, names_of, row, value_of
from qaqpa.record.log.tables import allowed

_ORDINARY = "enforce"


@dataclass(frozen=True)
class Promotion:
    """What was promoted, and where to: the model digest, the stage, and the context digest of the system."""

    digest: str
    stage: str
    context: str

    @property
    def sha256(self) -> str:
        """By this the table finds it."""
        return hashlib.sha256(compact([self.digest, self.stage, self.context])).hexdigest()


def promoted(entry: JsonObject) -> Promotion | None:
    """What a decision, given as the fields of its row, allowed in the ordinary way; None where it did not.

    A decision in `observe` enforced nothing. One that was itself a rollback renews nothing: otherwise evidence that has
    ended could be held up for ever.
    """
    ordinary = (entry.get("verdict"), entry.get("mode")) == (Verdict.ALLOW.value, _ORDINARY) and "rollback" not in entry
    parts = [part for name in ("digest", "stage", "context") if isinstance(part := entry.get(name), str) and part]
    return Promotion(*parts) if ordinary and len(parts) == len(fields(Promotion)) else None


def recorded_as(entry: Entry) -> tuple[int, str] | None:
    """The decision and the promotion (`Promotion.sha256`) of a row that says that it was done; None for any other."""
    of, sha256 = entry.fields.get("of"), entry.fields.get("allowed")
    return (of, sha256) if entry.kind == OUTCOME and isinstance(of, int) and isinstance(sha256, str) else None


def last_allowed(connection: Any, wanted: Promotion, key: PublicKey, log: str, now: datetime) -> Rollback | None:
    """The newest promotion of just this that was allowed in the last 90 days and done; None where there is none.

    Args:
        connection: reads the log.
        wanted: the bytes, the stage and the context.
        key: the gate's; what others signed is not believed.
        log: the id of the log.
        now: the moment of the decision that is to be made, UTC.

    Raises:
        LogError: the log cannot be read, or is not what it was.
    """
    query = select(allowed.c.seq, allowed.c.decision).where(allowed.c.sha256 == wanted.sha256)
    found = connection.execute(query.order_by(allowed.c.seq.desc()).limit(1)).first()
    if found is None:
        return None
    outcome, decision = (_entry(connection, int(seq), key, log) for seq in found)
    if outcome is None or decision is None:
        return None
    sound = (
        recorded_as(outcome) == (decision.seq, wanted.sha256)
        and decision.kind == DECISION
        and promoted(decision.fields) == wanted
    )
    if not sound:
        raise LogError(
            f"The table of what was allowed names the rows {decision.seq} and {outcome.seq}, which say something else",
            mend="qaqpa log verify",
        )
    return _rollback(connection, decision, wanted, now)


def _rollback(connection: Any, decision: Entry, wanted: Promotion, now: datetime) -> Rollback | None:
    """The decision, with its moment and the evidence that counted; None where it is too old, or was erased in part."""
    name = names_of(decision).get("input", "")
    there = kept(connection, [name]).get(name)
    # What was altered, to erase a person, cannot be told from what somebody else altered.
    if there is not None and (there.value is None or there.actual != there.name):
        return None
    given = value_of(connection, decision, "input") or {}
    allowed_at = times.parse(given["now"]["text"])
    if not timedelta() <= now - allowed_at <= timedelta(days=LONGEST_DAYS) or given["as_of"] or "rollback" in given:
        return None
    if (given["subject"]["digest"], given["stage"], given["context_digest"]) != (
        wanted.digest,
        wanted.stage,
        wanted.context,
    ):
        raise LogError(f"The input of row {decision.seq} is about something else than the row", mend="qaqpa log verify")
    facts = (fact for of_kind in given["evidence"].values() for fact in of_kind)
    counted = frozenset(str(fact["id"]) for fact in facts if not fact["against_only"])
    return Rollback(decision.seq, allowed_at, counted)


def _entry(connection: Any, seq: int, key: PublicKey, log: str) -> Entry | None:
    """What a row says, verified; None where another gate signed it, whose key is not known here.

    Raises:
        LogError: it is not there, or was changed.
    """
    found = row(connection, seq)
    if found is None:
        raise LogError(f"Row {seq} is missing", mend="qaqpa log verify")
    entry, envelope = open_row(found.body)
    if fingerprint(key) not in dict(envelope.signatures):
        return None
    if not signed_by(envelope, key) or not _in_place(found, entry, log):
        raise LogError(f"Row {seq} was changed", mend="qaqpa log verify")
    return entry


def _in_place(found: Row, entry: Entry, log: str) -> bool:
    hangs_together = link(found.prev, found.body) == found.head
    return hangs_together and (entry.seq, entry.prev, entry.log) == (found.seq, found.prev.hex(), log)
