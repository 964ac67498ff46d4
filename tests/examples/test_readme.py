# SPDX-License-Identifier: Apache-2.0
"""What the README shows of the first command is what the command prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from qaqpa.cli.main import main

ROOT = Path(__file__).parents[2]


def test_the_first_command_prints_what_the_readme_shows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["check", "examples/credit-scoring/failing", "--as-of", "2026-11-23", "--lang", "en"]) == 3
    printed = capsys.readouterr().out.split("\nWarnings")[0]
    shown = "\n".join(line.rstrip() for line in printed.splitlines())
    assert f"{shown}\n…\n```" in (ROOT / "README.md").read_text(encoding="utf-8")
