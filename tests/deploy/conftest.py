# SPDX-License-Identifier: Apache-2.0
"""The services of the Compose file, as processes, with a model in production that all tests here look at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from mlflow.server.auth.client import AuthServiceClient
from mlflow.tracking._model_registry import utils as registry_utils
from mlflow.tracking._tracking_service import utils as tracking_utils

from support.composed import Stack, stack
from support.registry import Registry, Version
from support.roles import state
from support.servers import need

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    NO_PROXY="127.0.0.1",
    no_proxy="127.0.0.1",
)

USERS = ("trainer", "deployer")


class Server:
    """The MLflow server of the stack, as its users see it."""

    def __init__(self, services: Stack) -> None:
        """Makes the users.

        Args:
            services: what runs.
        """
        self.stack = services
        self.machine = services.machine
        self.registry = Registry(services.mlflow, self.machine.directory)
        self.login("admin")
        self.admin = AuthServiceClient(services.mlflow.url)
        for user in USERS:
            self.admin.create_user(user, f"password of {user}")
        self.admin.grant_user_permission("trainer", "experiment", "0", "EDIT")

    def login(self, user: str) -> Registry:
        """Lets MLflow's client log in as a user."""
        secret = self.machine.variables["MLFLOW_ADMIN_PASSWORD"] if user == "admin" else f"password of {user}"
        os.environ.update(MLFLOW_TRACKING_USERNAME=user, MLFLOW_TRACKING_PASSWORD=secret)
        return self.registry

    def registered(self, *, evidence: bool) -> Version:
        """A version that the trainer registered, and the deployer may promote."""
        version = self.login("trainer").registered(evidence=evidence)
        self.login("admin")
        self.admin.grant_user_permission("deployer", "registered_model", version.name, "MANAGE")
        self.login("deployer")
        return version


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """All services, running."""
    need(shutil.which("opa"), "OPA")
    with pytest.MonkeyPatch.context() as patched:
        for name in [name for name in os.environ if name.startswith("MLFLOW_TRACKING_")]:
            patched.delenv(name)
        for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
            patched.setenv(name, "")
        patched.setattr(tracking_utils, "_tracking_uri", None)
        patched.setattr(registry_utils, "_registry_uri", None)
        with stack(tmp_path_factory.mktemp("composed")) as found:
            yield Server(found)


@pytest.fixture(scope="session")
def live(server: Server) -> Version:
    """A version in production, with evidence; another one beside it has none."""
    version = server.registered(evidence=True)
    server.registry.client.set_registered_model_alias(version.name, "production", version.number)
    server.login("trainer").added(version.name)
    server.login("deployer")
    return version


@pytest.fixture
def unchanged(server: Server, live: Version) -> Iterator[Version]:
    """What is in production before a test is so after it."""
    before = state(server)
    yield live
    assert state(server) == before
