# SPDX-License-Identifier: Apache-2.0
"""How a run of the demo ends: its exit code, and what it leaves behind."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from qaqpa.config import load_config
from qaqpa.demo import run
from qaqpa.demo.people import People
from qaqpa.demo.run import run_demo
from qaqpa.demo.talk import Talk

Told = Callable[[Talk, "FakeServer", People], None]


class FakeServer:
    """Stands for the server, and notes whether it was stopped."""

    url = "http://127.0.0.1:1"
    started: list[FakeServer] = []  # noqa: RUF012 - emptied by the fixture

    def __init__(self, directory: Path, configuration: str) -> None:
        self.directory = directory
        self.configuration = directory / "qaqpa.yaml"
        self.configuration.write_text(configuration, encoding="utf-8")
        self.stopped = False
        self.process = self
        self.pid = 4711
        self.started.append(self)

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def tells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Told], None]:
    FakeServer.started.clear()
    monkeypatch.setattr(run, "Server", FakeServer)
    monkeypatch.setattr(run.tempfile, "tempdir", str(tmp_path))
    return lambda told: monkeypatch.setattr(run, "_tell", told)


def told(*, keep: bool = False) -> tuple[int, str]:
    out = io.StringIO()
    code = run_demo(keep=keep, out=Console(file=out, width=200))
    return code, out.getvalue()


def test_a_story_as_expected_gives_0_and_leaves_nothing(tells: Callable[[Told], None], tmp_path: Path) -> None:
    tells(lambda talk, *_: talk.expect("all is well", holds=True))
    code, text = told()
    assert code == 0
    assert "Every step gave what it should" in text
    assert FakeServer.started[0].stopped
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_differs_gives_1_and_says_which(tells: Callable[[Told], None]) -> None:
    tells(lambda talk, *_: talk.expect("a refusal", holds=False, found=200))
    code, text = told()
    assert code == 1
    assert "- a refusal; found: 200" in text


def test_an_error_gives_1_and_leaves_nothing(tells: Callable[[Told], None], tmp_path: Path) -> None:
    def broken(_talk: Talk, _server: FakeServer, _people: People) -> None:
        raise ValueError("no such thing \x1b[31m")

    tells(broken)
    code, text = told(keep=True)
    assert code == 1
    assert "ValueError: no such thing \\u001b[31m" in text
    assert FakeServer.started[0].stopped
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_nothing(tells: Callable[[Told], None], tmp_path: Path) -> None:
    def interrupted(_talk: Talk, _server: FakeServer, _people: People) -> None:
        raise KeyboardInterrupt

    tells(interrupted)
    with pytest.raises(KeyboardInterrupt):
        told()
    assert FakeServer.started[0].stopped
    assert list(tmp_path.iterdir()) == []


def test_keep_leaves_the_server_and_says_how_to_end_it(tells: Callable[[Told], None]) -> None:
    tells(lambda *_: None)
    code, text = told(keep=True)
    server = FakeServer.started[0]
    assert code == 0
    assert not server.stopped
    assert f"kill 4711; rm -r {server.directory}" in text
    assert f"--registry-uri {server.url} --config {server.configuration}" in text
    assert server.directory.is_dir()


def test_the_server_trusts_the_parties_file_of_its_own_directory(tells: Callable[[Told], None]) -> None:
    tells(lambda *_: None)
    told(keep=True)
    server = FakeServer.started[0]
    source = load_config(server.configuration).parties
    assert source is not None
    assert source.file == server.directory / "parties.signed.json"
    assert source.state == server.directory / "state"


def test_the_last_words_are_three_commands(tells: Callable[[Told], None]) -> None:
    tells(lambda *_: None)
    _, text = told()
    commands = [line.strip() for line in text.splitlines() if line.strip().startswith("$ ")]
    assert [command.split()[1] for command in commands] == ["mlflow", "qaqpa", "qaqpa"]
