# SPDX-License-Identifier: Apache-2.0
"""Attacks of a registry on `qaqpa verify`: what it answers must not weaken what is required, nor harm the machine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.escape import without_credentials
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.keys import openssh
from qaqpa.mlflow.artifacts import hashed
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record import summary
from qaqpa.record.attest import DSSE_FILE
from support.hostile_registry import FILE, HostileRegistry, hostile_registry
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


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_password_of_the_registry_is_in_no_message(hostile: HostileRegistry, capfd: Capture, form: str) -> None:
    gone = f"http://user:s3cr3tpw@127.0.0.1:{free_port()}"
    assert verify(hostile, "--registry-uri", gone, "--format", form) == 4
    assert verify(hostile, "--registry-uri", "nothing://user:s3cr3tpw@127.0.0.1", "--format", form) in {2, 4}
    out, err = capfd.readouterr()
    assert "s3cr3tpw" not in out + err
    assert "***@127.0.0.1" in out + err


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
