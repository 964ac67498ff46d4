# SPDX-License-Identifier: Apache-2.0
"""Real servers, one for each database, that all tests here share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from mlflow.tracking._model_registry import utils as registry_utils
from mlflow.tracking._tracking_service import utils as tracking_utils

from qaqpa import times
from qaqpa.policy.embedded import EmbeddedEngine
from support.frozen import World, serve
from support.registry import Registry
from support.servers import mlflow_server, postgresql, write_empty_database

CONFIGURATION = f"""\
version: 1
gates:
  - stage: production
    profiles: [article-baseline]
    aliases: [production, champion]
    mlflow_stages: [Production]
    names: ["live-*"]
observe:
  - models: ["observed-*"]
    until: {(times.now() + timedelta(days=30)).date()}
"""

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    NO_PROXY="127.0.0.1",
    no_proxy="127.0.0.1",
)


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a test sets in MLflow ends with it, and a database that MLflow makes unasked lies in no checkout."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(tracking_utils, "_tracking_uri", None)
    monkeypatch.setattr(registry_utils, "_registry_uri", None)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    write_empty_database(path)
    return path


@pytest.fixture(scope="session")
def new_postgresql_database() -> Iterator[Callable[[str, str], str]]:
    """A function from driver and name to the URI of a new database."""
    with postgresql() as new:
        yield new


@pytest.fixture(scope="session")
def sqlite_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A server on SQLite."""
    directory = tmp_path_factory.mktemp("sqlite")
    yield from _registry(directory, f"sqlite:///{directory}/mlflow.db")


@pytest.fixture(scope="session")
def psycopg2_registry(
    tmp_path_factory: pytest.TempPathFactory, new_postgresql_database: Callable[[str, str], str]
) -> Iterator[Registry]:
    """A server on PostgreSQL through psycopg 2."""
    yield from _registry(tmp_path_factory.mktemp("psycopg2"), new_postgresql_database("psycopg2", "two"))


@pytest.fixture(scope="session")
def psycopg_registry(
    tmp_path_factory: pytest.TempPathFactory, new_postgresql_database: Callable[[str, str], str]
) -> Iterator[Registry]:
    """A server on PostgreSQL through psycopg 3."""
    yield from _registry(tmp_path_factory.mktemp("psycopg3"), new_postgresql_database("psycopg", "three"))


@pytest.fixture(params=["sqlite", "psycopg2"])
def registry(request: pytest.FixtureRequest) -> Registry:
    """Both kinds of databases."""
    found: Registry = request.getfixturevalue(f"{request.param}_registry")
    return found


def _registry(directory: Path, database: str) -> Iterator[Registry]:
    with mlflow_server(directory, database, CONFIGURATION) as server:
        yield Registry(server, directory)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: EmbeddedEngine, empty_database: Path) -> World:
    """A registry on SQLite whose artifact store freezes."""
    shutil.copy(empty_database, tmp_path)
    database = f"sqlite:///{tmp_path}/mlflow.db"
    serve(tmp_path, database, monkeypatch)
    return World(tmp_path, engine, database)


@pytest.fixture(scope="session")
def frozen_database(new_postgresql_database: Callable[[str, str], str]) -> str:
    """A database of PostgreSQL with MLflow's tables."""
    database = new_postgresql_database("psycopg2", "frozen")
    SqlAlchemyStore(database)
    return database


@pytest.fixture
def postgresql_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: EmbeddedEngine, frozen_database: str
) -> Iterator[World]:
    """The same on PostgreSQL."""
    serve(tmp_path, frozen_database, monkeypatch)
    world = World(tmp_path, engine, frozen_database)
    yield world
    for model in world.raw.search_registered_models():
        world.raw.delete_registered_model(model.name)


@pytest.fixture(params=["world", "postgresql_world"])
def any_world(request: pytest.FixtureRequest) -> World:
    """Both kinds of databases."""
    found: World = request.getfixturevalue(request.param)
    return found
