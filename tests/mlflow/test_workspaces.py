# SPDX-License-Identifier: Apache-2.0
"""Deleting a workspace neither moves registered models nor deletes them, on a real server with workspaces."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from mlflow.entities.workspace import Workspace
from mlflow.exceptions import MlflowException
from mlflow.store.model_registry.dbmodels.models import SqlRegisteredModel
from mlflow.store.workspace.abstract_store import WorkspaceDeletionMode
from mlflow.store.workspace.sqlalchemy_store import SqlAlchemyStore

from qaqpa.mlflow.store import build_workspaces
from support.registry import passing
from support.servers import Running, free_port, mlflow_command, mlflow_environment, mlflow_server

pytestmark = pytest.mark.server

CONFIGURATION = "version: 1\ngates:\n  - {stage: production, profiles: [article-baseline], aliases: [production]}\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("workspaces")
    database = f"sqlite:///{directory}/mlflow.db"
    more = ["--enable-workspaces", "--workspace-store-uri", f"qaqpa+{database}"]
    more += ["--artifacts-destination", f"qaqpa+file://{directory}/artifacts"]
    with mlflow_server(directory, database, CONFIGURATION, more=more) as running:
        yield running


def call(server: Running, method: str, path: str, workspace: str = "default", **arguments: Any) -> requests.Response:
    headers = {"X-MLFLOW-WORKSPACE": workspace}
    return requests.request(method, f"{server.url}/api/{path}", headers=headers, timeout=60, **arguments)


def names(server: Running, workspace: str) -> list[str]:
    answer = call(server, "GET", "2.0/mlflow/registered-models/search", workspace)
    return [model["name"] for model in answer.json().get("registered_models", [])]


@pytest.mark.parametrize("mode", ["SET_DEFAULT", "CASCADE"])
def test_a_workspace_with_a_registered_model_is_not_deleted(server: Running, mode: str) -> None:
    team = f"team-{mode.lower().replace('_', '-')}"
    assert call(server, "POST", "3.0/mlflow/workspaces", json={"name": team}).ok
    body = {"name": f"credit-{team}"}
    assert call(server, "POST", "2.0/mlflow/registered-models/create", team, json=body).ok
    answer = call(server, "DELETE", f"3.0/mlflow/workspaces/{team}", params={"mode": mode})
    assert answer.status_code == 403
    assert answer.json()["qaqpa"]["problems"][0]["code"] == "workspace_not_empty"
    assert names(server, team) == [f"credit-{team}"]
    assert f"credit-{team}" not in names(server, "default")
    assert call(server, "DELETE", "2.0/mlflow/registered-models/delete", team, json=body).ok
    assert call(server, "DELETE", f"3.0/mlflow/workspaces/{team}", params={"mode": mode}).ok


def test_an_alias_in_a_workspace_is_judged(server: Running) -> None:
    assert call(server, "POST", "3.0/mlflow/workspaces", json={"name": "team"}).ok
    created = {"name": "credit", "source": "s3://bucket/model"}
    assert call(server, "POST", "2.0/mlflow/registered-models/create", "team", json={"name": "credit"}).ok
    assert call(server, "POST", "2.0/mlflow/model-versions/create", "team", json=created).ok
    body = {"name": "credit", "alias": "production", "version": "1"}
    assert call(server, "POST", "2.0/mlflow/registered-models/alias", "team", json=body).status_code == 403


def put(server: Running, workspace: str, path: str, content: str = "evil") -> int:
    return call(server, "PUT", f"2.0/mlflow-artifacts/artifacts/{path}", workspace, data=content).status_code


def test_what_is_in_production_in_a_workspace_is_frozen_there(server: Running) -> None:
    """Allowed by evidence, so that the server hashes what the workspace has at this path, and no other."""
    team = "frozen"
    assert call(server, "POST", "3.0/mlflow/workspaces", json={"name": team}).ok
    experiment = call(server, "POST", "2.0/mlflow/experiments/create", team, json={"name": "x"}).json()["experiment_id"]
    made = call(server, "POST", "2.0/mlflow/runs/create", team, json={"experiment_id": experiment}).json()["run"][
        "info"
    ]
    source = f"{made['artifact_uri']}/model"
    scoped = source.removeprefix("mlflow-artifacts:/")
    place = scoped.removeprefix(f"workspaces/{team}/")
    assert scoped != place
    assert put(server, team, f"{place}/weights", "good") == 200
    assert put(server, "default", f"{place}/weights", "other") == 200
    digest = hashlib.sha256(f"{hashlib.sha256(b'good').hexdigest()}  weights\n".encode()).hexdigest()
    tags = passing(["credit"], digest, models=[{"name": "credit", "workspace": team}])
    carried = [{"key": key, "value": value} for key, value in {**tags.model, **tags.version}.items()]
    assert call(server, "POST", "2.0/mlflow/registered-models/create", team, json={"name": "credit"}).ok
    version = {"name": "credit", "source": source, "run_id": made["run_id"], "tags": carried}
    answer = call(server, "POST", "2.0/mlflow/model-versions/create", team, json=version)
    assert answer.ok, answer.text
    body = {"name": "credit", "alias": "production", "version": "1"}
    answer = call(server, "POST", "2.0/mlflow/registered-models/alias", team, json=body)
    assert answer.ok, answer.text
    assert put(server, team, f"{place}/weights") == 403
    assert put(server, team, f"{scoped}/weights") == 403
    assert put(server, team, f"{place}-2/weights") == 200
    gone = call(server, "DELETE", f"2.0/mlflow-artifacts/artifacts/{place}", team)
    assert gone.json()["qaqpa"]["problems"][0]["code"] == "frozen"
    assert call(server, "DELETE", "2.0/mlflow/registered-models/alias", team, json=body).ok
    assert put(server, team, f"{place}/weights") == 200
    assert call(server, "POST", "2.0/mlflow/registered-models/alias", team, json=body).status_code == 403


def test_a_server_with_workspaces_that_nobody_guards_does_not_start(tmp_path: Path) -> None:
    command = mlflow_command(tmp_path, f"sqlite:///{tmp_path}/mlflow.db", free_port())
    done = subprocess.run(
        [*command, "--enable-workspaces"],
        env=mlflow_environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert "--workspace-store-uri" in done.stderr
    assert "Qaqpa does not let this server start" in done.stderr


def test_each_mode_on_postgresql(new_postgresql_database: Any) -> None:
    store = build_workspaces(f"qaqpa+{new_postgresql_database('psycopg2', 'workspaces')}")
    assert isinstance(store, SqlAlchemyStore)
    with store.ManagedSessionMaker(read_only=False) as session:
        session.add(SqlRegisteredModel(name="credit", workspace="team", creation_time=1))
    for name in ("team", "empty"):
        store.create_workspace(Workspace(name=name))
    for mode in (WorkspaceDeletionMode.SET_DEFAULT, WorkspaceDeletionMode.CASCADE):
        with pytest.raises(MlflowException, match="among them credit") as caught:
            store.delete_workspace("team", mode)
        assert caught.value.error_code == "PERMISSION_DENIED"
    store.delete_workspace("empty", WorkspaceDeletionMode.CASCADE)
    assert sorted(workspace.name for workspace in store.list_workspaces()) == ["default", "team"]
