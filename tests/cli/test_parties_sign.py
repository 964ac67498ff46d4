# SPDX-License-Identifier: Apache-2.0
"""`qaqpa parties sign`: what it signs cannot be undone by mistake."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa import times
from support.keyring import (
    signing_key,
)
from support.parties_files import in_force, sign, written


def test_signatures_are_added_one_by_one(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(here)
    assert sign(here, "root1") == 0
    assert "1 of the 3 listed root keys have signed" in capsys.readouterr().out
    assert in_force(here, threshold=1)
    assert sign(here, "root2") == 0
    out = capsys.readouterr().out
    assert "2 of the 3 listed root keys have signed" in out
    assert f"  {signing_key('root3').key_id}  has not signed" in out
    assert in_force(here).version == 1
    assert sign(here, "root2") == 0, "again changes nothing"
    assert "2 of the 3" in capsys.readouterr().out


def test_a_higher_version_replaces_an_older_one_with_its_signatures(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(here)
    sign(here, "root1", "root2")
    written(here, version=2)
    capsys.readouterr()
    assert sign(here, "root1") == 0
    assert "1 of the 3 listed root keys have signed" in capsys.readouterr().out
    assert in_force(here, threshold=1).version == 2


@pytest.mark.parametrize(
    ("changes", "found"),
    [({"version": 3, "services": None}, "has the version 3 too"), ({"version": 2}, "has the higher version 3")],
)
def test_the_same_version_with_other_bytes_and_a_lower_one_are_not_written(
    here: Path, changes: dict[str, object], found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    written(here, version=3)
    sign(here, "root1", "root2")
    before = (here / "parties.signed.json").read_bytes()
    written(here, **changes)
    assert sign(here, "root1", "root2") == 2
    assert found in capsys.readouterr().err
    assert (here / "parties.signed.json").read_bytes() == before


def test_a_key_that_is_no_root_key_does_not_sign(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(here)
    assert sign(here, "root1", "risk") == 2
    assert f"The key {signing_key('risk').key_id} is no root key of this file" in capsys.readouterr().err
    assert not (here / "parties.signed.json").exists()


def test_without_a_key_nothing_is_signed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(here)
    assert sign(here) == 2
    assert "No key is named" in capsys.readouterr().err


@pytest.mark.parametrize("days", [-1, 91])
def test_what_could_not_be_in_force_is_not_signed(here: Path, days: int) -> None:
    written(here, expires=times.render(times.now() + timedelta(days=days)))
    assert sign(here, "root1") == 2
    assert not (here / "parties.signed.json").exists()


def test_what_is_no_parties_file_is_not_replaced(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(here)
    (here / "parties.signed.json").write_text("mine", encoding="utf-8")
    assert sign(here, "root1") == 2
    assert "is not replaced" in capsys.readouterr().err
    assert (here / "parties.signed.json").read_text("utf-8") == "mine"


def test_the_signed_file_can_lie_elsewhere_and_leaves_nothing_beside_it(here: Path) -> None:
    written(here)
    (here / "out").mkdir()
    assert sign(here, "root1", more=["--output", str(here / "out" / "p.json")]) == 0
    assert [path.name for path in (here / "out").iterdir()] == ["p.json"]
    assert (here / "out" / "p.json").stat().st_mode & 0o777 == 0o644
    assert sign(here, "root1", more=["--output", str(here / "nowhere" / "p.json")]) == 2


def test_the_very_bytes_are_signed_comments_and_all(here: Path) -> None:
    path = written(here)
    path.write_bytes(b"\xef\xbb\xbf# by hand\r\n" + path.read_bytes())
    assert sign(here, "root1", "root2") == 0
    assert in_force(here)
