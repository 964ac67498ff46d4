# SPDX-License-Identifier: Apache-2.0
"""The configuration: where decisions are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from qaqpa.config import Config, LogSource, load_config
from qaqpa.config.log import without_password
from qaqpa.documents import DocumentError
from qaqpa.errors import UsageError
from support.configurations import load

POSTGRESQL = "postgresql+psycopg2://gate:secret@db/log"


def test_without_anything_said_they_are_kept_in_a_file_below_the_state_directory(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(here / "state"))
    found = load_config().log
    assert found == LogSource(f"sqlite:///{here}/state/qaqpa/decisions.db")
    assert found.key_file == here / "state" / "qaqpa" / "decisions.db.key"


def test_a_configuration_made_in_a_program_keeps_none() -> None:
    assert Config().log is None


def test_a_file_lies_beside_the_configuration_and_so_does_its_key(tmp_path: Path) -> None:
    found = load(tmp_path, "version: 1\nlog: {url: 'sqlite:///kept/log.db', timeout_seconds: 0.5}\n").log
    assert found
    assert (found.url, found.timeout_seconds) == (f"sqlite:///{tmp_path}/kept/log.db", 0.5)
    assert found.file == tmp_path / "kept" / "log.db"
    assert load(tmp_path, "version: 1\nlog: {url: 'sqlite:////srv/log.db', key: gate.key}\n").log == LogSource(
        "sqlite:////srv/log.db", key=tmp_path / "gate.key", source=str(tmp_path / "qaqpa.yaml")
    )


def test_a_database_server_needs_a_key_that_all_its_gates_share(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the key that signs its rows is not named") as caught:
        load(tmp_path, f"version: 1\nlog: {{url: '{POSTGRESQL}'}}\n")
    assert "secret" not in str(caught.value)
    config = load(tmp_path, f"version: 1\nlog: {{url: '{POSTGRESQL}', key: gate.key}}\n")
    assert config.log
    assert config.log.key_file == tmp_path / "gate.key"
    assert "secret" not in str(config.sources)


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QAQPA_LOG", "sqlite:///other.db")
    monkeypatch.setenv("QAQPA_LOG_KEY", "other.key")
    found = load(tmp_path, "version: 1\nlog: {url: 'sqlite:///log.db', key: gate.key, timeout_seconds: 5}\n").log
    assert found == LogSource(f"sqlite:///{tmp_path}/other.db", tmp_path / "other.key", 5.0, "QAQPA_LOG")


def test_it_can_be_said_that_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load(tmp_path, "version: 1\nlog: none\n")
    assert config.log is None
    assert ("log", "none: decisions are not kept", "configuration") in config.sources
    monkeypatch.setenv("QAQPA_LOG", "sqlite:///log.db")
    assert load(tmp_path, "version: 1\nlog: none\n").log
    monkeypatch.setenv("QAQPA_LOG", "none")
    assert load(tmp_path, "version: 1\nlog: {url: 'sqlite:///log.db'}\n").log is None


@pytest.mark.parametrize("url", ["mysql://root:secret@db/log", "sqlite:///", "log.db", "postgresql+asyncpg://db/log"])
def test_other_databases_are_refused_without_showing_a_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="not the address of a database") as caught:
        load(tmp_path, f"version: 1\nlog: {{url: '{url}'}}\n")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("part", ["{}", "some", "{url: ''}", "{timeout_seconds: 0}", "{timeout_seconds: 31}", "{x: 1}"])
def test_what_does_not_fit_the_schema(tmp_path: Path, part: str) -> None:
    with pytest.raises(DocumentError):
        load(tmp_path, f"version: 1\nlog: {part}\n")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (POSTGRESQL, "postgresql+psycopg2://gate:***@db/log"),
        ("postgresql://gate@db/log", "postgresql://gate@db/log"),
        ("sqlite:////srv/a@b.db", "sqlite:////srv/a@b.db"),
    ],
)
def test_a_password_is_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown
