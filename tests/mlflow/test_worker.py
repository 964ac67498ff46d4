# SPDX-License-Identifier: Apache-2.0
"""How many workers a server starts, as its command says."""

from __future__ import annotations

import inspect
from typing import Any

import click
import mlflow.server
import pytest
from mlflow.cli import cli

from qaqpa.mlflow import worker


def _given(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | None:
    """What is remembered where MLflow's own command was given these arguments."""
    found: dict[str, Any] = {}
    monkeypatch.setenv(worker.COUNT, "7")
    command = cli.get_command(click.Context(cli), "server")

    def note(**_: Any) -> None:
        worker.note_count()
        found["workers"] = worker.expected_workers()

    monkeypatch.setattr(command, "callback", note)
    command.main(list(arguments), standalone_mode=False)
    number: int | None = found["workers"]
    return number


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        (("--workers", "3"), 3),
        (("-w", "2", "--gunicorn-opts", "--threads 4"), 2),
        ((), 4),
        (("--gunicorn-opts", "--threads 4 -w 9"), None),
        (("--gunicorn-opts", "--workers=9"), None),
        (("--uvicorn-opts", "--reload"), None),
        (("--workers", "many"), None),
        (("--workers", "0"), None),
    ],
)
def test_the_command_says_it(monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], number: int | None) -> None:
    assert _given(monkeypatch, *arguments) == number


def test_the_number_that_mlflow_takes_by_itself_is_still_that_one() -> None:
    assert f"workers or {worker.MLFLOWS_OWN}" in inspect.getsource(mlflow.server._run_server)


def test_no_other_process_remembers_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(worker.COUNT, raising=False)
    worker.note_count()
    assert worker.expected_workers() is None
    assert worker.server_command() is None
