# SPDX-License-Identifier: Apache-2.0
"""`qaqpa waive`: exceptions that are signed, dated, and stay visible."""

from __future__ import annotations

from pathlib import Path

import pytest

from qaqpa.cli.main import main
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.pieces import read_statement
from qaqpa.evidence.statement import context_digest
from support.contents import context
from support.directories import keys_of, signed_system, write_trust

Capture = pytest.CaptureFixture[str]
WHY = ["--reason", "Late", "--ticket", "T-1", "--requested-by", "owner"]
WAIVE = ["waive", "--model", "system", "--control", "AUD-01", *WHY, "--days", "30"]


@pytest.fixture
def system(here: Path, capsys: Capture) -> Path:
    write_trust(here)
    root = signed_system(here / "system")
    (root / "evidence" / "audit.json").unlink()
    capsys.readouterr()
    return root


def test_a_signed_waiver_lets_the_model_pass_and_stays_visible(system: Path, here: Path, capsys: Capture) -> None:
    assert main(["check", "system", "--stage", "production"]) == 3
    keys = keys_of(here, ["risk"])
    assert main([*WAIVE, *keys, "--output", "system/evidence/w.json"]) == 0
    out = capsys.readouterr().out
    assert "waives AUD-01 for 30 days" in out
    assert "Seen from here, it counts in production as independent." in out
    statement, _ = read_statement((system / "evidence" / "w.json").read_text("utf-8"))
    assert (statement.model_digest, statement.context_digest) == (dir_hash(system / "model"), context_digest(context()))
    assert statement.expires_at
    assert (statement.expires_at - statement.issued_at).days == 30
    assert main(["check", "system", "--stage", "production"]) == 0
    assert "WAIVED" in capsys.readouterr().out
    (system / "model" / "MLmodel").write_text("flavors: {x}\n", encoding="utf-8")
    assert main(["check", "system", "--stage", "production"]) == 3


def test_a_waiver_that_nobody_signed_excuses_nothing(system: Path, capsys: Capture) -> None:
    assert main([*WAIVE, "--output", "system/evidence/w.json"]) == 0
    assert "nobody signed it" in capsys.readouterr().out
    assert system.is_dir()
    assert main(["check", "system", "--stage", "production"]) == 3


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        (["--control", "AUD-99"], "There is no control 'AUD-99'"),
        (["--control", "*"], "There is no control '*'; a waiver names each control"),
        (["--control", "AUD-*"], "There is no control 'AUD-*'"),
        (["--control", "DPB-01"], "DPB-01 (Legal basis"),
        (["--days", "31"], "A waiver cannot last 31 days"),
        (["--days", "0"], "A waiver cannot last 0 days"),
        (["--category", "mitigated"], "needs a measure that stands in"),
        (["--requested-by", "stranger"], "There is no party 'stranger'"),
        (["--requested-by", "risk"], "is one of risk, who asks for the waiver"),
        (["--reason", ""], "does not fit its schema"),
    ],
)
def test_what_cannot_be_waived_exits_with_2_and_writes_nothing(
    system: Path, here: Path, capsys: Capture, changed: list[str], found: str
) -> None:
    assert system.is_dir()
    assert main([*WAIVE, *keys_of(here, ["risk"]), "--output", "w.json", *changed]) == 2
    assert found in capsys.readouterr().err
    assert not (here / "w.json").exists()


def test_a_control_that_cannot_be_waived_is_refused_with_the_reason(system: Path, here: Path, capsys: Capture) -> None:
    assert system.is_dir()
    assert main([*WAIVE, "--control", "DPB-01", *keys_of(here, ["risk"]), "--output", "w.json"]) == 2
    assert "must not be waived: " in capsys.readouterr().err


def test_a_mitigated_waiver_names_its_measures(system: Path, here: Path, capsys: Capture) -> None:
    measures = ["--category", "mitigated", "--compensating", "Two persons look", "--compensating", "Daily report"]
    assert main([*WAIVE, *measures, *keys_of(here, ["risk"]), "--no-upload"]) == 0
    [made] = here.glob("waiver.*.json")
    content = read_statement(made.read_text("utf-8"))[0].content
    assert content["compensating"] == ["Two persons look", "Daily report"]
    assert f"file {made.name}" in capsys.readouterr().out
    assert system.is_dir()
