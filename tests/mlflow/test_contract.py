# SPDX-License-Identifier: Apache-2.0
"""What we use of MLflow without a promise that it stays, and what MLflow does when it loads us."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.prompt import constants
from mlflow.server import handlers
from mlflow.server.graphql.graphql_schema_extensions import schema
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.store.artifact.utils.models import _parse_model_uri
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from mlflow.tracking._tracking_service import utils as tracking_utils
from mlflow.utils import validation

from qaqpa.mlflow import gated
from qaqpa.mlflow.ahead import AheadMixin
from qaqpa.mlflow.gated import GatedStore, GatedWorkspaceStore, GateMixin
from qaqpa.mlflow.guard import TagGuardMixin
from qaqpa.mlflow.records import PROMPT_SOURCES
from qaqpa.mlflow.store import build_store
from support.servers import mlflow_environment


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (handlers._is_servable_proxied_run_artifact_root, ["run_artifact_root"]),
        (handlers._get_proxied_run_artifact_destination_path, ["proxied_artifact_root", "relative_path"]),
        (handlers._get_workspace_scoped_repo_path_if_enabled, ["artifact_path"]),
        (handlers._get_artifact_repo_mlflow_artifacts, []),
        (handlers._get_artifact_repository_for_uri, ["artifact_uri"]),
        (LocalArtifactRepository.get_local_path, ["self", "artifact_path"]),
        (SqlAlchemyStore._get_registered_model, ["self", "session", "name", "eager"]),
        (SqlAlchemyStore._get_sql_model_version, ["self", "session", "name", "version", "eager"]),
        (SqlAlchemyStore._get_active_workspace, ["self"]),
        (_parse_model_uri, ["uri", "scheme"]),
        (validation._validate_model_name, ["model_name"]),
        (validation._validate_model_renaming, ["model_new_name"]),
        (validation._validate_model_version, ["model_version"]),
    ],
)
def test_private_functions_take_what_we_pass(function: object, parameters: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == parameters  # type: ignore[arg-type]  # MLflow has no types


def test_an_alias_is_checked_by_what_mlflow_checks_it_with() -> None:
    """Its name depends on MLflow's version, and so does that of its first parameter."""
    _, *others = inspect.signature(gated._validate_alias).parameters.values()
    assert all(parameter.default is not inspect.Parameter.empty for parameter in others)
    with pytest.raises(MlflowException, match="alias"):
        gated._validate_alias("no/slashes")


def test_private_stores_can_be_asked_for_without_arguments() -> None:
    for function in (handlers._get_tracking_store, tracking_utils._get_store):
        assert all(
            parameter.default is not inspect.Parameter.empty
            for parameter in inspect.signature(function).parameters.values()
        )


def test_the_sources_of_prompts_are_the_ones_we_know() -> None:
    assert {
        constants._CLIENT_PROMPT_SOURCE_PLACEHOLDER,
        constants._STORE_PROMPT_SOURCE_PLACEHOLDER,
    } == PROMPT_SOURCES


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, member in {**vars(TagGuardMixin), **vars(GateMixin), **vars(AheadMixin)}.items()
        if inspect.isfunction(member) and hasattr(SqlAlchemyStore, name) and name != "__init__"
    ],
)
def test_each_override_has_the_parameters_of_mlflow(name: str) -> None:
    own = inspect.signature(getattr(GatedStore, name)).parameters
    theirs = inspect.signature(getattr(SqlAlchemyStore, name)).parameters
    assert list(own) == list(theirs)


def test_no_method_of_the_store_touches_tags_but_those_that_are_guarded() -> None:
    """And each reads the row where the guard looks, in the transaction in which it writes."""
    writing = {
        name
        for name, member in vars(SqlAlchemyStore).items()
        if inspect.isfunction(member)
        and ("Tag(" in inspect.getsource(member) or "session.delete(" in inspect.getsource(member))
        and "_webhook" not in name
    }
    assert writing == {
        *("create_registered_model", "create_model_version"),
        *("set_registered_model_tag", "delete_registered_model_tag", "delete_registered_model"),
        *("set_model_version_tag", "delete_model_version_tag", "delete_model_version"),
        "delete_registered_model_alias",
    }
    for name in writing - {"create_registered_model", "create_model_version"}:
        source = inspect.getsource(getattr(SqlAlchemyStore, name))
        row = "_get_sql_model_version(" if name.endswith(("version", "version_tag")) else "_get_registered_model("
        assert source.index("ManagedSessionMaker(read_only=False)") < source.index(row), name


def test_graphql_changes_nothing_in_the_registry() -> None:
    assert sorted(schema.graphql_schema.mutation_type.fields) == [
        "mlflowSearchDatasets",
        "mlflowSearchRuns",
        "testMutation",
    ]


def test_importing_mlflow_does_not_import_the_gate_or_the_server() -> None:
    script = """
import sys
import mlflow, mlflow.tracking._model_registry.utils
loaded = {"qaqpa.mlflow.store", "qaqpa.mlflow.gated", "mlflow.server.handlers", "wasmtime"} & set(sys.modules)
print(sorted(loaded))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=mlflow_environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.strip() in {"['qaqpa.mlflow.store']", "[]"}


def test_a_program_that_opens_the_store_itself_is_refused_too(tmp_path: Path, empty_database: Path) -> None:
    shutil.copy(empty_database, tmp_path)
    database = f"sqlite:///{tmp_path}/mlflow.db"
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_text("1")
    client = MlflowClient(tracking_uri=database, registry_uri=f"qaqpa+{database}")
    client.create_registered_model("credit")
    client.create_model_version("credit", str(tmp_path / "model"))
    with pytest.raises(MlflowException, match="is refused") as caught:
        client.set_registered_model_alias("credit", "champion", "1")
    assert caught.value.error_code == "PERMISSION_DENIED"
    assert client.get_registered_model("credit").aliases == {}


def test_a_server_with_workspaces_gets_the_store_for_workspaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path
) -> None:
    shutil.copy(empty_database, tmp_path)
    uri = f"qaqpa+sqlite:///{tmp_path}/mlflow.db"
    assert type(build_store(uri)) is GatedStore
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    monkeypatch.setenv("MLFLOW_WORKSPACE_STORE_URI", uri)
    store = build_store(store_uri=uri, tracking_uri="unused")
    assert type(store) is GatedWorkspaceStore
    assert store.supports_workspaces


def test_the_gate_reads_the_primary_database_and_not_the_replica(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path
) -> None:
    primary, replica = f"sqlite:///{tmp_path}/primary.db", f"sqlite:///{tmp_path}/replica.db"
    for name in ("primary.db", "replica.db"):
        shutil.copy(empty_database, tmp_path / name)
    monkeypatch.setenv("_MLFLOW_SERVER_READ_REPLICA_BACKEND_STORE", replica)
    store = build_store(f"qaqpa+{primary}")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_text("1")
    store.create_registered_model("credit")
    store.create_model_version("credit", str(tmp_path / "model"))
    with pytest.raises(MlflowException, match="not found"):
        store.get_registered_model("credit")
    with pytest.raises(MlflowException) as caught:
        store.set_registered_model_alias("credit", "champion", 1)
    assert caught.value.error_code == "PERMISSION_DENIED"


def test_only_in_a_server_whose_store_freezes_the_stores_beside_it_ask_too() -> None:
    """Also the stores of plugins that MLflow loads later than ours."""
    script = """
import mlflow.artifacts
from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry as stores
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from qaqpa.mlflow.addresses import LEFT_OUT, TELLABLE, UNTELLABLE, WITH_ENDPOINT
from qaqpa.mlflow.artifact_stores import guard_late, own_kind
found = stores.get_registered_artifact_repositories()
asked = TELLABLE | WITH_ENDPOINT | UNTELLABLE
print([{found[scheme] is own_kind(scheme) for scheme in some} for some in (asked, LEFT_OUT)])
print([type(stores.get_artifact_repository(uri)).__name__ for uri in ("/tmp/x", "file:///tmp/x", "s3://bucket/x")])
stores.register("later", LocalArtifactRepository)
guard_late()
print(found["later"] is LocalArtifactRepository)
"""
    seen = {}
    for destination in ("file:///srv", "qaqpa+file:///srv"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=mlflow_environment(_MLFLOW_SERVER_ARTIFACT_DESTINATION=destination),
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        seen[destination] = done.stdout.splitlines()
    own = ["LocalArtifactRepository", "LocalArtifactRepository", "S3ArtifactRepository"]
    assert seen["file:///srv"] == [str([{True}, {True}]), str(own), "True"]
    assert seen["qaqpa+file:///srv"] == [str([{False}, {True}]), str([f"Frozen{name}" for name in own]), "False"]
