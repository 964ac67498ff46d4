# SPDX-License-Identifier: Apache-2.0
"""Attacks on a server with workspaces, on PostgreSQL without a login: through another workspace, and as everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import requests

from attacks.on_files import FILES
from attacks.on_registry import REGISTRY
from attacks.target import Target, attacked_server, new_target
from attacks.trying import MLFLOW, NOBODY, Attack, try_it
from qaqpa.policy.embedded import EmbeddedEngine

pytestmark = pytest.mark.server

TEAM = "team"
_ARTIFACTS = "mlflow-artifacts/artifacts"


@pytest.fixture(scope="module")
def workspaces(
    tmp_path_factory: pytest.TempPathFactory,
    engine: EmbeddedEngine,
    new_postgresql_database: Callable[[str, str], str],
) -> Iterator[Target]:
    """Its models are in the default workspace; another one has a registered model of the same name, and a plain one."""
    database = new_postgresql_database("psycopg2", "with_workspaces")
    more = ["--enable-workspaces", "--workspace-store-uri", f"qaqpa+{database}"]
    with attacked_server(tmp_path_factory.mktemp("workspaces"), engine, database, more=more) as found:
        target = new_target(found, "PostgreSQL, no login, workspaces")
        assert target.call("POST", "mlflow/workspaces", "api/3.0", json={"name": TEAM}).ok
        assert _there(target, "POST", "mlflow/registered-models/create", json={"name": target.good.name}).ok
        body = {"name": target.good.name, "source": "s3://nowhere/model"}
        assert _there(target, "POST", "mlflow/model-versions/create", json=body).ok
        yield target


def _there(on: Target, method: str, path: str, tree: str = "api/2.0", **what: object) -> requests.Response:
    """A request to the other workspace."""
    return on.call(method, path, tree, headers={"X-MLFLOW-WORKSPACE": TEAM}, **what)


def _delete(on: Target, mode: str, name: str = TEAM) -> requests.Response:
    return on.call("DELETE", f"mlflow/workspaces/{name}", "api/3.0", params={"mode": mode})


def _alias(on: Target, method: str = "POST") -> requests.Response:
    body = {"name": on.good.name, "alias": "production", "version": "1"}
    return _there(on, method, "mlflow/registered-models/alias", json=body)


def _put(on: Target, path: str) -> requests.Response:
    return _there(on, "PUT", f"{_ARTIFACTS}/{path}", data=b"evil")


THROUGH = {
    attack.name: attack
    for attack in (
        Attack("moving the models of a workspace", "workspaces", lambda on: _delete(on, "SET_DEFAULT")),
        Attack("deleting a workspace with its models", "workspaces", lambda on: _delete(on, "CASCADE")),
        Attack(
            "deleting the default workspace",
            "workspaces",
            lambda on: _delete(on, "CASCADE", "default"),
            MLFLOW,
            (400, 403),
        ),
        Attack("an alias of the same name in another workspace", "workspaces", _alias),
        Attack(
            "a stage of the same name in another workspace",
            "workspaces",
            lambda on: _there(
                on,
                "POST",
                "mlflow/model-versions/transition-stage",
                json={"name": on.good.name, "version": "1", "stage": "Production"},
            ),
        ),
        Attack(
            "a gated name in another workspace",
            "workspaces",
            lambda on: _there(
                on, "POST", "mlflow/registered-models/rename", json={"name": on.good.name, "new_name": "live-x"}
            ),
        ),
        Attack(
            "a workspace that does not exist",
            "workspaces",
            lambda on: on.call(
                "POST",
                "mlflow/registered-models/alias",
                headers={"X-MLFLOW-WORKSPACE": "nobody"},
                json={"name": on.good.name, "alias": "production", "version": on.worse.number},
            ),
            MLFLOW,
            (400, 404),
        ),
        Attack(
            "a file of the default workspace by its whole path",
            "workspaces",
            lambda on: _put(on, f"{on.path}/MLmodel"),
            MLFLOW,
        ),
        Attack(
            "deleting all files of the default workspace",
            "workspaces",
            lambda on: on.call("DELETE", f"{_ARTIFACTS}/workspaces/default/0"),
        ),
        Attack(
            "a file of the default workspace by its path",
            "workspaces",
            lambda on: _put(on, f"../default/{on.path}/MLmodel"),
            MLFLOW,
            (400, 404),
        ),
        Attack(
            "a file of the default workspace by an encoded path",
            "workspaces",
            lambda on: _put(on, f"%2e%2e/%2e%2e/{on.path}/MLmodel"),
            MLFLOW,
            (400, 404),
        ),
    )
}
_ELSEWHERE = {"deleting all experiments", "uploading by the page"}
"""With workspaces, MLflow takes these for files beside those of the workspace: nothing that it serves lies there."""

OFTEN = {
    attack.name: replace(attack, by=NOBODY) if attack.name in _ELSEWHERE else attack
    for attack in REGISTRY + FILES
    if attack.often
}


@pytest.mark.parametrize("name", THROUGH)
def test_another_workspace_gives_no_way_in(workspaces: Target, name: str) -> None:
    try_it(THROUGH[name], workspaces)


@pytest.mark.parametrize("name", OFTEN)
def test_it_is_stopped_with_workspaces_too(workspaces: Target, name: str) -> None:
    try_it(OFTEN[name], workspaces)
