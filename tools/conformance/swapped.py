# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin that puts the gate into MLflow's own tests, before they import the stores that they test.

`QAQPA_CONFORMANCE` says how: `plain` changes nothing; `class` exchanges MLflow's store classes for the gated ones;
`uri` makes every store through MLflow's registry of plugins and the address `qaqpa+…`, as a server does. In both every
verdict is turned into `allow` after it was made: all that the gate reads, hashes, locks and records is real. `observe`
is `uri` without that, and with `observe` in the configuration; `deny` is `uri` with nothing turned.
"""

from __future__ import annotations

import inspect
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any
from unittest import mock

MODES = ("plain", "class", "uri", "observe", "deny")
MODE = os.environ.get("QAQPA_CONFORMANCE", "plain")

_ALL_HANDLERS = "test_handlers.py"
_NAMED_BY_TESTS = (".example.com", "example.com")
_NO_RUN = "runs:/run_id/"
_ADDRESS = "93.184.215.14"


def pytest_configure() -> None:
    """Exchanges what the tests are going to import.

    Raises:
        ValueError: there is no such mode.
    """
    if MODE not in MODES:
        raise ValueError(f"QAQPA_CONFORMANCE={MODE} is none of {', '.join(MODES)}")
    _resolve_names()
    _let_tests_write()
    _let_tests_name_runs()
    if MODE == "plain":
        return
    if MODE in {"class", "uri"}:
        _turn_verdicts()
    (_exchange_classes if MODE == "class" else _exchange_addresses)()


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Leaves of the tests of all handlers those of the registry: others reach for the network."""
    items[:] = [item for item in items if item.path.name != _ALL_HANDLERS or _is_of_registry(item)]


def _is_of_registry(item: Any) -> bool:
    return "mock_model_registry_store" in item.fixturenames or "model_registry" in item.name


def _resolve_names() -> None:
    """MLflow looks up the hosts of webhooks, and a machine without a network knows none of them."""
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        found = host.decode() if isinstance(host, bytes) else host
        return real(_ADDRESS if str(found).endswith(_NAMED_BY_TESTS) else host, *args, **kwargs)

    socket.getaddrinfo = resolve


def _let_tests_write() -> None:
    """Tests from before MLflow 3.17 write in sessions which since then only read, unless somebody says so."""
    from mlflow.store.db import utils

    real = utils._get_managed_session_maker

    def made(*args: Any, **kwargs: Any) -> Any:
        sessions = real(*args, **kwargs)

        def session(**how: Any) -> Any:
            # MLflow's stores, and the gate, say it themselves; MLflow checks that.
            by_test = sys._getframe(1).f_globals["__name__"].startswith("tests.")
            return sessions(**({"read_only": False, **how} if by_test else how))

        return session

    if "read_only" in inspect.signature(real(None, "sqlite")).parameters:
        utils._get_managed_session_maker = made


def _let_tests_name_runs() -> None:
    """Tests from before MLflow 3.17 register models of a run that there is not, which a server refuses since then."""
    from mlflow.server import handlers

    real = handlers._validate_source_run

    def validate(source: str, run_id: str) -> None:
        if not source.startswith(_NO_RUN):
            real(source, run_id)

    handlers._validate_source_run = validate


def _turn_verdicts() -> None:
    """Lets the gate decide, and then allows."""
    from qaqpa.mlflow import judge
    from qaqpa.model import Verdict

    real = judge.decide_or_go_back

    def decide(*arguments: Any) -> Any:
        request, decision = real(*arguments)
        document = {**decision.document, "verdict": Verdict.ALLOW.value}
        return request, replace(decision, verdict=Verdict.ALLOW, document=document)

    judge.decide_or_go_back = decide


@cache
def _gatekeeper() -> Any:
    """One for all stores: it reads the configuration, compiles the policies and opens the log."""
    from qaqpa.config import load_config
    from qaqpa.gate import open_engine
    from qaqpa.mlflow.judge import Gatekeeper

    config = load_config()
    gatekeeper = Gatekeeper(config, open_engine(config))
    gatekeeper.start()
    return gatekeeper


def _exchange_classes() -> None:
    from mlflow.store.model_registry import sqlalchemy_store, sqlalchemy_workspace_store
    from mlflow.store.workspace import sqlalchemy_store as workspaces

    from qaqpa.mlflow.gated import GatedStore, GatedWorkspaceStore
    from qaqpa.mlflow.workspaces import GuardedWorkspaces

    class Store(GatedStore):  # type: ignore[misc]
        def __init__(self, db_uri: str, read_db_uri: str | None = None) -> None:
            super().__init__(db_uri, read_db_uri, gatekeeper=_gatekeeper())

    class WorkspaceStore(GatedWorkspaceStore):  # type: ignore[misc]
        def __init__(self, db_uri: str, read_db_uri: str | None = None) -> None:
            super().__init__(db_uri, read_db_uri, gatekeeper=_gatekeeper())

    sqlalchemy_store.SqlAlchemyStore = Store
    sqlalchemy_workspace_store.WorkspaceAwareSqlAlchemyStore = WorkspaceStore
    workspaces.SqlAlchemyStore = GuardedWorkspaces


def _exchange_addresses() -> None:
    from mlflow.server import handlers
    from mlflow.store.model_registry import sqlalchemy_store, sqlalchemy_workspace_store
    from mlflow.store.workspace import sqlalchemy_store as workspaces

    # The gated stores are made of the classes that MLflow has, and so before these are exchanged.
    from qaqpa.mlflow import gated, selftest  # noqa: F401
    from qaqpa.mlflow.in_force import InForce

    # The test at a start refuses a gate whose verdicts are turned, and workspaces that nobody guards.
    selftest.of_this_process = cache(lambda: InForce(_gatekeeper()))
    for module, name in (
        (sqlalchemy_store, "SqlAlchemyStore"),
        (sqlalchemy_workspace_store, "WorkspaceAwareSqlAlchemyStore"),
    ):
        setattr(module, name, _opened(getattr(module, name), _registry_store))
    workspaces.SqlAlchemyStore = _opened(workspaces.SqlAlchemyStore, _workspace_store)
    real = handlers.initialize_backend_stores

    def initialize(backend_store_uri: Any = None, registry_store_uri: Any = None, *args: Any, **kwargs: Any) -> Any:
        wanted = registry_store_uri or backend_store_uri
        with _forgotten("MLFLOW_REGISTRY_URI"):
            return real(backend_store_uri, f"qaqpa+{wanted}", *args, **kwargs)

    handlers.initialize_backend_stores = initialize


@contextmanager
def _forgotten(variable: str) -> Iterator[None]:
    """A server tells its workers by a variable; in the tests the same process is the client."""
    with mock.patch.dict(os.environ):
        yield
        os.environ.pop(variable, None)
    from mlflow.tracking._model_registry import utils

    utils._registry_uri = None


def _opened(own: type, open_store: Any) -> type:
    """A class that is MLflow's to whoever asks, and opens a store by its address when it is called."""

    class Asked(type(own)):  # type: ignore[misc]
        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, own)

    class ByAddress(own, metaclass=Asked):  # type: ignore[misc]
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return open_store(*args, **kwargs) if cls is ByAddress else super().__new__(cls)

    ByAddress.__name__ = own.__name__
    return ByAddress


def _registry_store(db_uri: str, read_db_uri: str | None = None) -> Any:
    from mlflow.server.handlers import ModelRegistryStoreRegistryWrapper

    del read_db_uri
    return ModelRegistryStoreRegistryWrapper().get_store(f"qaqpa+{db_uri}", db_uri)


def _workspace_store(workspace_uri: str) -> Any:
    from mlflow.tracking._workspace.registry import get_workspace_store

    return get_workspace_store(f"qaqpa+{workspace_uri}")
