# SPDX-License-Identifier: Apache-2.0
"""`qaqpa doctor` says whether anybody's signature counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from support.configurations import parties_part
from support.keyring import parties_text, signed_text

Capture = pytest.CaptureFixture[str]


def doctor(capsys: Capture) -> tuple[int, str]:
    code = main(["doctor"])
    return code, " ".join(capsys.readouterr().out.split())


def test_without_a_parties_file_production_is_closed_and_it_is_said(here: Path, capsys: Capture) -> None:
    del here
    code, said = doctor(capsys)
    assert code == 0
    assert "nobody's signature counts, and production is closed" in said


def test_the_parties_file_in_force_is_named_with_its_version_and_end(here: Path, capsys: Capture) -> None:
    (here / "qaqpa.yaml").write_text(f"version: 1\n{parties_part(here)}", encoding="utf-8")
    code, said = doctor(capsys)
    assert code == 0
    assert "parties: in force, version 1, until 20" in said


@pytest.mark.parametrize(("spoiled", "code"), [("{}", "parties_unreadable"), ("", "parties_signatures")])
def test_a_parties_file_that_is_not_in_force_is_an_error(here: Path, capsys: Capture, spoiled: str, code: str) -> None:
    (here / "qaqpa.yaml").write_text(f"version: 1\n{parties_part(here)}", encoding="utf-8")
    from_one = signed_text(parties_text(times.now()), ["root1"])
    (here / "parties.signed.json").write_text(spoiled or from_one, encoding="utf-8")
    exit_code, said = doctor(capsys)
    assert exit_code == 4
    assert f"NOT IN FORCE, production is closed: {here}" in said
    assert code in said
