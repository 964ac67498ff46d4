# SPDX-License-Identifier: Apache-2.0
"""Digests that were computed ahead, in the registry's database, which all processes of all servers share.

A row belongs to a place and to one state of it, and says nothing of any other state. Who hashes a place holds a lease
on its row, so that it is hashed once; where the process is killed, the lease ends by itself.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

from sqlalchemy import bindparam, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from qaqpa import __version__
from qaqpa.mlflow.connecting import Question
from qaqpa.mlflow.tables import DIGESTS
from qaqpa.mlflow.trees import Facts, Seen
from qaqpa.model import Problem

LEASE_SECONDS = 60
"""How long nobody else hashes a place whose hashing process went silent."""

_DAY_MS = 24 * 3600 * 1000
_LONGEST_MS = 90 * _DAY_MS
_FAILED_MS = 5 * 60 * 1000


_STORED = Question(
    select(DIGESTS.c.digest, DIGESTS.c.problem, DIGESTS.c.detail).where(
        DIGESTS.c.place == bindparam("place"),
        DIGESTS.c.listing == bindparam("listing"),
        DIGESTS.c.made_by == bindparam("made_by"),
        DIGESTS.c.made_ms > bindparam("oldest"),
        or_(DIGESTS.c.digest != "", DIGESTS.c.made_ms > bindparam("oldest_failed")),
    )
)


def stored(session: Any, key: str, seen: Seen) -> Facts | None:
    """What was computed of a place in exactly this state, by this version of Qaqpa, in the last 90 days.

    That there is no digest counts for five minutes only: storage that did not answer may answer again.

    Args:
        session: a session or a connection.
        key: of the tree.
        seen: its state.
    """
    now = _now()
    asked = {"place": _place(key), "listing": seen.fingerprint, "made_by": __version__}
    rows = _STORED.rows(session, {**asked, "oldest": now - _LONGEST_MS, "oldest_failed": now - _FAILED_MS})
    if not rows:
        return None
    row = rows[0]
    return Facts(row.digest or None, (Problem(row.problem, row.detail),) if row.problem else ())


def keep(session: Any, key: str, seen: Seen, facts: Facts) -> None:
    """Stores what was computed, ends the lease, and forgets what is too old to count."""
    problem = next(iter(facts.problems), Problem("", ""))
    found = {
        "listing": seen.fingerprint,
        "digest": facts.digest or "",
        "problem": problem.code,
        "detail": problem.detail,
    }
    made = {"made_by": __version__, "made_ms": _now(), "busy_until_ms": 0}
    session.execute(DIGESTS.update().where(DIGESTS.c.place == _place(key)).values(**found, **made))
    old = (DIGESTS.c.made_ms < _now() - _LONGEST_MS, DIGESTS.c.busy_until_ms < _now())
    session.execute(DIGESTS.delete().where(*old))


def claim(session: Any, key: str, owner: str) -> bool:
    """Takes the lease on a place, or makes one's own longer; false where somebody else has it.

    Args:
        session: a transaction of its own.
        key: of the tree.
        owner: who hashes, random.
    """
    now = _now()
    lease = {"owner": owner, "busy_until_ms": now + LEASE_SECONDS * 1000}
    empty = {"listing": "", "digest": "", "problem": "", "detail": "", "made_by": "", "made_ms": now}
    dialect = sqlite if session.connection().dialect.name == "sqlite" else postgresql
    row = {"place": _place(key), **empty, **lease}
    if session.execute(dialect.insert(DIGESTS).values(**row).on_conflict_do_nothing()).rowcount:
        return True
    mine = (DIGESTS.c.place == _place(key), or_(DIGESTS.c.busy_until_ms < now, DIGESTS.c.owner == owner))
    return bool(session.execute(DIGESTS.update().where(*mine).values(**lease)).rowcount)


def release(session: Any, key: str, owner: str) -> None:
    """Ends the lease."""
    mine = (DIGESTS.c.place == _place(key), DIGESTS.c.owner == owner)
    session.execute(DIGESTS.update().where(*mine).values(busy_until_ms=0))


def _place(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _now() -> int:
    return time.time_ns() // 1_000_000
