# SPDX-License-Identifier: Apache-2.0
"""The gate's lines as JSON: one object for each event, whatever names and evidence contain."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qaqpa.mlflow import events
from qaqpa.mlflow.denial import log, outcome_of
from qaqpa.mlflow.guard import refusal
from qaqpa.policy.embedded import EmbeddedEngine
from support.logs import made

HOSTILE = 'credit\n{"event": "decision", "verdict": "allow"}\x1b[2K\u2028\u202e"'


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Sets JSON up, and reads what was written since; afterwards all is as it was."""
    ours = [logging.getLogger(name) for name in ("mlflow.qaqpa", "qaqpa")]
    before = [(one, list(one.handlers), one.propagate) for one in ours]
    for one in ours:
        one.handlers = []
    events.set_up(events.JSON)
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    for one, handlers, propagates in before:
        one.handlers, one.propagate = handlers, propagates


def test_a_decision_is_one_line_with_all_that_it_names(lines: Any, engine: EmbeddedEngine) -> None:
    decision = made(engine, evidence=False)
    outcome = outcome_of(decision, f"refused: {HOSTILE}")
    events.decided(
        outcome, decision, model=HOSTILE, action=f"alias of {HOSTILE}", mode="enforce", number=7, seconds=0.01234567
    )
    (line,) = lines()
    assert (line["event"], line["decision"], line["verdict"], line["mode"]) == ("decision", 7, "deny", "enforce")
    assert (line["level"], line["logger"], line["stage"]) == ("WARNING", "mlflow.qaqpa", "production")
    assert line["digest"] == decision.document["subject"]["digest"]
    assert line["policy"] == decision.policy_digest
    assert line["user"] == "system"
    assert line["seconds"] == 0.0123
    assert line["worker"].startswith(f"{os.getpid()}@")
    assert "AUD-01/evidence_missing" in line["codes"]
    assert line["time"].endswith("Z")
    for text in (line["model"], line["message"]):
        assert not any(character in text for character in "\n\x1b\u2028\u202e")


def test_other_lines_are_objects_too_with_their_traceback(lines: Any) -> None:
    try:
        int(HOSTILE)
    except ValueError:
        log.exception("qaqpa: the gate failed: %s", "x")
    logging.getLogger("qaqpa.gate").error("second %s", HOSTILE)
    refusal("frozen", f"Qaqpa: {HOSTILE}")
    first, second, third = lines()
    assert (first["event"], second["event"], third["event"]) == ("message", "message", "refused")
    assert "ValueError" in first["exc_info"]
    assert third["codes"] == ["frozen"]


def test_lines_are_ascii(lines: Any) -> None:
    handler = logging.getLogger("qaqpa").handlers[0]
    text = handler.format(logging.LogRecord("qaqpa", logging.ERROR, "f", 1, HOSTILE + "қақпа", None, None))
    assert text.isascii()
    assert "\n" not in text
    assert json.loads(text)["message"] == HOSTILE + "қақпа"
    assert lines() == []


def test_it_is_set_up_once(lines: Any) -> None:
    events.set_up(events.JSON)
    events.set_up(events.TEXT)
    log.warning("once")
    assert len(lines()) == 1
