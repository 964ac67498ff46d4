# SPDX-License-Identifier: Apache-2.0
"""A server whose gate cannot do its work does not start."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.servers import free_port, mlflow_command, mlflow_environment, write_empty_database

pytestmark = pytest.mark.server


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ("version: 1\ngates: 7\n", "qaqpa.yaml:2:8"),
        (
            f"version: 1\nparties: {{file: gone.json, threshold: 1, roots: ['SHA256:{'a' * 43}']}}\n",
            "gone.json: The parties file is missing",
        ),
    ],
)
def test_a_broken_configuration_stops_the_server(tmp_path: Path, configuration: str, said: str) -> None:
    file = tmp_path / "qaqpa.yaml"
    file.write_text(configuration)
    write_empty_database(tmp_path / "mlflow.db")
    done = subprocess.run(
        mlflow_command(tmp_path, f"sqlite:///{tmp_path}/mlflow.db", free_port()),
        env=mlflow_environment(QAQPA_CONFIG=str(file)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert "Qaqpa does not let this server start: " in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "NOT STARTED: Qaqpa does not let this server start: " in done.stderr.splitlines()[-1]
