# SPDX-License-Identifier: Apache-2.0
"""Attacks of a registry on `qaqpa verify`: what it answers must not weaken what is required, nor harm the machine."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.errors import UndecidedError, UsageError
from qaqpa.escape import without_credentials
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.keys import openssh
from qaqpa.mlflow.artifacts import hashed
from qaqpa.mlflow.download import download
from qaqpa.mlflow.registry import open_client
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record import summary
from qaqpa.record.attest import DSSE_FILE
from qaqpa.record.reading import read_envelope
from support.hostile_registry import FILE, HostileRegistry, hostile_registry
from support.keyring import signing_key
from support.servers import free_port
from support.verdicts import GATE, changed, judged, moved, statement, write

Capture = pytest.CaptureFixture[str]
DAY = timedelta(days=1)


@pytest.fixture
def hostile(here: Path, engine: EmbeddedEngine) -> Iterator[HostileRegistry]:
    """A registry, and a verdict that holds for the bytes which it serves as long as it behaves."""
    (here / "model").mkdir()
    (here / "model" / "MLmodel").write_bytes(FILE)
    (here / "gate.pub").write_text(openssh(GATE.public_key))
    now = times.now()
    found = moved(statement(judged(engine)), dir_hash("model"), now - DAY, now + 9 * DAY)
    write(here, changed(found, lambda value: value["predicate"][summary.SUBJECT].update(created=None)))
    with hostile_registry() as registry:
        yield registry


def verify(registry: HostileRegistry, *more: str) -> int:
    asked = ["--gate-key", "gate.pub", "--profile", "article-baseline", "--registry-uri", registry.url]
    return main(["verify", "models:/credit/7", "--verdict", DSSE_FILE, *asked, *more])


def test_a_registry_that_names_another_workspace_than_the_one_required(
    hostile: HostileRegistry, here: Path, capsys: Capture
) -> None:
    assert verify(hostile) == 0
    (here / "requirements.yaml").write_text("version: 1\nworkspace: finance\n")
    assert verify(hostile, "--require", "requirements.yaml") == 3
    assert "workspace: it is about a model of the workspace default" in capsys.readouterr().out
    assert verify(hostile, "--workspace", "finance") == 3


def test_the_password_of_the_registry_is_in_no_message(hostile: HostileRegistry, capfd: Capture) -> None:
    gone = f"http://user:s3cr3tpw@127.0.0.1:{free_port()}"
    assert verify(hostile, "--registry-uri", gone, "--format", "json") == 4
    out, err = capfd.readouterr()
    for said in (out, err):
        assert "s3cr3tpw" not in said
        assert "***@127.0.0.1" in said
    with pytest.raises(UsageError) as refused:
        open_client("nothing://user:s3cr3tpw@127.0.0.1")
    assert refused.value.where == "nothing://***@127.0.0.1"


def test_the_password_in_a_location_is_in_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(location: str, **_: object) -> None:
        raise OSError(f"no answer from {location}")

    monkeypatch.setattr("qaqpa.mlflow.artifacts.get_artifact_repository", refuse)
    for location in ("ftp://user:s3cr3tpw@files/m", "http://user:s3cr3tpw@files/m"):
        digest, problems = hashed(location, None)
        assert digest is None
        assert "***@files" in problems[0].detail
        assert "s3cr3tpw" not in problems[0].detail


def test_secrets_in_the_parameters_of_an_address_are_taken_out() -> None:
    hidden = without_credentials(
        "postgresql://u:p@h/db?user=u&sslpassword=s3cr3t&x=1, https://b/o?X-Amz-Signature=s3cr3t"
    )
    assert hidden == "postgresql://***@h/db?user=u&sslpassword=***&x=1, https://b/o?X-Amz-Signature=***"


@pytest.mark.parametrize(
    ("mode", "more", "said"),
    [
        ("deep", [], "32 folders within each other"),
        ("endless", ["--max-bytes", "1000000"], "1000000 bytes"),
        ("slow", ["--timeout", "4"], "4 seconds"),
    ],
)
def test_files_without_an_end_neither_hang_it_nor_fill_the_disk(
    hostile: HostileRegistry, here: Path, capsys: Capture, mode: str, more: list[str], said: str
) -> None:
    hostile.mode = mode
    assert verify(hostile, "--into", "served", *more) == 4
    assert said in capsys.readouterr().err
    assert not (here / "served").exists()
    assert not list(here.glob(".qaqpa-*"))


def test_no_time_and_no_bytes_are_no_limits(hostile: HostileRegistry) -> None:
    for limit in ("--timeout", "--max-bytes"):
        for value in ("0", "-1", "1e3", ""):
            with pytest.raises(SystemExit) as ended:
                verify(hostile, f"{limit}={value}")
            assert ended.value.code == 2


def test_nothing_is_fetched_for_a_verdict_that_cannot_hold(hostile: HostileRegistry, here: Path) -> None:
    found = json.loads(read_envelope(here / DSSE_FILE).payload)
    digest = found["subject"][0]["digest"]["sha256"]
    assert verify(hostile, "--stage", "staging") == 3
    write(here, found, signing_key("attacker", 1))
    assert verify(hostile, "--into", "served") == 3
    write(here, moved(found, digest, times.now() - 9 * DAY, times.now() - DAY))
    assert verify(hostile) == 3
    assert hostile.asked == []
    write(here, found)
    assert verify(hostile, "--into", "served") == 0
    assert (here / "served" / "MLmodel").read_bytes() == FILE
    assert hostile.fetched()


def test_a_runner_that_ends_it_finds_nothing_left_behind(hostile: HostileRegistry, here: Path) -> None:
    hostile.mode = "slow"
    asked = ["--gate-key", "gate.pub", "--profile", "article-baseline", "--registry-uri", hostile.url]
    command = [sys.executable, "-m", "qaqpa.cli.main", "verify", "models:/credit/7", "--verdict", DSSE_FILE, *asked]
    process = subprocess.Popen([*command, "--into", "served"])
    end = time.monotonic() + 60
    while not any(path.endswith("/MLmodel") for path in hostile.asked) and time.monotonic() < end:
        time.sleep(0.1)
    assert list(here.glob(".qaqpa-*"))
    process.terminate()
    assert process.wait(20) == 128 + signal.SIGTERM
    assert not list(here.glob(".qaqpa-*"))
    assert not (here / "served").exists()


def test_a_list_of_too_many_files_is_not_followed(hostile: HostileRegistry, tmp_path: Path) -> None:
    hostile.mode = "many"
    (tmp_path / "to").mkdir()
    with pytest.raises(UndecidedError, match="lists more than it may"):
        download("models:/credit/7", hostile.url, tmp_path / "to", most=(1000, 32))
    assert len(hostile.fetched()) == 1
