# SPDX-License-Identifier: Apache-2.0
"""What was allowed before is found by its bytes, stage and context, on each kind of database."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy
from sqlalchemy import insert, select, text, update

from qaqpa import times
from qaqpa.config import LogSource
from qaqpa.model import Decision, Verdict
from qaqpa.record.log.allowed import Promotion, promoted
from qaqpa.record.log.asked import Result
from qaqpa.record.log.database import Database
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.opening import open_log
from qaqpa.record.log.putting import Draft
from qaqpa.record.log.tables import allowed, content
from qaqpa.record.log.writer import Appended
from support.logs import Owner, asked, checked, filled
from support.processes import parent
from support.statements import NOW


def wanted(decision: Decision, **changes: str) -> Promotion:
    document = decision.document
    return replace(Promotion(document["subject"]["digest"], document["stage"], document["context_digest"]), **changes)


def test_the_newest_promotion_that_was_done_is_found_with_its_evidence(source: LogSource, decision: Decision) -> None:
    log = filled(source, decision, 3)
    found = log.last_allowed(wanted(decision), NOW + timedelta(days=1))
    assert found
    assert (found.decision, found.allowed_at) == (6, NOW)
    ids = {fact["id"] for facts in decision.input["evidence"].values() for fact in facts}
    assert found.counted == ids
    assert checked(source).problems == []


@pytest.mark.parametrize(
    "change",
    [{"digest": "ef" * 32}, {"stage": "staging"}, {"context": "ef" * 32}],
    ids=lambda change: next(iter(change)),
)
def test_nothing_else_is_found(source: LogSource, decision: Decision, change: dict[str, str]) -> None:
    assert filled(source, decision, 1).last_allowed(wanted(decision, **change), NOW) is None


def test_only_an_ordinary_promotion_that_was_done_is_found(source: LogSource, decision: Decision) -> None:
    log = open_log(source)
    for changes, result in (
        ({}, Result.FAILED),
        ({}, Result.ASKED),
        ({"mode": "observe"}, Result.WRITTEN),
        ({"verdict": Verdict.DENY}, Result.WRITTEN),
    ):
        log.outcome([log.decided(asked(decision, **changes))], result)
    log.decided(asked(decision))
    back = replace(
        decision, input={**decision.input, "rollback": {"decision": 2, "allowed_at": times.pair(NOW)}}, asked=b""
    )
    log.outcome([log.decided(asked(back))], Result.WRITTEN)
    beside = log.decided(asked(decision))
    log.outcome([beside], Result.WRITTEN, overrides={beside: log.claim_override("ab" * 32, {})})
    assert log.last_allowed(wanted(decision), NOW) is None
    assert checked(source).problems == []


@pytest.mark.parametrize(("days", "found"), [(-1, False), (0, True), (90, True), (91, False)])
def test_only_what_is_not_too_old_is_found(source: LogSource, decision: Decision, days: int, *, found: bool) -> None:
    log = filled(source, decision, 1)
    assert (log.last_allowed(wanted(decision), NOW + timedelta(days=days)) is not None) == found


def test_a_row_without_its_bytes_or_context_allowed_nothing_to_go_back_to() -> None:
    row = {"verdict": "allow", "mode": "enforce", "digest": "ab", "stage": "production", "context": "cd"}
    assert promoted(row) == Promotion("ab", "production", "cd")
    for name in ("digest", "stage", "context"):
        for value in (None, "", 5):
            assert promoted({**row, name: value}) is None


def test_it_is_found_by_an_index_and_not_by_reading_the_log(source: LogSource, decision: Decision) -> None:
    log = filled(source, decision, 1)
    query = select(allowed.c.seq).where(allowed.c.sha256 == wanted(decision).sha256).order_by(allowed.c.seq.desc())
    owner = Owner(source)
    with owner.engine.begin() as connection:
        many = [{"seq": 1000 + number, "decision": 1, "sha256": f"{number:064x}"} for number in range(3000)]
        connection.execute(insert(allowed), many)
        if not source.is_file:
            connection.execute(text("ANALYZE qaqpa_log_allowed"))
        told = query.compile(connection, compile_kwargs={"literal_binds": True})
        how = "EXPLAIN QUERY PLAN" if source.is_file else "EXPLAIN"
        plan = " ".join(str(row) for row in connection.execute(text(f"{how} {told}")))
    assert "qaqpa_log_allowed_sha256" in plan
    assert log.last_allowed(wanted(decision), NOW)


def test_a_log_from_before_gets_the_table(source: LogSource, decision: Decision) -> None:
    filled(source, decision, 1)
    engine = sqlalchemy.create_engine(source.url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE qaqpa_log_allowed"))
    log = open_log(source)
    assert log.last_allowed(wanted(decision), NOW) is None
    log.outcome([log.decided(asked(decision))], Result.WRITTEN)
    assert log.last_allowed(wanted(decision), NOW)
    with pytest.raises(sqlalchemy.exc.DBAPIError), engine.begin() as connection:
        connection.execute(text("DELETE FROM qaqpa_log_allowed"))
    engine.dispose()


def test_a_body_that_is_broken_is_called_changed_and_not_too_large(source: LogSource, decision: Decision) -> None:
    log = filled(source, decision, 1)
    with Owner(source).engine.begin() as connection:
        for name, body in connection.execute(select(content.c.commitment, content.c.body)).all():
            spoilt = bytes(body)[:40] + b"\xff" * 40 + bytes(body)[80:]
            connection.execute(update(content).where(content.c.commitment == name).values(body=spoilt))
    with pytest.raises(LogError, match="input of row 2 is missing or was changed"):
        log.last_allowed(wanted(decision), NOW + timedelta(days=1))
    assert all("is missing or was changed" in problem for problem in checked(source).problems)
    assert checked(source).problems


def test_a_reader_that_waits_is_bounded_in_time(source: LogSource, decision: Decision) -> None:
    if source.is_file:
        pytest.skip("SQLite's readers wait for nobody")
    filled(source, decision, 1)
    database = Database(replace(source, timeout_seconds=0.3))
    with pytest.raises(LogError, match="timeout"), database.reading(bounded=True) as connection:
        connection.execute(text("SELECT pg_sleep(5)"))
    with database.reading() as connection:
        connection.execute(text("SELECT pg_sleep(0.5)"))


def test_a_database_that_stands_still_keeps_nobody_waiting(source: LogSource, decision: Decision) -> None:
    if source.is_file:
        pytest.skip("no process of its own serves a file")
    log = filled(replace(source, timeout_seconds=0.5), decision, 1)
    owner = Owner(source)
    with owner.engine.connect() as connection:
        query = text("SELECT pid FROM pg_stat_activity WHERE application_name = 'qaqpa decision log'")
        pids = connection.execute(query).scalars().all()
    assert pids
    # And whoever would serve another connection.
    pids = [*pids, parent(pids[0])]

    def stop() -> None:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)

    began = time.monotonic()
    append = log._writer.append

    def then_stop(drafts: Sequence[Draft]) -> Appended:
        appended = append(drafts)
        stop()
        return appended

    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log._writer, "append", then_stop)
            with pytest.raises(LogError, match="does not answer"):
                log.last_allowed(wanted(decision), NOW)
        assert time.monotonic() - began < 3
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert log.last_allowed(wanted(decision), NOW)


def test_what_a_database_lost_is_not_gone_back_to(source: LogSource, decision: Decision) -> None:
    log = filled(source, decision, 1)
    owner = Owner(source)
    kept = owner.rows()
    owner.write(*kept[:1], *kept[2:])
    with pytest.raises(LogError, match="Row 2 is missing"):
        log.last_allowed(wanted(decision), NOW)
