# SPDX-License-Identifier: Apache-2.0
"""From the gate's verdict to the bytes that are served, against a real server: fetched once, verified, then kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import mlflow
import pytest
import requests

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.keys import openssh
from qaqpa.record.attest import BUNDLE_FILE, DSSE_FILE
from qaqpa.record.reading import read_envelope
from qaqpa.record.summary import SUBJECT
from support.keyring import private_key_file
from support.registry import Registry, Version, passing
from support.servers import HOST, free_port, mlflow_environment, running
from support.verdicts import GATE, write

pytestmark = pytest.mark.server

CODE = """\
import mlflow


class Twice(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str]) -> list[str]:
        return [2 * one for one in model_input]


mlflow.models.set_model(Twice())
"""


@dataclass(frozen=True)
class Release:
    """A version that the gate allowed, with its verdict in `out`."""

    registry: Registry
    target: str
    name: str

    def verify(self, *more: str, target: str = "", into: str = "served", form: str = DSSE_FILE) -> int:
        asked = ["--gate-key", "gate.pub", "--profile", "article-baseline"]
        place = ["--into", into] if into else []
        url = self.registry.server.url
        named = ["verify", target or self.target, "--verdict", f"out/{form}", "--registry-uri", url]
        return main([*named, *asked, *place, *more])


def release(registry: Registry, name: str, number: str, here: Path) -> Release:
    (here / "gate.pub").write_text(openssh(GATE.public_key))
    key = private_key_file(here, "gate", 1)
    target = f"models:/{name}/{number}"
    command = ["check", target, "--registry-uri", registry.server.url, "--verdict", "out", "--gate-key", str(key)]
    assert main([*command, "--config", str(registry.directory / "qaqpa.yaml")]) == 0
    return Release(registry, target, name)


@pytest.fixture
def allowed(sqlite_registry: Registry, here: Path) -> tuple[Version, Release]:
    version = sqlite_registry.registered(evidence=True)
    return version, release(sqlite_registry, version.name, version.number, here)


@pytest.fixture
def scorer(sqlite_registry: Registry, tmp_path: Path) -> str:
    """A registered model that answers, trained two months ago, with its evidence; its name."""
    files, code, client = tmp_path / "scorer", tmp_path / "code.py", sqlite_registry.client
    code.write_text(CODE)
    mlflow.pyfunc.save_model(files, python_model=str(code), pip_requirements=[])
    before = times.now() - timedelta(days=60)
    run = client.create_run("0", start_time=int(before.timestamp() * 1000))
    client.log_artifacts(run.info.run_id, str(files), "model")
    name = sqlite_registry.new_name()
    client.create_registered_model(name)
    source = f"{run.info.artifact_uri}/model"
    client.create_model_version(name, source, run.info.run_id)
    version = Version(name, "1", files, source, run.info.run_id)
    sqlite_registry.attach(version, passing([name], dir_hash(files)))
    return name


@pytest.mark.parametrize("form", [DSSE_FILE, BUNDLE_FILE])
def test_what_was_allowed_is_fetched_verified_and_kept(allowed: tuple[Version, Release], here: Path, form: str) -> None:
    version, own = allowed
    assert own.verify(form=form) == 0
    assert dir_hash(here / "served") == dir_hash(version.files)
    assert not (here / "served" / "registered_model_meta").exists()
    assert not list(here.glob(".qaqpa-*"))
    assert own.verify(into="") == 0


def test_an_altered_artifact_is_refused_and_no_directory_is_there(
    allowed: tuple[Version, Release], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version, own = allowed
    stored = own.registry.directory / "artifacts" / version.source.removeprefix("mlflow-artifacts:/")
    (stored / "data" / "weights").write_text("evil")
    assert own.verify() == 3
    assert "bytes: it is about other bytes" in capsys.readouterr().out
    assert sorted(path.name for path in here.iterdir()) == ["gate-1", "gate-1.pub", "gate.pub", "out"]


def test_the_verdict_of_one_registered_model_is_not_for_another_with_the_same_bytes(
    allowed: tuple[Version, Release], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version, own = allowed
    client, other = own.registry.client, own.registry.new_name()
    client.create_registered_model(other)
    client.create_model_version(other, version.source, version.run_id)
    assert own.verify(target=f"models:/{other}/1") == 3
    assert f"it is about the registered model {version.name}" in capsys.readouterr().out
    assert own.verify("--model", version.name, target=f"models:/{other}/1") == 3
    assert not (here / "served").exists()


def test_the_verdict_of_an_older_model_of_the_same_name_is_refused(
    allowed: tuple[Version, Release], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, own = allowed
    found = json.loads(read_envelope(here / "out" / DSSE_FILE).payload)
    assert isinstance(found["predicate"][SUBJECT]["created"], int)
    found["predicate"][SUBJECT]["created"] -= 1
    write(here / "out", found)
    assert own.verify() == 3
    assert "created: it is about an older or newer model" in capsys.readouterr().out


def test_an_alias_is_looked_up_once(allowed: tuple[Version, Release], here: Path) -> None:
    version, own = allowed
    own.registry.set_alias(version, "challenger")
    assert own.verify(target=f"models:/{version.name}@challenger") == 0
    assert (here / "served" / "MLmodel").is_file()


def test_what_does_not_answer_or_exist_leaves_no_directory(allowed: tuple[Version, Release], here: Path) -> None:
    version, own = allowed
    assert own.verify("--registry-uri", f"http://{HOST}:{free_port()}") == 4
    assert own.verify(target=f"models:/{version.name}/9") == 2
    assert not (here / "served").exists()
    assert not list(here.glob(".qaqpa-*"))


def test_the_kept_directory_is_served(
    sqlite_registry: Registry, scorer: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = release(sqlite_registry, scorer, "1", here)
    assert own.verify() == 0
    capsys.readouterr()
    assert mlflow.pyfunc.load_model(str(here / "served")).predict(["ab"]) == ["abab"]
    port = free_port()
    url = f"http://{HOST}:{port}"
    command = [
        *(sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(here / "served")),
        *("--env-manager", "local", "--host", HOST, "--port", str(port)),
    ]

    def answers() -> bool:
        try:
            return requests.get(f"{url}/ping", timeout=2).ok
        except requests.RequestException:
            return False

    # MLflow starts a program that lies beside Python.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with running(command, here, answers, mlflow_environment(PATH=path), url):
        body: dict[str, Any] = {"inputs": ["ab"]}
        answer = requests.post(f"{url}/invocations", json=body, timeout=30)
    assert json.loads(answer.text) == {"predictions": ["abab"]}
    assert own.verify("--model", scorer, target=str(here / "served"), into="") == 0, "serving changed nothing"


def test_the_storage_initializer_of_the_example_hands_over_what_holds(
    allowed: tuple[Version, Release], here: Path
) -> None:
    version, own = allowed
    verdicts = here / "verdicts" / version.name / "1"
    verdicts.mkdir(parents=True)
    (verdicts / DSSE_FILE).write_bytes((here / "out" / DSSE_FILE).read_bytes())
    key = openssh(GATE.public_key)
    (here / "requirements.yaml").write_text(f'version: 1\ngate_keys: ["{key}"]\nprofiles: [article-baseline]\n')
    (here / "bin").mkdir()
    program = here / "bin" / "qaqpa"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m qaqpa.cli.main "$@"\n')
    program.chmod(0o755)
    environment = mlflow_environment(
        PATH=os.pathsep.join([str(here / "bin"), os.environ["PATH"]]),
        MLFLOW_TRACKING_URI=own.registry.server.url,
        QAQPA_VERDICTS=str(here / "verdicts"),
        QAQPA_REQUIREMENTS=str(here / "requirements.yaml"),
    )
    script = Path(__file__).parents[2] / "examples" / "deploy" / "kserve" / "storage_initializer.py"

    def hand_over(place: str) -> int:
        (here / place).mkdir()
        command = [sys.executable, str(script), f"qaqpa://{version.name}/1", str(here / place)]
        return subprocess.run(command, check=False, env=environment, timeout=120).returncode

    assert hand_over("good") == 0
    assert dir_hash(here / "good") == dir_hash(version.files)
    stored = own.registry.directory / "artifacts" / version.source.removeprefix("mlflow-artifacts:/")
    (stored / "data" / "weights").write_text("evil")
    assert hand_over("bad") == 3
    assert list((here / "bad").iterdir()) == []
