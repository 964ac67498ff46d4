# SPDX-License-Identifier: Apache-2.0
"""The acting user comes from MLflow's own login, on a real server with basic-auth."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from support.servers import HOST, Running, free_port, mlflow_command, mlflow_environment, running

pytestmark = pytest.mark.server

ADMIN = ("admin", "a long enough password")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("login")
    settings = directory / "auth.ini"
    settings.write_text(
        "[mlflow]\n"
        "default_permission = READ\n"
        f"database_uri = sqlite:///{directory}/auth.db\n"
        f"admin_username = {ADMIN[0]}\n"
        f"admin_password = {ADMIN[1]}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    port = free_port()
    url = f"http://{HOST}:{port}"
    command = [*mlflow_command(directory, f"sqlite:///{directory}/mlflow.db", port), "--app-name", "basic-auth"]
    environment = mlflow_environment(
        MLFLOW_AUTH_CONFIG_PATH=str(settings),
        MLFLOW_AUTH_ADMIN_PASSWORD=ADMIN[1],
        MLFLOW_FLASK_SERVER_SECRET_KEY="only for this test",
    )

    def ready() -> bool:
        try:
            return requests.get(f"{url}/health", timeout=2).ok
        except requests.RequestException:
            return False

    with running(command, directory, ready, environment, url) as found:
        yield found


def _post(server: Running, call: str, body: dict[str, str], login: tuple[str, str] | None = ADMIN) -> requests.Response:
    return requests.post(f"{server.url}/api/2.0/mlflow/{call}", json=body, auth=login, timeout=30)


def test_a_refusal_is_logged_with_the_name_of_whoever_logged_in(server: Running) -> None:
    assert _post(server, "registered-models/create", {"name": "credit"}).ok
    assert _post(server, "model-versions/create", {"name": "credit", "source": "s3://nowhere/model"}).ok
    body = {"name": "credit", "alias": "production", "version": "1"}
    assert _post(server, "registered-models/alias", body, login=None).status_code == 401
    assert "asked by" not in server.output()
    refused = _post(server, "registered-models/alias", body)
    assert refused.status_code == 403
    assert refused.json()["qaqpa"]["verdict"] == "deny"
    assert "asked by admin" in server.output()
