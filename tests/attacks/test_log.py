# SPDX-License-Identifier: Apache-2.0
"""Attacks on the decision log by somebody who owns its database: what is found, and what only a checkpoint shows."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, text

from qaqpa.config import LogSource
from qaqpa.evidence.keys import FileKey, new_key
from qaqpa.model import Decision
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.log.chain import ZERO, Entry, Row, commitment, link, make_row, peek
from qaqpa.record.log.opening import open_log, signing_key
from qaqpa.record.log.tables import content, overrides
from qaqpa.record.log.verify import Verified
from support.logs import Owner, asked, checked, filled, log_source, made, without_log
from support.servers import postgresql


@pytest.fixture(scope="module")
def decision(engine: EmbeddedEngine) -> Decision:
    return made(engine)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgresql() as new:
        yield new("psycopg2", "log")


@pytest.fixture(params=["sqlite", "psycopg2"])
def source(request: pytest.FixtureRequest, tmp_path: Path, decision: Decision) -> LogSource:
    """A log of nine rows."""
    url = without_log(request.getfixturevalue("database")) if request.param == "psycopg2" else ""
    found = log_source(tmp_path, url)
    filled(found, decision)
    assert checked(found).problems == []
    return found


def _chained(rows: list[Row]) -> list[Row]:
    """The same bodies with numbers, predecessors and hashes that fit, as far as they can be made without the key."""
    made_up, head = [], ZERO
    for number, row in enumerate(rows, 1):
        made_up.append(Row(number, head, link(head, row.body), row.body))
        head = made_up[-1].head
    return made_up


def _signed_again(rows: list[Row], key: FileKey) -> list[Row]:
    """The whole log as somebody writes it who has a key."""
    found, head = [], ZERO
    for number, row in enumerate(rows, 1):
        entry = peek(row.body)
        found.append(make_row(replace(entry, seq=number, prev=head.hex()), key))
        head = found[-1].head
    return found


def _attacked(
    source: LogSource, change: Callable[[list[Row]], list[Row]], *points: object, tidy: bool = False
) -> Verified:
    owner = Owner(source)
    owner.write(*change(owner.rows()))
    if tidy:
        owner.tidy()
    return checked(source, points)


def test_a_row_that_says_something_else(source: LogSource) -> None:
    def change(rows: list[Row]) -> list[Row]:
        rows[3] = replace(rows[3], body=rows[5].body)
        return rows

    assert "row 4 was changed: its hash is another one" in _attacked(source, change).problems


def test_a_row_that_says_something_else_with_all_hashes_made_to_fit(source: LogSource) -> None:
    def change(rows: list[Row]) -> list[Row]:
        rows[3] = replace(rows[3], body=rows[3].body.replace(b"eyJ", b"eyK", 1))
        return _chained(rows)

    assert any(
        "row 4 is not signed" in problem or "row 4 is no row" in problem
        for problem in _attacked(source, change).problems
    )


def test_a_row_that_is_deleted(source: LogSource) -> None:
    assert "row 4 is missing: row 5 follows row 3" in _attacked(source, lambda rows: rows[:3] + rows[4:]).problems


def test_a_row_that_is_deleted_with_all_numbers_and_hashes_made_to_fit(source: LogSource) -> None:
    found = _attacked(source, lambda rows: _chained(rows[:3] + rows[4:]))
    assert "row 4 was moved: it was signed as row 5" in found.problems


def test_a_row_that_is_inserted(source: LogSource) -> None:
    found = _attacked(source, lambda rows: _chained([*rows[:3], rows[1], *rows[3:]]))
    assert "row 4 was moved: it was signed as row 2" in found.problems


def test_two_rows_that_change_places(source: LogSource) -> None:
    found = _attacked(source, lambda rows: _chained([*rows[:3], rows[4], rows[3], *rows[5:]]))
    assert "row 4 was moved: it was signed as row 5" in found.problems


def test_a_row_signed_by_another_key(source: LogSource) -> None:
    def change(rows: list[Row]) -> list[Row]:
        entry = peek(rows[-1].body)
        return [*rows[:-1], make_row(entry, FileKey(new_key("p256")))]

    assert any("row 9 is not signed by a key of this log" in problem for problem in _attacked(source, change).problems)


def test_a_row_signed_by_another_key_under_the_name_of_the_right_one(source: LogSource) -> None:
    other = FileKey(new_key("p256"))

    def change(rows: list[Row]) -> list[Row]:
        row = make_row(peek(rows[-1].body), other)
        body = row.body.replace(other.key_id.encode(), signing_key(source).key_id.encode())
        assert body != row.body
        return [*rows[:-1], Row(row.seq, row.prev, link(row.prev, body), body)]

    assert any("row 9 is not signed by a key of this log" in problem for problem in _attacked(source, change).problems)


def test_rows_of_another_log_of_the_same_gate(source: LogSource, tmp_path: Path, decision: Decision) -> None:
    other = replace(source, url=f"sqlite:///{tmp_path}/other.db")
    filled(other, decision)
    donor = Owner(other).rows()
    found = _attacked(source, lambda rows: [*rows[:4], *donor[4:]])
    assert any("row 5 belongs to another log" in problem for problem in found.problems)


def test_a_number_that_stands_twice(source: LogSource) -> None:
    owner = Owner(source)
    rows = owner.rows()
    kind = "BLOB" if source.is_file else "BYTEA"
    owner.run(text("DROP TABLE qaqpa_log"))
    owner.run(text(f"CREATE TABLE qaqpa_log (seq BIGINT, prev {kind}, head {kind}, body {kind})"))
    owner.write(*rows[:4], rows[3], *rows[4:])
    assert "row 5 is missing: row 4 follows row 4" in checked(source).problems


def test_rows_that_are_cut_off_at_the_end_are_found_by_a_checkpoint_only(source: LogSource) -> None:
    point = checked(source).checkpoint
    found = _attacked(source, lambda rows: rows[:-3], point, tidy=True)
    assert found.problems == ["rows are missing at the end: a checkpoint knows 9, and there are 6"]
    assert checked(source).problems == []


def test_a_log_that_is_empty_is_found_by_a_checkpoint_only(source: LogSource) -> None:
    point = checked(source).checkpoint
    assert _attacked(source, lambda _: [], point, tidy=True).problems == [
        "rows are missing at the end: a checkpoint knows 9, and there are 0"
    ]
    assert checked(source).problems == []


def test_a_log_written_again_with_the_key_is_found_by_a_checkpoint_only(source: LogSource) -> None:
    """Who has database and key leaves one decision out."""
    key, point = signing_key(source), checked(source).checkpoint
    assert isinstance(key, FileKey)
    found = _attacked(source, lambda rows: _signed_again([*rows[:3], *rows[5:]], key), tidy=True)
    assert found.problems == []
    assert checked(source, [point]).problems == ["rows are missing at the end: a checkpoint knows 9, and there are 7"]
    log = open_log(source)
    log.append([]), log.claim_override("ab" * 32, {}), log.claim_override("cd" * 32, {})
    assert checked(source, [point]).problems == ["the rows up to 9 are not those that a checkpoint knows"]


def test_a_checkpoint_of_another_log(source: LogSource) -> None:
    point = replace(checked(source).checkpoint, log="cd" * 16)
    assert checked(source, [point]).problems == ["a checkpoint of 9 rows is of another log"]


def test_what_is_kept_beside_a_row_is_changed(source: LogSource) -> None:
    Owner(source).change_content(body=b"x\x9c\x03\x00\x00\x00\x00\x01")
    assert any("is missing or was changed" in problem for problem in checked(source).problems)


def test_what_is_kept_beside_a_row_is_changed_with_its_own_commitment_made_to_fit(source: LogSource) -> None:
    salt, value = bytes(32), b'{"user":"somebody else"}'
    Owner(source).change_content(body=zlib.compress(value), salt=salt, actual=commitment(salt, value))
    assert any("is missing or was changed" in problem for problem in checked(source).problems)


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_kept_beside_a_row_is_erased_and_no_row_says_so(source: LogSource, whole: bool) -> None:  # noqa: FBT001
    owner = Owner(source)
    if whole:
        owner.run(delete(content))
    else:
        owner.change_content(body=None, salt=None, digest=None)
    assert any("no row says that it was erased" in problem for problem in checked(source).problems)


def test_a_used_override_is_forgotten_so_that_it_can_be_used_again(source: LogSource) -> None:
    log = open_log(source)
    log.claim_override("ab" * 32, {})
    Owner(source).run(delete(overrides))
    assert any("used overrides and the rows differ" in problem for problem in checked(source).problems)
    again = log.claim_override("ab" * 32, {})
    assert f"row {again} uses an override that row {again - 1} used before" in checked(source).problems


def test_times_that_go_back_to_hide_what_was_late(source: LogSource) -> None:
    key = signing_key(source)
    assert isinstance(key, FileKey)

    def change(rows: list[Row]) -> list[Row]:
        entry: Entry = replace(peek(rows[-1].body), at="2000-01-01T00:00:00Z", latest="2000-01-01T00:00:00Z")
        return [*rows[:-1], make_row(entry, key)]

    assert any("names a latest time" in problem for problem in _attacked(source, change).problems)


def test_appending_goes_on_after_an_attack_was_undone(source: LogSource, decision: Decision) -> None:
    owner = Owner(source)
    rows = owner.rows()
    owner.write(*rows[:3])
    owner.write(*rows)
    open_log(source).decided(asked(decision))
    assert checked(source).problems == []
