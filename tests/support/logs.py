# SPDX-License-Identifier: Apache-2.0
"""Decision logs for tests, and what an owner of their database can do to them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import delete, insert, select, text, update

from qaqpa.config import LogSource
from qaqpa.evidence.keys import new_key, write_key
from qaqpa.gate import decide
from qaqpa.model import Decision, JsonObject, Verdict
from qaqpa.policy.engine import Engine
from qaqpa.record.log.allowed import recorded_as
from qaqpa.record.log.asked import Asked, Result
from qaqpa.record.log.chain import Row, peek
from qaqpa.record.log.database import Database
from qaqpa.record.log.decisions import DecisionLog
from qaqpa.record.log.listing import Wanted, listed, recorded
from qaqpa.record.log.opening import open_log, signing_key
from qaqpa.record.log.putting import Draft
from qaqpa.record.log.reading import rows
from qaqpa.record.log.replay import replay
from qaqpa.record.log.tables import allowed, chain, content, overrides
from qaqpa.record.log.verify import Verified, verify
from support.statements import everything, request


def log_source(directory: Path, url: str = "", *, kind: str = "p256", name: str = "gate.key") -> LogSource:
    """A log with a key of its own; a file of SQLite in the directory where no database is named."""
    key = directory / name
    if not key.exists():
        write_key(key, new_key(kind), None, "gate")
    return LogSource(url or f"sqlite:///{directory}/log.db", key)


def without_log(url: str) -> str:
    """A database of PostgreSQL from which a log was taken away: a new one would take longer to make and to delete."""
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        for table in (chain, content, overrides, allowed):
            connection.execute(text(f"DROP TABLE IF EXISTS {table.name} CASCADE"))
    engine.dispose()
    return url


def made(engine: Engine, *, evidence: bool = True) -> Decision:
    """A decision: allowed with evidence, denied without."""
    return decide(request(everything() if evidence else ()), engine)


def asked(decision: Decision | None, **changes: Any) -> Asked:
    """What somebody asked for, whose login is `dana`."""
    subject = decision.document["subject"] if decision else {"name": "credit"}
    fields: dict[str, Any] = {
        "verdict": decision.verdict if decision else Verdict.UNDECIDED,
        "stage": "production",
        "model": subject["name"],
        "action": f"alias production of {subject['name']}",
        "mode": "enforce",
        "user": "dana",
        "decision": decision,
    }
    return Asked(**{**fields, **changes})


def filled(source: LogSource, decision: Decision, pairs: int = 4) -> DecisionLog:
    """A log with decisions that were written; after the first row, two rows for each."""
    log = open_log(source)
    for _ in range(pairs):
        log.outcome([log.decided(asked(decision))], Result.WRITTEN)
    return log


def checked(source: LogSource, checkpoints: Sequence[Any] = ()) -> Verified:
    """What `verify` finds with the log's own key."""
    return verify(Database(source), [signing_key(source).public_key], checkpoints)


def decisions(source: LogSource) -> list[Any]:
    """What the rows of decisions say, oldest first."""
    with Database(source).reading() as connection:
        read = [peek(row.body) for row in rows(connection)]
    return [entry.fields for entry in read if entry.kind == "decision"]


def kinds(source: LogSource) -> list[str]:
    """The kinds of all rows, by number."""
    with Database(source).reading() as connection:
        return [peek(row.body).kind for row in rows(connection)]


def replayed(source: LogSource, engine: Engine) -> int:
    """How many decisions of a log there are; each that policies made has to give the same document again.

    What was undecided because the policies could not be asked was made by none.
    """
    database, count = Database(source), 0
    for one in listed(database, Wanted(), 1_000_000):
        found = recorded(database, one.entry.seq)
        if found.document is not None and not _without_policies(found.document):
            assert replay(found, engine).is_same, found.listed
        count += 1
    return count


def _without_policies(document: JsonObject) -> bool:
    return any(problem["code"] == "engine_failed" for problem in document["problems"])


class Owner:
    """Somebody who owns the database, and lacks the key."""

    def __init__(self, source: LogSource) -> None:
        """Drops the triggers."""
        self.engine = sqlalchemy.create_engine(source.url)
        with self.engine.begin() as connection:
            for table in (chain.name, overrides.name, allowed.name):
                if source.is_file:
                    for event in ("update", "delete"):
                        connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{event}"))
                else:
                    connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_guard ON {table}"))

    def rows(self) -> list[Row]:
        with self.engine.begin() as connection:
            return list(rows(connection))

    def write(self, *wanted: Row) -> None:
        """Replaces all rows."""
        with self.engine.begin() as connection:
            connection.execute(delete(chain))
            for row in wanted:
                connection.execute(
                    insert(chain), {"seq": row.seq, "prev": row.prev, "head": row.head, "body": row.body}
                )

    def tidy(self) -> None:
        """Makes the table of what was allowed fit the rows again, as somebody who knows it would."""
        found = [recorded_as(peek(row.body)) for row in self.rows()]
        with self.engine.begin() as connection:
            connection.execute(delete(allowed))
            for row, of in zip(rows(connection), found, strict=True):
                if of:
                    connection.execute(insert(allowed), {"seq": row.seq, "decision": of[0], "sha256": of[1]})

    def change_content(self, number: int = 0, **values: Any) -> None:
        """Changes one piece of content."""
        with self.engine.begin() as connection:
            names = connection.execute(select(content.c.commitment).order_by(content.c.commitment)).scalars().all()
            connection.execute(update(content).where(content.c.commitment == names[number]).values(**values))

    def run(self, statement: Any) -> None:
        """Any statement."""
        with self.engine.begin() as connection:
            connection.execute(statement)


def append_many(source: LogSource, count: int) -> None:
    """Appends rows; where a process of its own can import it."""
    log = open_log(replace(source, timeout_seconds=20))
    for number in range(count):
        log.append([Draft("x", {"number": number})])


def append_for(source: LogSource, decision: Decision | None, seconds: float, start: Any, results: Any) -> None:
    """Appends for some time, bare rows without a decision; puts how long each took, in seconds, where others wait."""
    log = open_log(source)
    log.append([Draft("x")])
    taken = []
    start.wait()
    until = time.perf_counter() + seconds
    while (began := time.perf_counter()) < until:
        if decision:
            log.decided(asked(decision))
        else:
            log.append([Draft("decision", {"verdict": "allow"})])
        taken.append(time.perf_counter() - began)
    results.put(taken)
