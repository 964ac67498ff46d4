# SPDX-License-Identifier: Apache-2.0
"""What somebody who can only open a pull request may try with sizes and names that are out of the ordinary."""

from __future__ import annotations

import time

import pytest

from qaqpa.cli.main import main
from support.pull_requests import Capture, PullRequest, refused

_SECONDS = 10.0


def test_a_context_that_takes_long_to_read(pull: PullRequest) -> None:
    own = pull.credit / "context.yaml"
    sound = own.read_text("utf-8")
    own.write_text(sound + "x: [" + "a, " * 330_000 + "a]\n", encoding="utf-8")
    start = time.monotonic()
    code, out, err = pull.said("--fail-on", "new")
    assert (code, out) == (2, ""), err
    assert "governance/credit/context.yaml: The file is too large for evidence" in err
    assert "at most 100000 bytes" in err
    assert main(["check", str(pull.credit)]) == 2
    assert time.monotonic() - start < _SECONDS
    pull.commit()
    own.write_text(sound, encoding="utf-8")
    start = time.monotonic()
    assert "everything counts as new" in refused(pull, base="change").err
    assert time.monotonic() - start < _SECONDS


@pytest.mark.parametrize("more", [["--base", "main"], []])
def test_a_name_that_is_longer_than_any_file_can_have(pull: PullRequest, capsys: Capture, more: list[str]) -> None:
    for name in ("x" * 300, f"governance/{'x' * 5000}"):
        assert main(["check", name, *more]) == 2
        assert "There is no such directory" in capsys.readouterr().err
    assert pull.top.is_dir()


def test_names_with_ends_of_lines_that_only_some_readers_know(pull: PullRequest) -> None:
    for name in ("one\u2028##[error]x", "two\x85::error::x"):
        (pull.tree / name).mkdir()
        (pull.tree / name / "context.yaml").write_text("kind: [\n", encoding="utf-8")
    code, out, err = pull.said()
    assert (code, out) == (2, ""), err
    assert "2 models cannot be read" in err
    assert "governance/one\\u2028" in err
    assert not set(err) & {"\u2028", "\x85"}
    assert not any(line.startswith(("::", "##[")) for line in err.splitlines())
