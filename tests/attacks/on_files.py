# SPDX-License-Identifier: Apache-2.0
"""Requests that try to change the bytes of what is in production, or what runs and logged models say of them."""

from __future__ import annotations

import time

import requests

from attacks.target import Target
from attacks.trying import MLFLOW, NOBODY, Attack

_ARTIFACTS = "mlflow-artifacts/artifacts"


def _put(on: Target, path: str, tree: str = "api/2.0") -> requests.Response:
    return on.call("PUT", f"{_ARTIFACTS}/{path}", tree, data=b"evil")


def _run(on: Target, call: str, **body: object) -> requests.Response:
    return on.post(f"runs/{call}", {"run_id": on.good.run_id, **body})


def _model(on: Target, method: str, call: str = "", body: object = None) -> requests.Response:
    return on.call(method, f"mlflow/logged-models/{on.model_id}{call}", json=body)


def _deleted_run(on: Target) -> requests.Response:
    answer = _run(on, "delete")
    assert on.alias(on.evil, "production").status_code == 403
    assert _run(on, "restore").ok
    return answer


def _deleted_experiment(on: Target) -> requests.Response:
    """An experiment with a model of its own; the one of the others cannot be deleted."""
    made = on.post("experiments/create", {"name": on.registry.new_name("experiment")}).json()
    assert on.post("experiments/delete", made).ok
    return on.post("experiments/restore", made)


def _delete_logged_model(on: Target) -> requests.Response:
    """A logged model of somebody else's making; that of production is deleted last, by a test of its own."""
    made = on.post("logged-models", {"experiment_id": "0", "name": on.registry.new_name("model")}).json()
    return on.call("DELETE", f"mlflow/logged-models/{made['model']['info']['model_id']}")


def _dataset(on: Target) -> requests.Response:
    return on.call(
        "POST", "mlflow/datasets/create", "api/3.0", json={"name": on.registry.new_name("evaluated"), "tags": "{}"}
    )


def _among(on: Target) -> str:
    """An experiment whose files are to lie among those of production, by their own address on the server's disk."""
    place = f"file://{on.registry.directory}/artifacts/{on.path}"
    body = {"name": on.registry.new_name("among"), "artifact_location": place}
    return str(on.post("experiments/create", body).json()["experiment_id"])


def _upload_among(on: Target, experiment: str) -> requests.Response:
    run = on.post("runs/create", {"experiment_id": experiment}).json()["run"]["info"]["run_id"]
    where = {"run_uuid": run, "path": "code/evil.py"}
    return on.call("POST", "mlflow/upload-artifact", "ajax-api/2.0", params=where, data=b"evil")


def _prompt_among(on: Target, experiment: str) -> requests.Response:
    """The prompt lab writes a whole model where its run's files are."""
    pair = [{"key": "a", "value": "1"}]
    body = {
        "experiment_id": experiment,
        "run_name": "x",
        "user_id": "u",
        "start_time": 1,
        "tags": [],
        "prompt_template": "{{a}}",
        "prompt_parameters": pair,
        "model_route": "r",
        "model_parameters": pair,
        "model_input": "1",
        "model_output": "1",
        "model_output_parameters": pair,
        "mlflow_version": "3",
    }
    return on.call("POST", "mlflow/runs/create-promptlab-run", "ajax-api/2.0", json=body)


def _mcp(on: Target) -> requests.Response:
    """MLflow's registry of MCP servers has aliases of its own."""
    name = f"io.example/{on.registry.new_name('server')}"
    on.call("POST", "mlflow/mcp-servers", "api/3.0", json={"name": name})
    server = {"name": name, "description": "x", "version": "1.0.0"}
    on.call("POST", f"mlflow/mcp-servers/{name}/versions", "api/3.0", json={"server_json": server, "status": "active"})
    body = {"alias": "production", "version": "1.0.0"}
    return on.call("POST", f"mlflow/mcp-servers/{name}/aliases", "api/3.0", json=body)


FILES: tuple[Attack, ...] = (
    Attack("uploading over a file", "proxied", lambda on: _put(on, f"{on.path}/MLmodel"), often=True),
    Attack(
        "uploading over a file by the page's tree",
        "proxied",
        lambda on: _put(on, f"{on.path}/data/weights", "ajax-api/2.0"),
        often=True,
    ),
    Attack("uploading another file", "proxied", lambda on: _put(on, f"{on.path}/new/file"), often=True),
    Attack(
        "uploading over a file of a logged model",
        "proxied",
        lambda on: _put(on, f"{on.model_path}/MLmodel"),
        often=True,
    ),
    Attack(
        "uploading by a path that is written otherwise",
        "proxied",
        lambda on: _put(on, f"{on.path.replace('/', '//')}/%64ata/weights"),
    ),
    Attack("uploading by a path with dots", "proxied", lambda on: _put(on, f"{on.path}/x/%2e%2e/MLmodel"), MLFLOW),
    Attack(
        "uploading by a path with encoded slashes and dots",
        "proxied",
        lambda on: _put(on, f"0/x/..%2f{on.path.removeprefix('0/').replace('/', '%2f')}%2fMLmodel"),
        MLFLOW,
    ),
    Attack(
        "uploading by a path that is encoded twice",
        "proxied",
        lambda on: _put(on, f"0/x/%252e%252e/{on.path.removeprefix('0/')}/MLmodel"),
        MLFLOW,
    ),
    Attack("uploading by an absolute path", "proxied", lambda on: _put(on, f"%2f{on.path}/MLmodel"), MLFLOW),
    Attack(
        "uploading by a path with backslashes", "proxied", lambda on: _put(on, f"0\\x\\..\\{on.path}\\MLmodel"), NOBODY
    ),
    Attack("putting a file where the directory is", "proxied", lambda on: _put(on, on.path)),
    Attack("uploading in parts", "proxied", lambda on: _parts(on, "create"), MLFLOW, (501,)),
    Attack("ending an upload in parts", "proxied", lambda on: _parts(on, "complete"), MLFLOW, (501,)),
    Attack("giving up an upload in parts", "proxied", lambda on: _parts(on, "abort"), MLFLOW, (501,)),
    Attack("deleting a file", "proxied", lambda on: on.call("DELETE", f"{_ARTIFACTS}/{on.path}/MLmodel"), often=True),
    Attack("deleting the directory", "proxied", lambda on: on.call("DELETE", f"{_ARTIFACTS}/{on.path}")),
    Attack(
        "deleting what the run holds",
        "proxied",
        lambda on: on.call("DELETE", f"{_ARTIFACTS}/{on.path.rpartition('/')[0]}"),
    ),
    Attack("deleting all experiments", "proxied", lambda on: on.call("DELETE", f"{_ARTIFACTS}/0"), often=True),
    Attack(
        "uploading by the page",
        "other-uploads",
        lambda on: on.call(
            "POST",
            "mlflow/upload-artifact",
            "ajax-api/2.0",
            params={"run_uuid": on.good.run_id, "path": "model/data/weights"},
            data=b"evil",
        ),
        often=True,
    ),
    Attack(
        "asking for an address to upload to",
        "other-uploads",
        lambda on: on.post("artifacts/presigned-upload-url", {"run_id": on.good.run_id, "path": "model/MLmodel"}),
        MLFLOW,
    ),
    Attack(
        "uploading to an experiment whose files lie among those of production",
        "past-the-store",
        _upload_among,
        first=_among,
    ),
    Attack(
        "a run of the prompt lab in an experiment whose files lie among those of production",
        "past-the-store",
        _prompt_among,
        # MLflow keeps the refusal to itself, and says that all is well.
        NOBODY,
        first=_among,
    ),
    Attack("deleting the run", "lineage", _deleted_run, NOBODY),
    Attack("deleting an experiment", "lineage", _deleted_experiment, NOBODY),
    Attack(
        "changing whom the run names",
        "lineage",
        lambda on: _run(on, "set-tag", key="mlflow.user", value="auditor"),
        NOBODY,
    ),
    Attack(
        "changing the run's numbers",
        "lineage",
        lambda on: _run(on, "log-metric", key="accuracy", value=1.0, timestamp=1),
        NOBODY,
    ),
    Attack(
        "changing when the run began",
        "lineage",
        lambda on: _run(on, "update", end_time=int(time.time() * 1000)),
        NOBODY,
    ),
    Attack(
        "declaring the logged model failed",
        "lineage",
        lambda on: _model(on, "PATCH", "", {"model_id": on.model_id, "status": "LOGGED_MODEL_UPLOAD_FAILED"}),
        NOBODY,
    ),
    Attack(
        "changing what the logged model says of itself",
        "lineage",
        lambda on: _model(on, "PATCH", "/tags", {"tags": [{"key": "mlflow.user", "value": "auditor"}]}),
        NOBODY,
    ),
    Attack("deleting a logged model", "lineage", _delete_logged_model, NOBODY),
    Attack("making a set of data for evaluation", "lineage", _dataset, NOBODY),
    Attack(
        "a GraphQL mutation",
        "graphql",
        lambda on: on.call(
            "POST",
            "graphql",
            "",
            json={"query": 'mutation { setRegisteredModelAlias(input: {name: "x", alias: "production"}) { ok } }'},
        ),
        MLFLOW,
        (200, 400),
        often=True,
    ),
    Attack("an alias of an MCP server", "other-registries", _mcp, NOBODY),
    Attack(
        "a promotion by the newer tree of paths",
        "newer-tree",
        lambda on: on.alias(on.evil, "production", "api/3.0"),
        MLFLOW,
        (404, 405),
        often=True,
    ),
)
"""By uploads, deletions, runs, logged models and what else there is."""


def _parts(on: Target, step: str) -> requests.Response:
    body = {"path": "MLmodel", "num_parts": 1, "upload_id": "x", "parts": []}
    if step == "create":
        del body["upload_id"], body["parts"]
    return on.call("POST", f"mlflow-artifacts/mpu/{step}/{on.path}", json=body)
