# SPDX-License-Identifier: Apache-2.0
"""Overrides that were used, as a server sees them: whom they concern, when their review is due, and who reviewed."""

from __future__ import annotations

import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from qaqpa import times
from qaqpa.config import LogSource
from qaqpa.model import Subject
from qaqpa.record.log.asked import Claim
from qaqpa.record.log.database import Database
from qaqpa.record.log.decisions import DecisionLog
from qaqpa.record.log.errors import OverrideUsedError
from qaqpa.record.log.listing import used
from qaqpa.record.log.newest import FRESH_SECONDS
from qaqpa.record.log.opening import open_log
from qaqpa.record.log.tables import content, overrides
from support.logs import Owner, checked, kinds, log_source

DAY = timedelta(days=1)
A, B = "ab" * 32, "cd" * 32


@pytest.fixture
def source(tmp_path: Path) -> LogSource:
    return log_source(tmp_path)


def fields(**changes: Any) -> dict[str, Any]:
    about = {"decisions": [7], "model": "credit", "workspace": "default", "created": 5, "digest": "e" * 64}
    return {**about, "due": times.render(times.now() + DAY), **changes}


def claimed(log: DecisionLog, sha256: str = A, **changes: Any) -> int:
    about = {"ticket": "INC-17", "signers": [["incident1", "response"], ["incident2", "on-call"]]}
    return log.claim([Claim(sha256, fields(**changes), about)])[0]


def test_a_server_sees_what_another_one_used_and_what_was_reviewed(source: LogSource) -> None:
    log, other = open_log(source), open_log(source)
    assert (log.clock_problem(times.now()), log.uses) == (None, ())
    row = claimed(other)
    time.sleep(FRESH_SECONDS)
    log.clock_problem(times.now())
    [use] = log.uses
    assert (use.entry.seq, use.sha256, use.ticket, use.decisions, use.review) == (row, A, "INC-17", [7], None)
    assert use.signers == [("incident1", "response"), ("incident2", "on-call")]
    claimed(other, B)
    other.reviewed(use, "ef" * 32, "justified", {"learnt": "x"})
    time.sleep(FRESH_SECONDS)
    log.clock_problem(times.now())
    first, second = log.uses
    assert first.review
    assert (first.review.fields["of"], second.sha256, second.review) == (row, B, None)
    assert used(Database(source)) == log.uses
    assert checked(source).problems == []


def test_what_this_server_used_itself_is_seen_at_once(source: LogSource) -> None:
    log = open_log(source)
    assert (log.clock_problem(times.now()), log.uses) == (None, ())
    claimed(log)
    log.clock_problem(times.now())
    [use] = log.uses
    log.reviewed(use, "ef" * 32, "justified", {"learnt": "x"})
    log.clock_problem(times.now())
    assert log.uses[0].review


def test_of_two_servers_that_see_a_review_one_records_it(source: LogSource) -> None:
    log = open_log(source)
    claimed(log)
    log.clock_problem(times.now())
    [use] = log.uses
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: one.reviewed(use, B, "justified", {}), [open_log(source) for _ in range(4)]))
    assert kinds(source).count("review") == 1


def test_several_are_used_all_or_none(source: LogSource) -> None:
    log = open_log(source)
    claimed(log)
    with pytest.raises(OverrideUsedError):
        log.claim([Claim(B, fields()), Claim(A, fields())])
    assert [use.sha256 for use in used(Database(source))] == [A]
    assert len(log.claim([Claim(B, fields()), Claim("12" * 32, fields())])) == 2


@pytest.mark.parametrize(
    ("subject", "concerned"),
    [
        (Subject("credit", digest="f" * 64), True),
        (Subject("other", digest="e" * 64), True),
        (Subject("renamed", digest="f" * 64, created_ms=5), True),
        (Subject("other", digest="f" * 64, created_ms=6), False),
        (Subject("credit", digest="f" * 64, workspace="another"), False),
        (Subject("renamed", digest="f" * 64, created_ms=5, workspace="another"), False),
        (Subject("other", digest="e" * 64, workspace="another"), True),
        (Subject("other"), False),
    ],
)
def test_it_concerns_the_name_the_bytes_and_the_registered_model(
    source: LogSource,
    subject: Subject,
    concerned: bool,  # noqa: FBT001
) -> None:
    claimed(open_log(source))
    [use] = used(Database(source))
    assert use.concerns(subject) is concerned


def test_a_row_that_names_nothing_concerns_nobody_without_name(source: LogSource) -> None:
    open_log(source).claim_override(A, {})
    [use] = used(Database(source))
    assert not use.concerns(Subject("credit"))
    assert use.is_overdue(times.now())


@pytest.mark.parametrize(("due", "overdue"), [(DAY, False), (-DAY, True), (None, True)])
def test_it_is_overdue_after_the_day_that_the_row_names(
    source: LogSource,
    due: timedelta | None,
    overdue: bool,  # noqa: FBT001
) -> None:
    now = times.now()
    claimed(open_log(source), due=times.render(now + due) if due else "never")
    [use] = used(Database(source))
    assert use.is_overdue(now) is overdue


def test_what_is_erased_or_destroyed_beside_the_row_frees_nobody(source: LogSource) -> None:
    claimed(open_log(source), due=times.render(times.now() - DAY))
    Owner(source).run(update(content).values(body=zlib.compress(b"{}")))
    [use] = used(Database(source))
    assert use.is_overdue(times.now())
    assert (use.ticket, list(use.signers)) == ("(erased)", [])
    assert any("is missing or was changed" in problem for problem in checked(source).problems)


def test_a_review_that_is_taken_out_of_the_table_is_found(source: LogSource) -> None:
    log = open_log(source)
    claimed(log)
    log.clock_problem(times.now())
    log.reviewed(log.uses[0], B, "justified", {})
    Owner(source).run(delete(overrides).where(overrides.c.sha256 == B))
    assert any("used overrides and the rows differ" in problem for problem in checked(source).problems)
