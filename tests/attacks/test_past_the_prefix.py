# SPDX-License-Identifier: Apache-2.0
"""Writing into the artifact store of a real server past the store that freezes: by addresses of an experiment."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
import requests

from attacks.test_server import attach, promote, scene_of
from qaqpa.evidence.digest import dir_hash
from support.registry import Registry, Version

pytestmark = pytest.mark.server

ADDRESSES = ("file://{}", "file:{}", "{}", "/proc/self/root{}", "{}/../model", "qaqpa+file://{}")


@pytest.fixture(scope="module")
def victim(registry: Registry) -> Version:
    version = registry.registered("past")
    attach(registry, version, scene_of(version).sound())
    promote(registry, version)
    return version


def files(registry: Registry, version: Version) -> Path:
    return registry.directory / "artifacts" / version.source.removeprefix("mlflow-artifacts:/")


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_experiment_whose_artifacts_lie_in_the_directory_of_a_frozen_version(
    registry: Registry, victim: Version, address: str
) -> None:
    place = files(registry, victim)
    before = dir_hash(place)
    body = {"name": uuid.uuid4().hex, "artifact_location": address.format(place)}
    made = registry.post("experiments/create", body)
    if made.ok:
        run = registry.client.create_run(made.json()["experiment_id"])
        for tree in ("api", "ajax-api"):
            url = f"{registry.server.url}/{tree}/2.0/mlflow/upload-artifact"
            where = {"run_uuid": run.info.run_id, "path": "code/evil.py"}
            answer = requests.post(url, params=where, data=b"evil", timeout=60)
            assert answer.status_code in {400, 403, 404}, answer.text
        asked = {"run_id": run.info.run_id, "path": "code/evil.py"}
        assert not registry.post("artifacts/presigned-upload-url", asked).ok
    assert dir_hash(place) == before


def test_an_experiment_elsewhere_is_written_to(registry: Registry, tmp_path: Path) -> None:
    """So the attacks above reach the place where the store is asked."""
    experiment = registry.client.create_experiment(uuid.uuid4().hex, artifact_location=f"file://{tmp_path}/x")
    run = registry.client.create_run(experiment)
    url = f"{registry.server.url}/ajax-api/2.0/mlflow/upload-artifact"
    where = {"run_uuid": run.info.run_id, "path": "code/good.py"}
    assert requests.post(url, params=where, data=b"good", timeout=60).ok
    assert [path.read_text() for path in tmp_path.rglob("*.py")] == ["good"]
