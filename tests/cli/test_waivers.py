# SPDX-License-Identifier: Apache-2.0
"""`qaqpa waivers`: which exceptions there are, until when, and whether they count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qaqpa.cli.main import main
from support.directories import keys_of, signed_system, write_trust

Capture = pytest.CaptureFixture[str]
WAIVE = ["waive", "--model", "system", "--reason", "Late", "--ticket", "T-1", "--requested-by", "owner"]


@pytest.fixture
def system(here: Path, capsys: Capture) -> Path:
    """One waiver for five days, one for thirty that nobody independent signed, and one that nobody signed."""
    write_trust(here)
    root = signed_system(here / "system")
    for control, days, signers in (("AUD-01", 5, ["risk"]), ("TRN-01", 30, ["owner"]), ("TRN-02", 9, [])):
        options = ["--control", control, "--days", str(days), *keys_of(here, signers)]
        assert main([*WAIVE, *options, "--output", f"system/evidence/{control}.json"]) == (
            0 if signers != ["owner"] else 2
        )
    options = ["--control", "TRN-01", "--days", "30", *keys_of(here, ["dpo"])]
    assert main([*WAIVE, *options, "--output", "system/evidence/TRN-01.json"]) == 0
    capsys.readouterr()
    return root


def listed(capsys: Capture, *arguments: str) -> list[dict[str, Any]]:
    assert main(["waivers", *arguments, "--format", "json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["waivers"]
    return found


def test_they_are_listed_by_their_end_with_whether_they_count(system: Path, capsys: Capture) -> None:
    found = listed(capsys, str(system))
    assert [(one["controls"], one["code"], one["signers"]) for one in found] == [
        (["AUD-01"], "", ["risk"]),
        (["TRN-02"], "untrusted_signature", []),
        (["TRN-01"], "wrong_role", ["dpo"]),
    ]
    # Whole days; a second may have gone by since.
    assert all(one["days_left"] in {days - 1, days} for one, days in zip(found, (5, 9, 30), strict=True))
    assert main(["waivers", str(system)]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 100
    assert "[wrong_role]" in out


def test_those_that_end_soon_can_be_asked_for(system: Path, capsys: Capture) -> None:
    assert [one["controls"] for one in listed(capsys, str(system), "--expiring-in", "9d")] == [["AUD-01"], ["TRN-02"]]
    assert listed(capsys, str(system), "--expiring-in", "1d") == []
    assert main(["waivers", str(system), "--expiring-in", "1d"]) == 0
    assert capsys.readouterr().out == "No waiver.\n"


@pytest.mark.parametrize("text", ["14", "d", "0d", "-1d", "1w", "99999d"])
def test_a_span_that_is_none_exits_with_2(here: Path, capsys: Capture, text: str) -> None:
    assert here.is_dir()
    assert main(["waivers", "system", f"--expiring-in={text}"]) == 2
    assert "is no number of days" in capsys.readouterr().err
