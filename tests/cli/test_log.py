# SPDX-License-Identifier: Apache-2.0
"""`qaqpa log`: what was decided, whether the log is whole, a checkpoint, and erasing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qaqpa.cli.logkeys import warning_of_key
from qaqpa.cli.main import main
from qaqpa.config import Config, LogSource
from qaqpa.evidence.keys import openssh
from qaqpa.model import Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.log.asked import Result
from qaqpa.record.log.opening import open_log, signing_key
from qaqpa.record.log.putting import Draft
from support.logs import Owner, asked, log_source, made

Capture = pytest.CaptureFixture[str]
HOSTILE = "credit\x1b[31m\n\u202eevil [link=x]"


@pytest.fixture
def source(here: Path, engine: EmbeddedEngine) -> LogSource:
    """Row 2 was allowed and written, row 4 was denied."""
    found = log_source(here)
    log = open_log(found)
    log.outcome([log.decided(asked(made(engine)))], Result.WRITTEN)
    log.decided(asked(made(engine, evidence=False), verdict=Verdict.DENY))
    (here / "qaqpa.yaml").write_text("version: 1\nlog: {url: 'sqlite:///log.db', key: gate.key}\n")
    return found


def output(capsys: Capture, *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(["log", *arguments]) == code
    return capsys.readouterr().out


def parsed(capsys: Capture, *arguments: str) -> Any:
    return json.loads(output(capsys, *arguments, "--format", "json"))


@pytest.mark.usefixtures("source")
def test_decisions_are_listed_with_their_outcome(capsys: Capture) -> None:
    lines = output(capsys, "list").splitlines()
    assert [line.split()[0] for line in lines] == ["id", "4", "2"]
    assert lines[1].split()[-2:] == ["deny", "refused"]
    assert lines[2].split()[-2:] == ["allow", "written"]
    found = parsed(capsys, "list", "--verdict", "allow", "--since", "1d")["decisions"]
    assert [(one["id"], one["outcome"]) for one in found] == [(2, "written")]
    assert output(capsys, "list", "--model", "other") == "No decision.\n"


@pytest.mark.usefixtures("source")
def test_a_decision_is_shown_as_its_report_in_a_language(capsys: Capture) -> None:
    out = output(capsys, "show", "2")
    assert "asked by       dana" in out
    assert "outcome        written" in out
    assert "\nALLOWED  credit" in out
    assert "\nALLOWED" not in output(capsys, "show", "2", "--lang", "ru")
    document = parsed(capsys, "show", "2")
    assert document["about"]["document"]["verdict"] == "allow"
    assert document["erased"] == "nothing"


def test_what_is_no_row_is_told(source: LogSource, capsys: Capture) -> None:
    assert source
    assert main(["log", "show", "999"]) == 2
    assert "There is no such row" in capsys.readouterr().err


def test_hostile_names_reach_the_terminal_as_escapes(source: LogSource, capsys: Capture) -> None:
    number = open_log(source).decided(asked(None, model=HOSTILE, action=HOSTILE, user=HOSTILE))
    for out in (output(capsys, "list"), output(capsys, "show", str(number))):
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert "\\u001b" in out


def test_a_log_is_verified_and_it_is_said_what_cannot_be_seen(source: LogSource, capsys: Capture) -> None:
    out = output(capsys, "verify")
    assert out.startswith("Intact: 4 rows")
    assert "Without a checkpoint that was kept elsewhere it cannot be told" in out
    assert main(["log", "checkpoint", "--to", "point.txt"]) == 0
    assert output(capsys, "verify", "--checkpoint", "point.txt").splitlines()[1:] == [
        "Compared with checkpoints of 4 rows.",
        "No checkpoint covers the last 1 rows: had some been cut off, nobody could tell.",
    ]
    owner = Owner(source)
    owner.write(*owner.rows()[:2])
    owner.tidy()
    assert output(capsys, "verify").startswith("Intact: 2 rows")
    out = output(capsys, "verify", "--checkpoint", "point.txt", code=3)
    assert out.startswith("✗ rows are missing at the end: a checkpoint knows 4, and there are 2\nNOT INTACT")


def test_no_checkpoint_is_made_of_a_log_that_is_not_intact(source: LogSource, here: Path, capsys: Capture) -> None:
    owner = Owner(source)
    first, _, *others = owner.rows()
    owner.write(first, *others)
    assert "row 2 is missing" in output(capsys, "checkpoint", "--to", "point.txt", code=3)
    assert not (here / "point.txt").exists()


@pytest.mark.usefixtures("source")
def test_a_checkpoint_by_another_gate_needs_its_public_key(here: Path, capsys: Capture) -> None:
    assert main(["log", "checkpoint", "--to", "point.txt"]) == 0
    (here / "gate.key.pub").rename(here / "moved.pub")
    (here / "gate.key").unlink()
    assert main(["log", "verify", "--checkpoint", "point.txt"]) == 2
    assert "--public-key" in capsys.readouterr().err
    assert main(["log", "verify", "--checkpoint", "point.txt", "--public-key", "moved.pub"]) == 0
    (here / "point.txt").write_text((here / "point.txt").read_text().replace("\n4\n", "\n3\n"))
    assert main(["log", "verify", "--checkpoint", "point.txt", "--public-key", "moved.pub"]) == 2
    assert "None of the keys" in capsys.readouterr().err


@pytest.mark.usefixtures("source")
def test_a_person_and_a_row_are_erased(capsys: Capture) -> None:
    assert (
        output(capsys, "erase", "--person", "dana", "--reason", "request 1") == "Erased in 2 places; row 5 says so.\n"
    )
    assert "asked by       erased-" in output(capsys, "show", "2")
    assert output(capsys, "erase", "--row", "4", "--reason", "request 2") == "Erased in 2 places; row 6 says so.\n"
    assert "asked by       (erased)" in output(capsys, "show", "4")
    assert "3 pieces of personal data were erased" in output(capsys, "verify")
    assert main(["log", "erase", "--person", "dana", "--reason", "for dana"]) == 2


def test_without_a_log_nothing_is_made(here: Path, capsys: Capture) -> None:
    for arguments in (["list"], ["verify"], ["erase", "--row", "2", "--reason", "x"]):
        assert main(["log", *arguments, "--log", "sqlite:///none.db"]) == 2
        assert "There is no decision log here" in capsys.readouterr().err
    assert list(here.iterdir()) == []
    (here / "qaqpa.yaml").write_text("version: 1\nlog: none\n")
    assert main(["log", "list"]) == 2
    assert "log: none" in capsys.readouterr().err


def test_a_password_in_an_address_is_not_shown(capsys: Capture) -> None:
    url = "postgresql+psycopg2://gate:secret@127.0.0.1:1/log"
    assert main(["log", "list", "--log", url]) == 2
    assert "secret" not in capsys.readouterr().err


def test_other_commands_need_no_sqlalchemy() -> None:
    program = (
        "import sys; sys.modules['sqlalchemy'] = None; sys.modules['mlflow'] = None\n"
        "from qaqpa.cli.main import main\n"
        "assert main(['controls']) == 0\n"
        "sys.exit(main(['log', 'list']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "SQLAlchemy is not installed" in done.stderr


def test_another_key_is_announced_and_then_rows_of_both_verify(source: LogSource, here: Path, capsys: Capture) -> None:
    another = log_source(here, source.url, name="another.key")
    _, warning = warning_of_key(another)
    assert "signed none of the last 4 rows" in warning
    assert "and no row announces it" in warning
    for number, key in enumerate((source, another)):
        public = openssh(signing_key(key).public_key, "gate")
        (here / f"{number}.pub").write_text(f"{public}\n")
    assert f"Row 5 announces {signing_key(another).key_id}" in output(capsys, "announce", "1.pub")
    output(capsys, "announce", "0.pub", code=2)
    output(capsys, "announce", "gone.pub", code=2)
    said, warning = warning_of_key(another)
    assert (said.endswith("row 5 announces it"), warning) == (True, "")
    assert warning_of_key(source) == ("", "")
    open_log(another).append([Draft("x")])
    assert warning_of_key(source)[0].startswith("other keys signed some of the last 6 rows: SHA256:")
    found = output(capsys, "verify", code=3)
    assert "Where a gate of yours had that key, name its public key with --public-key FILE." in found
    assert "Intact" in output(capsys, "verify", "--public-key", "1.pub")


def test_doctor_says_of_a_key_that_signed_nothing_so_far(source: LogSource, here: Path, capsys: Capture) -> None:
    assert main(["doctor"]) == 0
    assert "signed none" not in capsys.readouterr().out
    key = log_source(here, source.url, name="another.key").key
    (here / "qaqpa.yaml").write_text(f"version: 1\nlog: {{url: 'sqlite:///log.db', key: {key}}}\n")
    assert main(["doctor"]) == 0
    assert "WARNING: the key SHA256:" in capsys.readouterr().out


def test_a_row_that_is_no_decision_is_shown_with_what_it_says(source: LogSource, capsys: Capture) -> None:
    number = open_log(source).start(Config(), {"policy": "ab" * 32, "parties": HOSTILE})
    told = output(capsys, "show", str(number))
    assert "kind           start" in told
    assert f"policy         {'ab' * 32}" in told
    assert "evil [link=x]" in told
    assert "\x1b" not in told
    shown = parsed(capsys, "show", str(number))
    assert (shown["schema"], shown["kind"], shown["parties"]) == ("urn:qaqpa:schema:row:v1", "start", HOSTILE)
