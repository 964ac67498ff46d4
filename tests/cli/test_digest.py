# SPDX-License-Identifier: Apache-2.0
"""`qaqpa digest` of directories; of what a server keeps, `tests/mlflow/test_routes.py`."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from qaqpa.cli import progress
from qaqpa.cli.main import main
from qaqpa.evidence.digest import dir_hash

Capture = pytest.CaptureFixture[str]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(b"1" * 5_000_000)
    return tmp_path / "model"


def test_a_directory_has_its_digest_and_nothing_else_is_said(root: Path, capsys: Capture) -> None:
    assert main(["digest", str(root)]) == 0
    assert capsys.readouterr() == (f"{dir_hash(root)}\n", "")


def test_a_directory_whose_name_is_like_a_uri_is_a_directory(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    root.rename(root.parent / "s3:")
    assert main(["digest", "./s3:"]) == 0
    assert main(["digest", "s3:"]) == 0


def test_what_has_no_digest_ends_with_4_and_escaped_names(root: Path, capsys: Capture) -> None:
    (root / "a\x1b[2J\u202eb").symlink_to("weights")
    assert main(["digest", str(root)]) == 4
    assert main(["digest", str(root / "none")]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert "a\\u001b[2J\\u202eb: Only plain files" in err
    assert "\x1b" not in err


def test_weights_elsewhere_are_told_beside_the_digest(root: Path, capsys: Capture) -> None:
    (root / "MLmodel").write_text("flavors: {openai: {}}\n")
    assert main(["digest", str(root)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{dir_hash(root)}\n"
    assert err == "qaqpa: bytes_elsewhere: MLmodel: flavor openai names a model that is kept or hosted elsewhere.\n"


def test_a_bar_is_shown_on_a_terminal_only_and_only_where_there_is_much(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["digest", str(root)]) == 0
    assert terminal.getvalue() == ""
    monkeypatch.setattr(progress, "SHOWN_FROM_BYTES", 5_000_000)
    assert main(["digest", str(root)]) == 0
    assert "hashing" in terminal.getvalue()
    assert "5.0/5.0 MB" in terminal.getvalue()
    quiet = io.StringIO()
    monkeypatch.setattr(sys, "stderr", quiet)
    assert main(["digest", str(root)]) == 0
    assert quiet.getvalue() == ""
    assert capsys.readouterr().out == f"{dir_hash(root)}\n" * 3
