# SPDX-License-Identifier: Apache-2.0
"""A server that begins to sign with another key says so once: in its log, and in a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qaqpa.config import LogSource
from qaqpa.mlflow import new_key
from qaqpa.record.log.opening import open_log, signing_key
from qaqpa.record.log.putting import Draft
from qaqpa.record.log.signers import KEY
from support.logs import log_source
from support.operated import Operated


@pytest.fixture
def operated(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Operated:
    monkeypatch.setattr(new_key.log, "propagate", True)
    return Operated(tmp_path, empty_database, monkeypatch)


def _with_another_key(operated: Operated) -> tuple[str, LogSource]:
    """Whose key was in force, and the log with another one."""
    before = signing_key(operated.log).key_id
    operated.log = log_source(operated.directory, operated.log.url, name="another.key")
    return before, operated.log


def _said(caplog: pytest.LogCaptureFixture) -> list[Any]:
    events = [getattr(record, "qaqpa", {}) for record in caplog.records]
    return [event for event in events if event.get("event") == "log_key_new"]


def test_a_first_start_and_one_with_the_same_key_say_nothing(
    operated: Operated, caplog: pytest.LogCaptureFixture
) -> None:
    operated.open()
    operated.open()
    assert _said(caplog) == []
    assert [row for row in operated.rows("start") if "keys_before" in row] == []


def test_another_key_starts_with_a_warning_and_a_row(operated: Operated, caplog: pytest.LogCaptureFixture) -> None:
    operated.open()
    before, source = _with_another_key(operated)
    operated.configure()
    operated.open().set_registered_model_alias("good", "production", 1)
    (event,) = _said(caplog)
    assert (event["key"], event["before"], event["announced"]) == (signing_key(source).key_id, [before], None)
    assert "A NEW KEY signs the decision log" in caplog.text
    assert "No row announces it" in caplog.text
    first, second = operated.rows("start")
    assert "keys_before" not in first
    assert (second["keys_before"], second["announced"]) == ([before], None)
    operated.open()
    assert len(_said(caplog)) == 1


def test_a_key_that_was_announced_says_by_which_row(operated: Operated, caplog: pytest.LogCaptureFixture) -> None:
    operated.open()
    announcing = open_log(operated.log)
    _, source = _with_another_key(operated)
    (row,) = announcing.append([Draft(KEY, {"next": signing_key(source).key_id})]).numbers
    operated.configure()
    operated.open()
    assert _said(caplog)[0]["announced"] == row
    assert operated.rows("start")[-1]["announced"] == row
    assert f"Row {row} announces it" in caplog.text
