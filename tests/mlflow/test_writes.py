# SPDX-License-Identifier: Apache-2.0
"""Every way to write to the installed MLflow is classified, and an MLflow with another one is not served."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import mlflow
import pytest
from mlflow import server
from mlflow.exceptions import MlflowException
from mlflow.server.fastapi_app import app as fastapi_app
from mlflow.server.graphql.graphql_schema_extensions import schema
from mlflow.store.model_registry.abstract_store import AbstractStore
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from qaqpa.mlflow import writes
from qaqpa.mlflow.gated import GatedStore
from qaqpa.mlflow.offered import offered
from qaqpa.mlflow.selftest import check_writes
from qaqpa.mlflow.writes import CLASSES, GUARDS, SURFACES, gone, rows, unclassified
from support.servers import _login_settings, mlflow_environment

CALLS = [(row, surface, name) for row in rows() for surface in SURFACES for name in row.calls[surface]]


@pytest.fixture(scope="module")
def with_login(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, frozenset[str]]:
    """What MLflow offers where its own login is switched on."""
    script = """
import json, mlflow.server.auth
from qaqpa.mlflow.offered import offered
mlflow.server.auth.create_app()
print(json.dumps({surface: sorted(names) for surface, names in offered().items()}))
"""
    directory = tmp_path_factory.mktemp("login")
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=mlflow_environment(**_login_settings(directory, ("admin", "a long password"))),
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return {surface: frozenset(names) for surface, names in json.loads(done.stdout.splitlines()[-1]).items()}


def test_everything_is_classified(with_login: Mapping[str, frozenset[str]]) -> None:
    assert unclassified(with_login) == []


def test_nothing_is_classified_that_this_mlflow_does_not_have(with_login: Mapping[str, frozenset[str]]) -> None:
    assert list(gone(with_login, mlflow.__version__)) == []


def test_each_surface_is_looked_at() -> None:
    found = offered()
    assert set(found) == set(SURFACES)
    assert len(found["registry"]) >= 47
    assert len(found["tracking"]) >= 177
    assert len(found["rpc"]) >= 115
    assert len(found["routes"]) >= 50
    assert "PUT /api/2.0/mlflow-artifacts/artifacts/{artifact_path:path}" in found["routes"]


@pytest.mark.parametrize("surface", SURFACES)
def test_each_entry_that_is_taken_from_the_table_is_missed(surface: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the test."""
    found = offered()
    table = rows()
    for row, of, name in CALLS:
        if of != surface or name not in found[surface]:
            continue
        left = {**row.calls, surface: tuple(other for other in row.calls[surface] if other != name)}
        without = tuple(dataclasses.replace(each, calls=left) if each is row else each for each in table)
        monkeypatch.setattr(writes, "rows", lambda without=without: without)
        assert unclassified(found) == [f"{surface}: {name}"]


def test_no_call_has_two_classes() -> None:
    calls = [(surface, name) for _, surface, name in CALLS]
    assert len(calls) == len(set(calls))
    assert {row.effect for row in rows()} <= set(CLASSES)
    assert {row.guard for row in rows()} <= set(GUARDS)
    assert len({row.id for row in rows()}) == len(rows())


def test_a_call_of_a_later_mlflow_is_not_missed_in_an_earlier_one() -> None:
    later = {name for row in rows() for name in row.since}
    assert later
    empty = dict.fromkeys(SURFACES, frozenset[str]())
    assert not {entry.partition(": ")[2] for entry in gone(empty, "3.17.2")} & later
    assert {entry.partition(": ")[2] for entry in gone(empty, "3.18.0")} >= later


def test_what_the_gate_overrides_is_not_called_harmless() -> None:
    """And what can promote is overridden, or ends at what is."""
    effects = {name: row.effect for row, surface, name in CALLS if surface == "registry"}
    overridden = {name for name in effects if getattr(GatedStore, name).__module__.partition(".")[0] == "qaqpa"}
    # A read that is a question to the gate where the name is one: it refuses, and writes nothing.
    assert {effects[name] for name in overridden - {"get_registered_model"}} <= set(CLASSES) - {"harmless", "demotes"}
    promoting = {name for name, effect in effects.items() if effect == "promotes"}
    assert promoting - overridden == {"set_prompt_alias", "create_prompt_version"}


def _plant_method(where: type) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(where, "promote_at_once", lambda _: None, raising=False)


def _new_handler() -> str:
    return ""


_new_handler.__module__ = "mlflow.server.handlers"


def _plant_flask_route(patch: pytest.MonkeyPatch) -> None:
    url_map = type(server.app.url_map)([rule.empty() for rule in server.app.url_map.iter_rules()])
    url_map.add(server.app.url_rule_class("/api/2.0/mlflow/promote_at_once", methods={"PATCH"}, endpoint="planted"))
    patch.setattr(server.app, "url_map", url_map)
    patch.setitem(server.app.view_functions, "planted", _new_handler)


def _plant_fastapi_route(patch: pytest.MonkeyPatch) -> None:
    kept = list(fastapi_app.router.routes)
    patch.setattr(fastapi_app.router, "routes", kept)
    fastapi_app.post("/ajax-api/3.0/mlflow/promote_at_once")(_new_handler)


def _plant_mutation(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(schema.graphql_schema.mutation_type.fields, "promote_at_once", object())


@pytest.mark.parametrize(
    ("plant", "named"),
    [
        (_plant_method(AbstractStore), "registry: promote_at_once"),
        (_plant_method(SqlAlchemyStore), "tracking: promote_at_once"),
        (_plant_flask_route, "routes: PATCH /api/2.0/mlflow/promote_at_once"),
        (_plant_fastapi_route, "routes: POST /api/3.0/mlflow/promote_at_once"),
        (_plant_mutation, "graphql: promote_at_once"),
    ],
    ids=["registry", "tracking", "flask", "fastapi", "graphql"],
)
def test_a_new_way_to_write_keeps_the_server_from_starting(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], named: str
) -> None:
    check_writes()
    plant(monkeypatch)
    with pytest.raises(MlflowException, match="does not let this server start") as caught:
        check_writes()
    assert f"({named})" in str(caught.value)
    assert "Install a newer Qaqpa, or MLflow 3.17.2 to 3.18.0" in str(caught.value)


def test_looking_takes_less_than_a_second() -> None:
    begin = time.process_time()
    check_writes()
    assert time.process_time() - begin < 1


def test_a_server_of_such_an_mlflow_does_not_start(tmp_path: Path) -> None:
    """All the way: the program that starts the server ends, and says why."""
    (tmp_path / "sitecustomize.py").write_text(
        "from mlflow.store.model_registry.abstract_store import AbstractStore\n"
        "AbstractStore.promote_at_once = lambda self: None\n"
    )
    database = f"sqlite:///{tmp_path}/mlflow.db"
    environment = mlflow_environment()
    path = ":".join(filter(None, [str(tmp_path), environment.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database),
            *("--registry-store-uri", f"qaqpa+{database}", "--port", "1"),
        ],
        env={**environment, "PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert "(registry: promote_at_once)" in done.stderr
