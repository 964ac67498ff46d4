# SPDX-License-Identifier: Apache-2.0
"""`qaqpa replay`: the same document again, another one, or why it cannot be made again."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from qaqpa.cli.main import main
from qaqpa.config import LogSource
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.log.opening import open_log
from qaqpa.resources import COMPILED
from support.logs import asked, log_source, made

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def source(here: Path) -> LogSource:
    (here / "qaqpa.yaml").write_text("version: 1\nlog: {url: 'sqlite:///log.db', key: gate.key}\n")
    return log_source(here)


def test_the_same_document_exits_with_0(source: LogSource, engine: EmbeddedEngine, capsys: Capture) -> None:
    decision = made(engine)
    number = open_log(source).decided(asked(decision))
    assert main(["replay", str(number)]) == 0
    assert capsys.readouterr().out.startswith("The same document, byte for byte: allow.\n")
    assert main(["replay", str(number), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == decision.document


def test_another_document_exits_with_3_and_shows_what_differs(
    source: LogSource, engine: EmbeddedEngine, capsys: Capture
) -> None:
    decision = made(engine)
    forged = replace(decision, document={**decision.document, "verdict": "deny\x1b[31m"})
    number = open_log(source).decided(asked(forged))
    assert main(["replay", str(number)]) == 3
    assert capsys.readouterr().out.splitlines() == [
        "ANOTHER document.",
        'verdict: recorded "deny\\u001b[31m"',
        'verdict: now      "allow"',
    ]


def test_policies_that_are_not_here_exit_with_4_and_can_be_named(
    source: LogSource, here: Path, engine: EmbeddedEngine, capsys: Capture
) -> None:
    other = here / "older"
    shutil.copytree(COMPILED, other)
    manifest = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps({**manifest, "policy_digest": "ab" * 32}))
    number = open_log(source).decided(asked(replace(made(engine), policy_digest="ab" * 32)))
    assert main(["replay", str(number)]) == 4
    err = capsys.readouterr().err
    assert "ab" * 32 in err
    assert "--policy DIR" in err
    assert main(["replay", str(number), "--policy", str(other)]) == 0
    assert main(["replay", str(number), "--policy", str(COMPILED)]) == 4


def test_what_is_no_decision_exits_with_2(source: LogSource, engine: EmbeddedEngine, capsys: Capture) -> None:
    open_log(source).decided(asked(made(engine)))
    assert main(["replay", "1"]) == 2
    assert "the number of a decision" in capsys.readouterr().err


def test_an_erased_decision_exits_with_4(source: LogSource, engine: EmbeddedEngine, capsys: Capture) -> None:
    number = open_log(source).decided(asked(made(engine)))
    assert main(["log", "erase", "--row", str(number), "--reason", "request 1"]) == 0
    assert main(["replay", str(number)]) == 4
    assert "was erased" in capsys.readouterr().err
