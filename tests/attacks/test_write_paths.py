# SPDX-License-Identifier: Apache-2.0
"""Every way to write to a real server, tried against a model in production: it stays there, and its bytes stay.

Each attack is one request or a few. After it the registry's tables and the files of the model are the same.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from attacks.test_server import attach, promote, scene_of
from qaqpa.evidence.digest import dir_hash
from support.registry import Registry, Version

pytestmark = pytest.mark.server

ARTIFACTS = "mlflow-artifacts/artifacts"


@dataclass(frozen=True)
class Target:
    """A model in production, another version of it, and another model; these two have no evidence."""

    registry: Registry
    good: Version
    worse: Version
    evil: Version

    @property
    def path(self) -> str:
        """Where the server's artifact store has the good bytes."""
        return self.good.source.removeprefix("mlflow-artifacts:/")

    def call(self, method: str, path: str, tree: str = "api/2.0", **what: Any) -> requests.Response:
        return requests.request(method, f"{self.registry.server.url}/{tree}/{path}", timeout=60, **what)

    def post(self, path: str, body: Any, method: str = "POST", tree: str = "api/2.0") -> requests.Response:
        return self.call(method, f"mlflow/{path}", tree, json=body)

    def alias(self, version: Version, alias: str, tree: str = "api/2.0") -> requests.Response:
        body = {"name": version.name, "alias": alias, "version": version.number}
        return self.post("registered-models/alias", body, tree=tree)

    def stage(self, version: Version, stage: str, number: str | None = None, **more: Any) -> requests.Response:
        body = {"name": version.name, "version": number or version.number, "stage": stage, **more}
        return self.post("model-versions/transition-stage", body)

    def state(self) -> Any:
        """All of the registry but the times of the last change, and the bytes."""
        with sqlite3.connect(f"file:{self.registry.directory}/mlflow.db?mode=ro", uri=True, timeout=30) as database:
            tables = [
                database.execute(f"SELECT {columns} FROM {table} ORDER BY {columns}").fetchall()
                for table, columns in (
                    ("registered_models", "name, creation_time"),
                    ("registered_model_aliases", "name, alias, version"),
                    ("model_versions", "name, version, current_stage, source, storage_location, run_id"),
                    ("registered_model_tags", "name, key, value"),
                    ("model_version_tags", "name, version, key, value"),
                )
            ]
        return tables, dir_hash(self.registry.directory / "artifacts" / self.path)

    def evidence(self) -> tuple[str, str]:
        tags = self.registry.client.get_model_version(self.good.name, self.good.number).tags
        return next((key, value) for key, value in sorted(tags.items()) if key.startswith("qaqpa.evidence.audit."))


@pytest.fixture(scope="module")
def target(registry: Registry) -> Iterator[Target]:
    good = registry.registered("victim")
    attach(registry, good, scene_of(good).sound())
    worse, evil = registry.added(good.name), registry.registered("evil")
    promote(registry, good)
    registry.client.transition_model_version_stage(good.name, good.number, "Production")
    yield Target(registry, good, worse, evil)
    assert registry.aliases(good.name) == {"production": good.number}
    assert registry.stage(good) == "Production"


Attack = Callable[[Target], requests.Response]
_tag = "model-versions/set-tag"

ATTACKS: dict[str, Attack] = {
    "alias to another version": lambda on: on.alias(on.worse, "production"),
    "alias of another model": lambda on: on.alias(on.evil, "production"),
    "alias by the page's tree": lambda on: on.alias(on.evil, "production", "ajax-api/2.0"),
    "alias in capitals": lambda on: on.alias(on.worse, "PRODUCTION"),
    "alias in full-width letters": lambda on: on.alias(on.worse, "ｐｒｏｄｕｃｔｉｏｎ"),
    "alias with white space": lambda on: on.alias(on.worse, "production\n"),
    "alias in a body that is encoded twice": lambda on: on.post(
        "registered-models/alias",
        json.dumps({"name": on.worse.name, "alias": "production", "version": on.worse.number}),
    ),
    "stage of another version": lambda on: on.stage(on.worse, "Production"),
    "stage in other letters": lambda on: on.stage(on.evil, "pRoDuCtIoN"),
    "stage by a number with a zero before it": lambda on: on.stage(on.evil, "Production", f"0{on.evil.number}"),
    "stage that archives what is there": lambda on: on.stage(on.worse, "Production", archive_existing_versions=True),
    "renaming what is in production": lambda on: on.post(
        "registered-models/rename", {"name": on.good.name, "new_name": f"{on.good.name}-gone"}
    ),
    "renaming another model to its name": lambda on: on.post(
        "registered-models/rename", {"name": on.evil.name, "new_name": on.good.name}
    ),
    "deleting the version": lambda on: on.post(
        "model-versions/delete", {"name": on.good.name, "version": on.good.number}, "DELETE"
    ),
    "deleting the model": lambda on: on.post("registered-models/delete", {"name": on.good.name}, "DELETE"),
    "deleting evidence": lambda on: on.post(
        "model-versions/delete-tag",
        {"name": on.good.name, "version": on.good.number, "key": on.evidence()[0]},
        "DELETE",
    ),
    "overwriting evidence": lambda on: on.post(
        _tag, {"name": on.good.name, "version": on.good.number, "key": on.evidence()[0], "value": "{}"}
    ),
    "writing the server's own tag": lambda on: on.post(
        _tag,
        {"name": on.good.name, "version": on.good.number, "key": "qaqpa.registered_by", "value": '["somebody"]'},
    ),
    "uploading over a file": lambda on: on.call("PUT", f"{ARTIFACTS}/{on.path}/MLmodel", data=b"evil"),
    "uploading over a file by the page's tree": lambda on: on.call(
        "PUT", f"{ARTIFACTS}/{on.path}/data/weights", "ajax-api/2.0", data=b"evil"
    ),
    "uploading another file": lambda on: on.call("PUT", f"{ARTIFACTS}/{on.path}/new/file", data=b"evil"),
    "uploading by a path that is written otherwise": lambda on: on.call(
        "PUT", f"{ARTIFACTS}/{on.path.replace('/', '//')}/%64ata/weights", data=b"evil"
    ),
    "uploading by the page": lambda on: on.call(
        "POST",
        "mlflow/upload-artifact",
        "ajax-api/2.0",
        params={"run_uuid": on.good.run_id, "path": "model/data/weights"},
        data=b"evil",
    ),
    "uploading in parts": lambda on: on.call(
        "POST", f"mlflow-artifacts/mpu/create/{on.path}", json={"path": "MLmodel", "num_parts": 1}
    ),
    "asking for an address to upload to": lambda on: on.post(
        "artifacts/presigned-upload-url", {"run_id": on.good.run_id, "path": "model/MLmodel"}
    ),
    "deleting a file": lambda on: on.call("DELETE", f"{ARTIFACTS}/{on.path}/MLmodel"),
    "deleting the directory": lambda on: on.call("DELETE", f"{ARTIFACTS}/{on.path}"),
    "deleting what the run holds": lambda on: on.call("DELETE", f"{ARTIFACTS}/{on.path.rpartition('/')[0]}"),
    "deleting all experiments": lambda on: on.call("DELETE", f"{ARTIFACTS}/0"),
    "putting a file where the directory is": lambda on: on.call("PUT", f"{ARTIFACTS}/{on.path}", data=b"evil"),
    "a GraphQL mutation": lambda on: on.call(
        "POST",
        "graphql",
        "",
        json={"query": 'mutation { setRegisteredModelAlias(input: {name: "x", alias: "production"}) { ok } }'},
    ),
}
_ANSWERED_BY_MLFLOW = {
    "renaming another model to its name": 400,
    "uploading in parts": 501,
    "asking for an address to upload to": 400,
    "a GraphQL mutation": 200,
}
"""What MLflow itself refuses, before or without the gate."""


@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_refused_and_nothing_is_changed(target: Target, name: str) -> None:
    before = target.state()
    answer = ATTACKS[name](target)
    assert answer.status_code == _ANSWERED_BY_MLFLOW.get(name, 403), answer.text[:500]
    if name not in _ANSWERED_BY_MLFLOW:
        assert answer.json()["error_code"] == "PERMISSION_DENIED"
        assert answer.json()["qaqpa"]["verdict"] in {"deny", "undecided"}
    assert target.state() == before


HARMLESS: dict[str, Attack] = {
    "marking the model as a prompt": lambda on: on.post(
        "registered-models/set-tag", {"name": on.evil.name, "key": "mlflow.prompt.is_prompt", "value": "true"}
    ),
    "deleting the run": lambda on: on.post("runs/delete", {"run_id": on.good.run_id}),
    "restoring the run": lambda on: on.post("runs/restore", {"run_id": on.good.run_id}),
    "changing what the run says of itself": lambda on: on.post(
        "runs/set-tag", {"run_id": on.evil.run_id, "key": "mlflow.user", "value": "auditor"}
    ),
    "describing it": lambda on: on.post(
        "model-versions/update", {"name": on.evil.name, "version": on.evil.number, "description": "approved"}, "PATCH"
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_anybody_may_do_brings_nothing_into_production(target: Target, name: str) -> None:
    aliases, digest = target.state()[0][1], target.state()[1]
    assert HARMLESS[name](target).ok
    assert target.alias(target.evil, "production").status_code == 403
    assert target.alias(target.worse, "production").status_code == 403
    assert (target.state()[0][1], target.state()[1]) == (aliases, digest)


def test_a_model_that_is_deleted_and_made_again_inherits_nothing(target: Target) -> None:
    registry = target.registry
    evil = registry.registered("again")
    registry.client.delete_registered_model(evil.name)
    registry.client.create_registered_model(evil.name)
    again = registry.added(evil.name)
    assert again.number == evil.number
    assert target.alias(again, "production").status_code == 403


def test_bytes_thaw_when_the_version_leaves_production_and_are_judged_anew(target: Target) -> None:
    registry = target.registry
    version = registry.registered("thawing")
    attach(registry, version, scene_of(version).sound())
    path = f"{ARTIFACTS}/{version.source.removeprefix('mlflow-artifacts:/')}/data/weights"
    assert target.call("PUT", path, data=(version.files / "data" / "weights").read_bytes()).ok
    promote(registry, version)
    assert target.call("PUT", path, data=b"evil").status_code == 403
    registry.client.delete_registered_model_alias(version.name, "production")
    assert target.call("PUT", path, data=b"evil").ok
    assert target.alias(version, "production").status_code == 403


def test_an_upload_that_began_before_the_promotion_does_not_end_after_it(target: Target) -> None:
    registry = target.registry
    version = registry.registered("slow")
    attach(registry, version, scene_of(version).sound())
    directory = registry.directory / "artifacts" / version.source.removeprefix("mlflow-artifacts:/")
    answers = []

    def slowly() -> Iterator[bytes]:
        yield b"ev"
        answers.append(target.alias(version, "production").status_code)
        yield b"il"

    before = dir_hash(directory)
    path = f"{ARTIFACTS}/{version.source.removeprefix('mlflow-artifacts:/')}/data/weights"
    answers.append(target.call("PUT", path, data=slowly()).status_code)
    assert answers in ([200, 403], [403, 200]), "never both"
    if answers == [200, 403]:
        assert dir_hash(directory) == before
    else:
        assert "production" not in registry.aliases(version.name)
