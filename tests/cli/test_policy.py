# SPDX-License-Identifier: Apache-2.0
"""`qaqpa policy`."""

from __future__ import annotations

from pathlib import Path

import pytest

from qaqpa.cli.main import main
from qaqpa.policy import user
from qaqpa.resources import COMPILED

HOSTILE = "out\x1b[31m\u202e"
SHOWN = "out\\u001b[31m\\u202e"


def test_the_directory_that_was_built_is_printed_without_control_characters(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user, "build_user_policies", lambda _directory, _out: user.Built("0" * 64, 1, 1, 1))
    assert main(["policy", "build", str(here), "--output", HOSTILE]) == 0
    out = capsys.readouterr().out
    assert f"  policy: {SHOWN}\n" in out
    assert "\x1b" not in out


def test_the_bundle_s_path_is_printed_without_control_characters(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = here / HOSTILE
    folder.mkdir()
    for file in COMPILED.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (here / "qaqpa.yaml").write_text('version: 1\npolicy: "out\\x1b[31m\\u202e"\n', encoding="utf-8")
    assert main(["policy", "bundle"]) == 0
    assert capsys.readouterr().out == f"{here.resolve()}/{SHOWN}/bundle.tar.gz\n"


def test_a_long_path_is_printed_whole(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "/".join(["x" * 200] * 3)
    (here / name).mkdir(parents=True)
    for file in COMPILED.iterdir():
        (here / name / file.name).write_bytes(file.read_bytes())
    (here / "qaqpa.yaml").write_text(f"version: 1\npolicy: {name}\n", encoding="utf-8")
    assert main(["policy", "bundle"]) == 0
    assert capsys.readouterr().out == f"{here.resolve()}/{name}/bundle.tar.gz\n"
