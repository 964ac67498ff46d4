# SPDX-License-Identifier: Apache-2.0
"""Attacks by MLflow's own client and its fluent functions, and by a program that has the registry's address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking._model_registry import utils as registry_utils
from mlflow.tracking._tracking_service import utils as tracking_utils
from requests import HTTPError

from attacks.target import Target, acting
from attacks.trying import MLFLOW, write_down

pytestmark = pytest.mark.server

_Call = Callable[[Target], object]


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test sets in MLflow ends with it."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(tracking_utils, "_tracking_uri", None)
    monkeypatch.setattr(registry_utils, "_registry_uri", None)


def _live(on: Target) -> str:
    """A gated name without versions; MLflow's client would make it before it copies."""
    return on.client.create_registered_model(on.registry.new_name("live")).name


def _over(on: Target) -> str:
    """A file that is to lie over one of production."""
    path = on.registry.directory / "evil" / "MLmodel"
    path.parent.mkdir(exist_ok=True)
    path.write_text("evil")
    return str(path)


CALLS: dict[str, tuple[str, Callable[..., object]]] = {
    "set_registered_model_alias": (
        "",
        lambda on: on.client.set_registered_model_alias(on.evil.name, "production", on.evil.number),
    ),
    "set_registered_model_alias, moving it": (
        "",
        lambda on: on.client.set_registered_model_alias(on.good.name, "production", on.worse.number),
    ),
    "transition_model_version_stage": (
        "",
        lambda on: on.client.transition_model_version_stage(on.evil.name, on.evil.number, "Production"),
    ),
    "transition_model_version_stage, archiving": (
        "",
        lambda on: on.client.transition_model_version_stage(on.worse.name, on.worse.number, "production", True),  # noqa: FBT003
    ),
    "copy_model_version": (
        "live",
        lambda on, live: on.client.copy_model_version(f"models:/{on.evil.name}/{on.evil.number}", live),
    ),
    "create_model_version": (
        "live",
        lambda on, live: on.client.create_model_version(live, on.evil.source, on.evil.run_id),
    ),
    "rename_registered_model": (
        "",
        lambda on: on.client.rename_registered_model(on.evil.name, on.registry.new_name("live")),
    ),
    "rename_registered_model, of what is in production": (
        "",
        lambda on: on.client.rename_registered_model(on.good.name, on.registry.new_name("away")),
    ),
    "delete_registered_model": ("", lambda on: on.client.delete_registered_model(on.good.name)),
    "delete_model_version": ("", lambda on: on.client.delete_model_version(on.good.name, on.good.number)),
    "delete_model_version_tag": (
        "",
        lambda on: on.client.delete_model_version_tag(on.good.name, on.good.number, on.evidence()[0]),
    ),
    "set_model_version_tag": (
        "",
        lambda on: on.client.set_model_version_tag(on.good.name, on.good.number, on.evidence()[0], "{}"),
    ),
    "log_artifact": ("", lambda on: on.client.log_artifact(on.good.run_id, _over(on), "model")),
    "log_model_artifact": ("", lambda on: on.client.log_model_artifacts(on.model_id, str(Path(_over(on)).parent))),
    "delete_artifacts": (
        "",
        lambda on: get_artifact_repository(on.good.source, tracking_uri=on.registry.server.url).delete_artifacts(),
    ),
    "mlflow.register_model": (
        "live",
        lambda on, live: mlflow.register_model(f"runs:/{on.evil.run_id}/model", live),
    ),
    "mlflow.log_artifact": ("", lambda on: _fluently(on, lambda: mlflow.log_artifact(_over(on), "model"))),
}


def _fluently(on: Target, call: Callable[[], object]) -> object:
    """A call inside the run that made what is in production."""
    with mlflow.start_run(run_id=on.good.run_id):
        return call()


@pytest.mark.parametrize("name", CALLS)
def test_the_client_is_refused(target: Target, name: str) -> None:
    needs, call = CALLS[name]
    mlflow.set_tracking_uri(target.registry.server.url)
    with acting(target.user):
        made = [_live(target)] if needs else []
        before = target.state()
        with pytest.raises((MlflowException, HTTPError)) as caught:
            call(target, *made)
    assert target.state() == before
    assert "Qaqpa" in str(caught.value) or "403" in str(caught.value), caught.value
    write_down(name, "plain-client", target, "MlflowClient", (403, str(caught.value)))


def test_a_job_that_inherits_the_registrys_address_is_refused(plain: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"qaqpa+{plain.registry.server.database}"
    assert address in _inherited(plain)
    monkeypatch.setenv("QAQPA_CONFIG", str(plain.registry.directory / "qaqpa.yaml"))
    monkeypatch.setenv("QAQPA_LOG", f"sqlite:///{plain.registry.directory}/decisions.db")
    client = MlflowClient(tracking_uri=plain.registry.server.database, registry_uri=address)
    before = plain.state()
    with pytest.raises(MlflowException, match="Qaqpa: promotion of") as caught:
        client.set_registered_model_alias(plain.evil.name, "production", plain.evil.number)
    with pytest.raises(MlflowException, match="is kept"):
        client.delete_model_version_tag(plain.good.name, plain.good.number, plain.evidence()[0])
    assert plain.state() == before
    write_down("set_registered_model_alias", "plain-client", plain, "in the server's process", (403, str(caught.value)))


def _inherited(on: Target) -> str:
    """The registry's address that MLflow gives to processes of a server."""
    found = map(_environment, Path("/proc").glob("[0-9]*"))
    wanted = "MLFLOW_REGISTRY_URI="
    own = [text for text in found if f"{on.registry.directory}/qaqpa.yaml" in text]
    return "\n".join(entry for text in own for entry in text.split("\0") if entry.startswith(wanted))


def _environment(process: Path) -> str:
    try:
        return (process / "environ").read_text(errors="replace")
    except OSError:  # it has ended, or is not ours
        return ""


def test_graphql_has_no_mutation_that_writes(plain: Target) -> None:
    body = {"query": "{ __schema { mutationType { fields { name } } } }"}
    answer = plain.call("POST", "graphql", "", json=body)
    fields = answer.json()["data"]["__schema"]["mutationType"]["fields"]
    assert {field["name"] for field in fields} <= {"mlflowSearchDatasets", "mlflowSearchRuns", "testMutation"}
    write_down("all mutations", "graphql", plain, "HTTP", answer, MLFLOW)


def test_a_webhook_promotes_nothing(plain: Target) -> None:
    """It is told of what was written; what it answers is not asked for."""
    body = {
        "name": "mover",
        "url": f"{plain.registry.server.url}/api/2.0/mlflow/registered-models/alias",
        "events": [{"entity": "REGISTERED_MODEL", "action": "CREATED"}],
    }
    made = plain.post("webhooks", body)
    plain.registry.client.create_registered_model(plain.registry.new_name("told"))
    before = plain.production()
    answer = plain.alias(plain.evil, "production")
    assert answer.status_code == 403
    assert plain.production() == before
    write_down("a webhook that calls the server", "webhooks", plain, "HTTP", made, MLFLOW)
