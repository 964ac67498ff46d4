# SPDX-License-Identifier: Apache-2.0
"""Attacks of a registry on `qaqpa verify`: what it answers must not weaken what is required, nor harm the machine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.keys import openssh
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record import summary
from qaqpa.record.attest import DSSE_FILE
from support.hostile_registry import FILE, HostileRegistry, hostile_registry
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
