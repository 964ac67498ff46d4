# SPDX-License-Identifier: Apache-2.0
"""`qaqpa tables` on SQLite; `tests/deploy` runs it on PostgreSQL, as an owner that servers are not."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from qaqpa.cli.main import main
from qaqpa.policy.embedded import EmbeddedEngine
from support.logs import checked, filled, log_source, made
from support.servers import HOST, free_port


def tables(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return names


def test_it_makes_both_and_can_be_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["tables", "--registry", f"qaqpa+sqlite:///{tmp_path}/mlflow.db", "--log", f"sqlite:///{tmp_path}/log.db"]
    assert main(command) == 0
    assert tables(tmp_path / "mlflow.db") >= {"qaqpa_envelopes", "qaqpa_envelope_subjects", "qaqpa_freezes"}
    assert tables(tmp_path / "log.db") == {f"qaqpa_log{part}" for part in ("", "_allowed", "_content", "_override")}
    assert main(command) == 0
    assert "The gate's tables are in sqlite:" in capsys.readouterr().out
    assert not (tmp_path / "log.db.key").exists()


def test_a_log_is_written_into_tables_that_were_made_ahead(tmp_path: Path, engine: EmbeddedEngine) -> None:
    source = log_source(tmp_path)
    assert main(["tables", "--log", source.url]) == 0
    filled(source, made(engine), pairs=1)
    found = checked(source)
    assert (found.problems, found.size) == ([], 3)


def test_no_database_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tables"]) == 2
    assert "--registry URL, --log URL, or both" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--registry", "--log"])
@pytest.mark.parametrize(
    "url", ["mysql://me:hidden@host/x", "sqlite://", "hidden", "postgresql+pg8000://me:hidden@h/x"]
)
def test_what_is_no_address_makes_nothing_and_is_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, url: str
) -> None:
    other = {"--registry": "--log", "--log": "--registry"}[option]
    assert main(["tables", option, url, other, f"sqlite:///{tmp_path}/other.db"]) == 2
    error = capsys.readouterr().err
    assert option in error
    assert "hidden" not in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--registry", "--log"])
def test_a_database_that_does_not_answer(capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert main(["tables", option, f"postgresql+psycopg2://me:hidden@{HOST}:{free_port()}/x"]) == 4
    error = capsys.readouterr().err
    assert "refused" in error
    assert "hidden" not in error
