# SPDX-License-Identifier: Apache-2.0
"""What is attacked: a server with models in production, and all that must be the same after an attack."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
import sqlalchemy
from mlflow import MlflowClient
from sqlalchemy import text

from attacks.scene import Scene, attacked_organisation
from qaqpa import times
from qaqpa.evidence.carriers import TAG_PREFIX
from qaqpa.evidence.digest import dir_hash
from qaqpa.policy.engine import Engine
from support.keyring import to_yaml, trusted
from support.logs import checked, log_source, replayed
from support.registry import Registry, Tags, Version
from support.servers import mlflow_server

NOW = times.now()
ADMIN = ("admin", "a long enough password")
USERS = ("trainer", "deployer", "editor")
"""Who may log in beside the administrator: whoever trained, whoever promotes, and whoever attacks."""

_GATES = """\
gates:
  - stage: production
    profiles: [article-baseline]
    aliases: [production, champion]
    mlflow_stages: [Production]
    names: ["live-*"]
"""
_TABLES = {
    "registered_models": "name, creation_time, description",
    "registered_model_aliases": "name, alias, version",
    "model_versions": "name, version, current_stage, source, storage_location, run_id, status, description",
    "registered_model_tags": "name, key, value",
    "model_version_tags": "name, version, key, value",
    "qaqpa_envelopes": "payload_sha256, envelope",
    "qaqpa_freezes": "id, location",
}
_PRODUCTION = (
    "SELECT name, version, current_stage FROM model_versions WHERE current_stage = 'Production' ORDER BY name, version",
    "SELECT name, alias, version FROM registered_model_aliases WHERE alias IN ('production', 'champion') "
    "ORDER BY name, alias",
    "SELECT name, version, source FROM model_versions WHERE lower(name) LIKE 'live-%' ORDER BY name, version",
)


@contextmanager
def attacked_server(
    directory: Path, engine: Engine, database: str = "", log: str = "", **how: Any
) -> Iterator[Registry]:
    """A server whose artifact store freezes what is in production; it trusts the organisation of `scene`.

    At its end its decision log has to be intact, and to give each decision again.

    Args:
        directory: holds all that it writes.
        engine: makes the decisions again.
        database: its URI; a file of SQLite in the directory by default.
        log: where decisions are kept; a file of SQLite in the directory by default.
        how: further arguments of `mlflow_server`; those in `more` are added.
    """
    now = times.now()
    source = trusted(directory, now, text=to_yaml(attacked_organisation(now)))
    roots = "".join(f'\n    - "{root}"' for root in source.roots)
    parties = f"parties:\n  file: {source.file}\n  threshold: 2\n  state: state\n  roots:{roots}\n"
    kept = log_source(directory, log or f"sqlite:///{directory}/decisions.db")
    more = ["--artifacts-destination", f"qaqpa+file://{directory}/artifacts", *how.pop("more", ())]
    database = database or f"sqlite:///{directory}/mlflow.db"
    configuration = f"version: 1\n{_GATES}{parties}log:\n  key: {kept.key}\n"
    with mlflow_server(directory, database, configuration, parties=False, log=kept.url, more=more, **how) as server:
        if how.get("login"):
            for user in USERS:
                body = {"username": user, "password": password(user)}
                assert requests.post(f"{server.url}/api/2.0/mlflow/users/create", json=body, auth=ADMIN, timeout=60).ok
        yield Registry(server, directory)
    assert checked(kept).problems == []
    replayed(kept, engine)


def password(user: str) -> str:
    """Of a user at a server with a login."""
    return dict([ADMIN]).get(user, f"password of {user}")


@dataclass(frozen=True)
class Target:
    """Models of one server, and who attacks them.

    `good` and `logged` are in production, the one by alias and stage, the other by its alias; `good` is of a run,
    `logged` a logged model. `worse` is another version of `good`, `evil` another model, and both have no evidence.
    """

    registry: Registry
    where: str
    user: str
    good: Version
    logged: Version
    worse: Version
    evil: Version

    @property
    def client(self) -> MlflowClient:
        return self.registry.client

    @property
    def path(self) -> str:
        """Where the server's artifact store has the good bytes."""
        return self.place(self.good)

    @property
    def model_path(self) -> str:
        """Where it has the bytes of the logged model."""
        return self.place(self.logged)

    @property
    def model_id(self) -> str:
        return self.logged.source.removeprefix("models:/")

    def place(self, version: Version) -> str:
        """Where the server's artifact store has the bytes of a version."""
        with acting(self.user):
            location = self.client.get_model_version_download_uri(version.name, version.number)
        return str(location).removeprefix("mlflow-artifacts:/")

    def by(self, user: str) -> Target:
        """The same, attacked by somebody else."""
        return replace(self, user=user)

    def call(self, method: str, path: str, tree: str = "api/2.0", **what: Any) -> requests.Response:
        login = (self.user, password(self.user)) if self.user else None
        url = f"{self.registry.server.url}/{tree}/{path}"
        return requests.request(method, url, timeout=60, auth=login, **what)

    def post(self, path: str, body: Any, method: str = "POST", tree: str = "api/2.0") -> requests.Response:
        return self.call(method, f"mlflow/{path}", tree, json=body)

    def alias(self, version: Version, alias: str, tree: str = "api/2.0", number: Any = None) -> requests.Response:
        body = {"name": version.name, "alias": alias, "version": number or version.number}
        return self.post("registered-models/alias", body, tree=tree)

    def stage(self, version: Version, stage: str, number: str | None = None, **more: Any) -> requests.Response:
        body = {"name": version.name, "version": number or version.number, "stage": stage, **more}
        return self.post("model-versions/transition-stage", body)

    def state(self) -> Any:
        """All of the registry but the times of the last change, and all bytes of the artifact store."""
        statements = {name: f"SELECT {columns} FROM {name} ORDER BY {columns}" for name, columns in _TABLES.items()}
        return self._rows(list(statements.values())), self.files()

    def production(self) -> Any:
        """What is in production, and the bytes of it."""
        inside = (f"{self.path}/", f"{self.model_path}/")
        return self._rows(_PRODUCTION), {path: one for path, one in self.files().items() if path.startswith(inside)}

    def files(self) -> Mapping[str, str]:
        """The SHA-256 of each file in the artifact store."""
        root = self.registry.directory / "artifacts"
        found = [path for path in root.rglob("*") if path.is_file()]
        return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def evidence(self) -> tuple[str, str]:
        """A tag of `good` with evidence, and its value."""
        with acting(self.user):
            tags = self.client.get_model_version(self.good.name, self.good.number).tags
        return next((key, value) for key, value in sorted(tags.items()) if key.startswith(f"{TAG_PREFIX}audit."))

    def _rows(self, statements: Any) -> Any:
        engine = sqlalchemy.create_engine(self.registry.server.database)
        with engine.connect() as connection:
            found = [[tuple(row) for row in connection.execute(text(statement))] for statement in statements]
        engine.dispose()
        return found


def new_target(registry: Registry, where: str, *, login: bool = False) -> Target:
    """Registers the models, and brings two into production."""
    with acting("trainer" if login else ""):
        good, logged = registry.registered("victim", tagged=sound), logged_version(registry)
        worse, evil = registry.added(good.name), registry.registered("evil")
    with acting("deployer" if login else ""):
        for version in (good, logged):
            registry.client.set_registered_model_alias(version.name, "production", version.number)
        registry.client.transition_model_version_stage(good.name, good.number, "Production")
    return Target(registry, where, "editor" if login else "", good, logged, worse, evil)


def sound(name: str, digest: str) -> Tags:
    """Tags by which a version is allowed."""
    pieces = Scene(name, digest, NOW).sound()
    return Tags({}, {piece.tag: piece.text for piece in pieces})


def logged_version(registry: Registry) -> Version:
    """A registered version of a logged model, with all evidence."""
    files, _, _ = registry.logged()
    before = int((times.now() - timedelta(days=60)).timestamp() * 1000)
    run = registry.client.create_run("0", start_time=before)
    model = registry.client.create_logged_model("0", source_run_id=run.info.run_id)
    registry.client.log_model_artifacts(model.model_id, str(files))
    registry.client.finalize_logged_model(model.model_id, "READY")
    name, source = registry.new_name("logged"), f"models:/{model.model_id}"
    registry.client.create_registered_model(name)
    made = registry.client.create_model_version(
        name, source, run.info.run_id, tags=sound(name, dir_hash(files)).version, model_id=model.model_id
    )
    return Version(name, str(made.version), files, source, run.info.run_id)


@contextmanager
def acting(user: str) -> Iterator[None]:
    """Lets MLflow's client log in as a user; as nobody where that is empty."""
    login = {"MLFLOW_TRACKING_USERNAME": user, "MLFLOW_TRACKING_PASSWORD": password(user)} if user else {}
    before = {name: os.environ.pop(name, None) for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")}
    os.environ.update(login)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
