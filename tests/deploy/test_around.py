# SPDX-License-Identifier: Apache-2.0
"""Ways around the gate with the tracking role's address: each is refused by the database, and nothing changes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import mlflow.db
import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.workspace.abstract_store import WorkspaceDeletionMode
from mlflow.store.workspace.sqlalchemy_store import SqlAlchemyStore

from support.registry import Registry, Version
from support.roles import DENIED, run_sql
from support.servers import HOST, answers, free_port, mlflow_environment, running

pytestmark = [pytest.mark.server, pytest.mark.opa]


def test_a_client_with_the_tracking_role_s_address_promotes_nothing(server: Any, unchanged: Version) -> None:
    uri = server.machine.uri("mlflow_tracking", "mlflow")
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    name = unchanged.name
    assert client.get_model_version(name, "2").current_stage == "None"
    for call in (
        lambda: client.set_registered_model_alias(name, "production", "2"),
        lambda: client.delete_registered_model_alias(name, "production"),
        lambda: client.transition_model_version_stage(name, "2", "Production"),
        lambda: client.rename_registered_model(name, f"{name}-other"),
        lambda: client.delete_model_version(name, "2"),
        lambda: client.set_model_version_tag(name, "2", "approved", "true"),
        lambda: client.create_model_version(name, "s3://elsewhere/model"),
        lambda: client.create_registered_model("another"),
    ):
        with pytest.raises(MlflowException, match=DENIED):
            call()


def test_a_second_server_without_the_gate_promotes_nothing(server: Any, unchanged: Version, tmp_path: Path) -> None:
    uri, port = server.machine.uri("mlflow_tracking", "mlflow"), free_port()
    url = f"http://{HOST}:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri, "--registry-store-uri", uri]
    command += [
        "--artifacts-destination",
        str(tmp_path / "artifacts"),
        "--host",
        HOST,
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    with running(command, tmp_path, lambda: answers(f"{url}/health"), mlflow_environment(), url) as rogue:
        registry = Registry(rogue, tmp_path)
        assert registry.aliases(unchanged.name) == {"production": unchanged.number}
        for path, body in (
            ("registered-models/alias", {"name": unchanged.name, "alias": "production", "version": "2"}),
            ("model-versions/transition-stage", {"name": unchanged.name, "version": "2", "stage": "Production"}),
        ):
            answer = registry.post(path, body)
            assert not answer.ok
            assert DENIED in answer.text


def test_mlflow_db_moves_no_model_to_another_workspace(server: Any, unchanged: Version) -> None:
    run_sql(server, "postgres", "mlflow", "INSERT INTO workspaces (name) VALUES ('other') ON CONFLICT DO NOTHING")
    arguments = ["--from", "default", "--to", "other", "--resource-type", "registered_models", "--yes"]
    command = ["move-resources", server.machine.uri("mlflow_tracking", "mlflow"), *arguments, "--name", unchanged.name]
    done = CliRunner().invoke(mlflow.db.commands, command)
    assert done.exit_code != 0
    assert DENIED in f"{done.output}{done.exception}"


@pytest.mark.parametrize("mode", [WorkspaceDeletionMode.SET_DEFAULT, WorkspaceDeletionMode.CASCADE])
def test_deleting_a_workspace_moves_no_model(server: Any, unchanged: Version, mode: WorkspaceDeletionMode) -> None:
    del unchanged
    team = f"team-{mode.value.lower()}"
    run_sql(
        server,
        "postgres",
        "mlflow",
        f"INSERT INTO workspaces (name) VALUES ('{team}') ON CONFLICT DO NOTHING;"
        f"INSERT INTO registered_models (workspace, name, creation_time) VALUES ('{team}', 'stolen', 1)",
    )
    try:
        with pytest.raises(MlflowException, match=DENIED):
            SqlAlchemyStore(server.machine.uri("mlflow_tracking", "mlflow")).delete_workspace(team, mode)
        found = run_sql(server, "postgres", "mlflow", "SELECT workspace FROM registered_models WHERE name = 'stolen'")
        assert found == [(team,)]
    finally:
        run_sql(server, "postgres", "mlflow", f"DELETE FROM registered_models WHERE workspace = '{team}'")
