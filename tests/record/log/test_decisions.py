# SPDX-License-Identifier: Apache-2.0
"""What the gate writes: decisions and outcomes, starts, overrides; on each kind of database."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import zlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from qaqpa import times
from qaqpa.config import Config, LogSource
from qaqpa.model import Decision, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.log.asked import Result
from qaqpa.record.log.chain import compact, peek
from qaqpa.record.log.database import Database
from qaqpa.record.log.errors import LogError, OverrideUsedError
from qaqpa.record.log.listing import Wanted, listed, recorded
from qaqpa.record.log.opening import open_log
from qaqpa.record.log.putting import Draft
from qaqpa.record.log.reading import row
from qaqpa.record.log.tables import chain, content, overrides
from support.logs import Owner, append_many, asked, checked, filled, kinds, log_source, made


def test_a_decision_comes_back_as_it_was_made(source: LogSource, decision: Decision) -> None:
    log = open_log(source)
    number = log.decided(asked(decision))
    found = recorded(log.database, number)
    assert found.decision == decision
    assert (found.about["user"], found.about["action"]) == ("dana", "alias production of credit")
    assert found.listed.outcome == "unknown"
    log.outcome([number], Result.FAILED, "changed_meanwhile")
    again = recorded(log.database, number).listed
    assert (again.outcome, again.reason) == ("failed", "changed_meanwhile")


def test_the_text_that_the_engine_was_given_is_what_is_recorded(decision: Decision) -> None:
    assert decision.asked == compact(decision.input)


def test_a_signed_row_names_nobody(source: LogSource, decision: Decision) -> None:
    log = open_log(source)
    number = log.decided(asked(decision))
    with log.database.reading() as connection:
        found = row(connection, number)
    assert found
    said = str(peek(found.body))
    assert "credit" in said
    for name in ("dana", "auditor", "trainer"):
        assert name in str(decision.input) + "dana"
        assert name not in said


def test_the_same_input_is_stored_once(source: LogSource, decision: Decision) -> None:
    filled(source, decision, 3)
    with Database(source).reading() as connection:
        bodies = connection.execute(select(content.c.digest)).scalars().all()
    assert len([digest for digest in bodies if digest]) == 1
    assert len(bodies) == 4


def test_decisions_are_listed_newest_first_and_chosen(
    source: LogSource, decision: Decision, engine: EmbeddedEngine
) -> None:
    log = filled(source, decision, 2)
    denied = made(engine, evidence=False)
    log.decided(asked(denied, verdict=Verdict.DENY, model="other"))
    log.outcome([log.decided(asked(denied, verdict=Verdict.DENY, mode="observe"))], Result.WRITTEN)

    def found(**wanted: str) -> list[tuple[int, str]]:
        return [(one.entry.seq, one.outcome) for one in listed(log.database, Wanted(**wanted), 100)]

    assert found() == [(7, "written"), (6, "refused"), (4, "written"), (2, "written")]
    assert found(model="other") == [(6, "refused")]
    assert found(verdict="deny") == [(7, "written"), (6, "refused")]
    assert found(outcome="refused") == [(6, "refused")]
    assert found(since=times.render(times.now() + timedelta(days=1))) == []
    assert len(list(listed(log.database, Wanted(), 2))) == 2


def test_an_override_is_claimed_once_and_it_is_told_where(source: LogSource) -> None:
    log = open_log(source)
    number = log.claim_override("ab" * 32, {"model": "credit"})
    with pytest.raises(OverrideUsedError, match=f"row {number} .*was used already") as caught:
        open_log(source).claim_override("ab" * 32, {})
    assert caught.value.seq == number
    assert log.claim_override("cd" * 32, {}) == number + 1
    assert checked(source).problems == []


def test_one_override_of_two_at_once_is_claimed(source: LogSource) -> None:
    log, told = open_log(source), list[object]()

    def claim() -> None:
        try:
            told.append(log.claim_override("ab" * 32, {}))
        except OverrideUsedError as error:
            told.append(error)

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(one).__name__ for one in told) == ["OverrideUsedError"] * 7 + ["int"]
    assert kinds(source).count("override") == 1


def test_what_was_changed_in_the_configuration_is_recorded(source: LogSource) -> None:
    log = open_log(source)
    before = Config(log=source)
    log.start(before, {"policy": "p"})
    log.start(before, {"policy": "p"})
    log.start(replace(before, engine="opa"), {"policy": "p"})
    with log.database.reading() as connection:
        changed = [peek(found.body).fields["changed"] for n in (2, 3, 4) if (found := row(connection, n))]
    assert changed == [None, [], ["engine"]]


def test_a_password_is_not_recorded(source: LogSource) -> None:
    log = open_log(source)
    log.start(Config(log=replace(source, url="postgresql+psycopg2://gate:secret@host/log")), {})
    with log.database.reading() as connection:
        found = row(connection, 2)
        bodies = connection.execute(select(content.c.body)).scalars().all()
    assert found
    assert b"gate:***@host" in zlib.decompress(bodies[0])


def test_a_clock_behind_the_log_is_a_problem(source: LogSource) -> None:
    log = open_log(source)
    assert log.clock_problem(times.now()) is None
    log.append([Draft("x")])
    assert log.clock_problem(times.now()) is None
    problem = log.clock_problem(times.now() - timedelta(minutes=1))
    assert problem
    assert problem.code == "clock_went_back"


def test_a_clock_that_went_back_stays_a_problem_after_a_row_was_written(
    source: LogSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, now = open_log(source), times.now()
    log.append([Draft("x")])
    monkeypatch.setattr(times, "now", lambda: now - timedelta(hours=1))
    log.append([Draft("x")])
    assert log.clock_problem(now - timedelta(minutes=30))
    assert checked(source).problems == []


@pytest.mark.parametrize("statement", [update(chain).values(body=b"x"), delete(chain), delete(overrides)])
def test_rows_are_neither_changed_nor_deleted_by_accident(source: LogSource, statement: Any) -> None:
    open_log(source).claim_override("ab" * 32, {})
    engine = sqlalchemy.create_engine(source.url)
    with pytest.raises(DBAPIError, match="neither changed nor deleted"), engine.begin() as connection:
        connection.execute(statement)


def test_processes_that_write_at_once_make_one_chain(source: LogSource) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=append_many, args=(source, 20)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 3
    found = checked(source)
    assert (found.size, found.problems) == (61, [])


def test_threads_that_write_at_once_make_one_chain(source: LogSource) -> None:
    log = open_log(source)
    threads = [threading.Thread(target=lambda: [log.append([Draft("x")]) for _ in range(10)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = checked(source)
    assert (found.size, found.problems) == (81, [])


def test_a_forked_process_appends_too(source: LogSource) -> None:
    log = open_log(source)
    log.append([Draft("x")])
    process = multiprocessing.get_context("fork").Process(target=log.append, args=([Draft("x")],))
    process.start()
    process.join()
    log.append([Draft("x")])
    assert process.exitcode == 0
    assert checked(source).size == 4


def test_a_process_notices_that_its_own_rows_are_gone(source: LogSource, decision: Decision) -> None:
    log = filled(source, decision)
    owner = Owner(source)
    owner.write(*owner.rows()[:-2])
    with pytest.raises(LogError, match="are gone from the decision log"):
        log.decided(asked(decision))


def test_a_process_notices_that_the_last_row_was_changed(source: LogSource, decision: Decision) -> None:
    filled(source, decision)
    owner = Owner(source)
    *before, last = owner.rows()
    owner.write(*before, replace(last, body=last.body.replace(b"signatures", b"Signatures")))
    with pytest.raises(LogError):
        open_log(source).decided(asked(decision))


def test_the_key_is_made_beside_a_file_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    source = LogSource(f"sqlite:///{tmp_path}/new/decisions.db")
    open_log(source).append([Draft("x")])
    assert source.key_file.stat().st_mode & 0o777 == 0o600
    assert source.file.stat().st_mode & 0o777 == 0o600
    assert checked(source).problems == []
    source.key_file.unlink()
    with pytest.raises(Exception, match="and the key that signs it is not"):
        open_log(source)


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    program = (
        "import sys; from qaqpa.config import LogSource; from qaqpa.record.log.opening import open_log;"
        "from qaqpa.record.log.putting import Draft;"
        "open_log(LogSource(sys.argv[1], timeout_seconds=20)).append([Draft('x')])"
    )
    source = LogSource(f"sqlite:///{tmp_path}/decisions.db")
    running = [subprocess.Popen([sys.executable, "-c", program, source.url]) for _ in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    found = checked(source)
    assert (found.size, found.problems) == (5, [])


def test_a_database_that_is_no_log_is_refused(tmp_path: Path) -> None:
    source = log_source(tmp_path)
    source.file.write_bytes(b"no database at all, but longer than a header of SQLite would be" * 20)
    with pytest.raises(LogError, match="not a database"):
        open_log(source).append([Draft("x")])
