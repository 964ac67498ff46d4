# SPDX-License-Identifier: Apache-2.0
"""`--format`: every report from the command line, to its place, whole or not at all; and what the exit code says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from qaqpa.cli import formats
from qaqpa.cli.main import main
from qaqpa.errors import UsageError
from support.directories import write_system

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def failing(here: Path) -> Path:
    return write_system(here / "system", without=["audit"])


def test_all_formats_at_once_each_to_its_file(failing: Path, here: Path, capsys: Capture) -> None:
    assert failing.is_dir()
    wanted = [option for name in formats.NAMES for option in ("--format", f"{name}=out.{name}")]
    assert main(["check", "system", *wanted]) == 3
    assert capsys.readouterr() == ("", "")
    text = {name: (here / f"out.{name}").read_text("utf-8") for name in formats.NAMES}
    assert text["text"].startswith("DENIED  credit")
    assert json.loads(text["json"])["outcome"] == "deny"
    assert json.loads(text["sarif"])["version"] == "2.1.0"
    assert ET.fromstring(text["junit"]).get("failures") == "1"
    assert text["markdown"].startswith("## ✗ Qaqpa: DENIED")
    assert text["github"].startswith("::error file=system/context.yaml,line=")
    assert text["html"].startswith("<!doctype html>")
    assert not [path for path in here.iterdir() if path.name.startswith(".out")]


@pytest.mark.parametrize("name", formats.NAMES)
def test_no_format_changes_the_exit_code(here: Path, capsys: Capture, name: str) -> None:
    write_system(here / "good")
    write_system(here / "bad", without=["audit"])
    assert main(["check", "good", "--format", name]) == 0
    assert main(["check", "bad", "--format", name]) == 3
    assert capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (["json", "sarif"], "Two reports go to standard output"),
        (["json=a", "sarif=./a"], "Two reports go to the same file"),
        (["text", "text"], "Two reports go to standard output"),
        (["json="], "A path is missing"),
        (["svr"], "The format 'svr' does not exist"),
        (["json=none/a"], "The report cannot be written"),
        (["json=."], "The report cannot be written"),
    ],
)
def test_what_cannot_be_written_is_told_before_anything_is_decided(
    failing: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, asked: list[str], found: str
) -> None:
    assert failing.is_dir()
    monkeypatch.setattr("qaqpa.cli.check.open_engine", lambda _: pytest.fail("it was decided"))
    assert main(["check", "system", *(part for one in asked for part in ("--format", one))]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert found in err


def test_a_report_that_fails_leaves_the_old_ones(
    failing: Path, here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert failing.is_dir()
    (here / "out.json").write_text("old", encoding="utf-8")

    def broken(*_: object) -> str:
        raise UsageError("too many models")

    monkeypatch.setattr("qaqpa.report.sarif.render", broken)
    assert (
        main(["check", "system", "--format", "json=out.json", "--format", "sarif=out.sarif", "--format", "text"]) == 2
    )
    assert (here / "out.json").read_text("utf-8") == "old"
    assert not (here / "out.sarif").exists()
    assert capsys.readouterr().out == ""


def test_a_link_is_replaced_and_what_it_leads_to_is_left_alone(failing: Path, here: Path) -> None:
    assert failing.is_dir()
    (here / "precious").write_text("keep", encoding="utf-8")
    (here / "out.json").symlink_to(here / "precious")
    assert main(["check", "system", "--format", "json=out.json"]) == 3
    assert (here / "precious").read_text("utf-8") == "keep"
    assert not (here / "out.json").is_symlink()


def test_a_file_keeps_its_permissions_and_a_new_one_gets_the_usual_ones(failing: Path, here: Path) -> None:
    assert failing.is_dir()
    (here / "old.json").touch(mode=0o600)
    (here / "usual").touch()
    assert main(["check", "system", "--format", "json=old.json", "--format", "text=new.txt"]) == 3
    assert (here / "old.json").stat().st_mode & 0o777 == 0o600
    assert (here / "new.txt").stat().st_mode == (here / "usual").stat().st_mode


def test_a_report_can_go_into_a_pipe(failing: Path, here: Path) -> None:
    assert failing.is_dir()
    os.mkfifo(here / "pipe")
    reader = subprocess.Popen(["cat", "pipe"], cwd=here, stdout=subprocess.PIPE)
    assert main(["check", "system", "--format", "json=pipe"]) == 3
    assert json.loads(reader.communicate(timeout=30)[0])["outcome"] == "deny"
    assert (here / "pipe").is_fifo()


def test_brief_is_a_line_for_each_finding(failing: Path, capsys: Capture) -> None:
    assert failing.is_dir()
    assert main(["check", "system", "--brief"]) == 3
    head, *found = capsys.readouterr().out.splitlines()
    assert head.startswith("DENIED  credit  (stage review, profile article-baseline): Requirements not met: 1 of 23.")
    assert found == ["  ✗ AUD-01/evidence_missing: The evidence audit is missing. [system/context.yaml:5:11]"]


@pytest.mark.parametrize(("without", "code"), [((), 1), (("audit",), 3)])
@pytest.mark.parametrize("options", [(), ("--format", "json"), ("--brief",)])
def test_a_pass_that_nobody_read_to_its_end_is_none(
    here: Path, without: tuple[str, ...], code: int, options: tuple[str, ...]
) -> None:
    """What reads standard output goes away before anything is written."""
    write_system(here / "system", without=without)
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "qaqpa.cli.main", "check", "system", *options]
    done = subprocess.run(command, cwd=here, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (code, b"")
