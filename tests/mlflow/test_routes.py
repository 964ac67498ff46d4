# SPDX-License-Identifier: Apache-2.0
"""One version has one digest, whichever way one comes to its bytes: through a real server, and inside it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest

from qaqpa.cli.main import main
from qaqpa.errors import UndecidedError, UsageError
from qaqpa.evidence.digest import dir_hash
from qaqpa.mlflow.registry import read_digest, read_version
from qaqpa.mlflow.server import location_digest, location_facts
from support.registry import Registry, Version
from support.servers import HOST, free_port

pytestmark = pytest.mark.server

# Without `#` and `%`: MLflow's own upload stores such a file under another name.
ODD = ("a b", "é", "кредит", "x+y", "a&b=c", "'q'", "~", "-", "a:b", "MLmodel.bak", "d/e/f")
ELSEWHERE = "flavors: {transformers: {source_model_name: acme/scorer, source_model_revision: main}}\n"


class Echo(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow has no types
    def predict(self, model_input: list[str]) -> list[str]:
        return model_input


@dataclass(frozen=True)
class Logged:
    """A version whose model MLflow logged, with what leads to it, and the digest of its files on the server's disk."""

    name: str
    run_id: str
    model_id: str
    location: str
    files: Path
    digest: str


@pytest.fixture
def logged(sqlite_registry: Registry) -> Logged:
    url, name = sqlite_registry.server.url, sqlite_registry.new_name()
    mlflow.set_tracking_uri(url)
    with mlflow.start_run() as run:
        info = mlflow.pyfunc.log_model(
            name="model", python_model=Echo(), pip_requirements=[], registered_model_name=name
        )
    sqlite_registry.client.set_registered_model_alias(name, "challenger", "1")
    location = sqlite_registry.client.get_model_version_download_uri(name, "1")
    files = sqlite_registry.directory / "artifacts" / location.removeprefix("mlflow-artifacts:/")
    return Logged(name, run.info.run_id, info.model_id, location, files, dir_hash(files))


def version_of(registry: Registry, root: Path) -> Version:
    """A version of files that a client uploaded as plain artifacts of a run."""
    run = registry.client.create_run("0")
    registry.client.log_artifacts(run.info.run_id, str(root), "model")
    name = registry.new_name()
    registry.client.create_registered_model(name)
    source = f"{run.info.artifact_uri}/model"
    number = str(registry.client.create_model_version(name, source, run.info.run_id).version)
    return Version(name, number, root, source, run.info.run_id)


def test_every_route_to_a_logged_model_has_the_digest_of_the_server_s_files(
    sqlite_registry: Registry, logged: Logged, capsys: pytest.CaptureFixture[str]
) -> None:
    url = sqlite_registry.server.url
    routes = [
        f"models:/{logged.name}/1",
        f"models:/{logged.name}@challenger",
        f"models:/{logged.model_id}",
        f"runs:/{logged.run_id}/model",
        logged.location,
        f"file://{logged.files}",
    ]
    for route in routes:
        assert read_digest(route, url) == (logged.digest, ()), route
        assert main(["digest", route, "--registry-uri", url]) == 0
        assert capsys.readouterr().out == f"{logged.digest}\n"
    assert main(["digest", str(logged.files)]) == 0
    assert capsys.readouterr().out == f"{logged.digest}\n"
    assert read_version(routes[0], url).subject.digest == logged.digest
    assert location_facts(str(logged.files)) == (logged.digest, ())
    assert location_digest(str(logged.files)) == logged.digest


def test_copies_that_mlflow_itself_makes_have_the_same_digest(
    sqlite_registry: Registry, logged: Logged, tmp_path: Path
) -> None:
    url = sqlite_registry.server.url
    routes = {
        "version": f"models:/{logged.name}/1",
        "model": f"models:/{logged.model_id}",
        "plain": logged.location,
    }
    for name, route in routes.items():
        (tmp_path / name).mkdir()
        got = mlflow.artifacts.download_artifacts(
            route, dst_path=str(tmp_path / name), tracking_uri=url, registry_uri=url
        )
        assert dir_hash(got) == logged.digest, name
    assert list(tmp_path.rglob("registered_model_meta")), "MLflow wrote its own file, which is left out"
    assert dir_hash(logged.files) == logged.digest
    other = sqlite_registry.new_name()
    copied = sqlite_registry.client.copy_model_version(f"models:/{logged.name}/1", other)
    assert read_digest(f"models:/{other}/{copied.version}", url) == (logged.digest, ())


def test_files_of_a_run_with_odd_names_have_one_digest_too(sqlite_registry: Registry, tmp_path: Path) -> None:
    root = tmp_path / "model"
    for number, name in enumerate(ODD):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(bytes([number]))
    (root / "empty").write_bytes(b"")
    (root / "nothing").mkdir()
    version = version_of(sqlite_registry, root)
    url, digest = sqlite_registry.server.url, dir_hash(root)
    on_disk = sqlite_registry.directory / "artifacts" / version.source.removeprefix("mlflow-artifacts:/")
    assert dir_hash(on_disk) == digest
    for route in (f"models:/{version.name}/1", f"runs:/{version.run_id}/model", version.source, str(on_disk)):
        found = read_digest(route, url) if ":/" in route else (location_digest(route), ())
        assert found == (digest, ()), route
    below, _ = read_digest(f"runs:/{version.run_id}/model/d", url)
    assert below == dir_hash(root / "d")


def test_weights_elsewhere_are_a_problem_on_every_route(
    sqlite_registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").write_text(ELSEWHERE)
    version = version_of(sqlite_registry, tmp_path / "model")
    url = sqlite_registry.server.url
    target = f"models:/{version.name}/1"
    on_disk = sqlite_registry.directory / "artifacts" / version.source.removeprefix("mlflow-artifacts:/")
    expected = dir_hash(tmp_path / "model"), ["bytes_elsewhere"]
    found = read_version(target, url)
    assert (found.subject.digest, [one.code for one in found.problems]) == expected
    for digest, problems in (read_digest(target, url), read_digest(version.source, url), location_facts(str(on_disk))):
        assert (digest, [one.code for one in problems]) == expected
    for arguments in ([target, "--registry-uri", url], [str(on_disk)]):
        assert main(["digest", *arguments]) == 0
        out, err = capsys.readouterr()
        assert out == f"{expected[0]}\n"
        assert "bytes_elsewhere: MLmodel: flavor transformers leaves the weights" in err


def test_what_a_run_holds_twice_is_not_guessed(sqlite_registry: Registry, logged: Logged, tmp_path: Path) -> None:
    (tmp_path / "extra").write_bytes(b"1")
    sqlite_registry.client.log_artifact(logged.run_id, str(tmp_path / "extra"), "model")
    with pytest.raises(UsageError, match="several things of this name") as caught:
        read_digest(f"runs:/{logged.run_id}/model", sqlite_registry.server.url)
    assert f"models:/{logged.model_id}" in str(caught.value)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("models:/m-0123456789abcdef0123456789abcdef", "no logged model"),
        ("models:/nobody/1", "no registered model"),
        ("runs:/0123456789abcdef0123456789abcdef/model", "no run"),
        ("runs:/", "does not name files of a run"),
        ("runs:/{run}/../other", "leads out of the run"),
        ("runs:/{run}/model/../../..", "leads out of the run"),
    ],
)
def test_what_does_not_exist_is_named(sqlite_registry: Registry, logged: Logged, target: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_digest(target.format(run=logged.run_id), sqlite_registry.server.url)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "target",
    [
        "runs:/{run}/nothing",
        "mlflow-artifacts:/0/nothing",
        "mlflow-artifacts://127.0.0.1:1/x",
        "http://127.0.0.1:1/api/2.0/mlflow-artifacts/artifacts/x",
        "file:///nowhere/at/all",
        "nonsense:/x",
        "s3:/x",
    ],
)
def test_bytes_out_of_reach_end_with_4_and_print_no_digest(
    sqlite_registry: Registry, logged: Logged, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["digest", target.format(run=logged.run_id), "--registry-uri", sqlite_registry.server.url]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert "out of reach" in err


def test_a_download_leaves_nothing_behind(
    sqlite_registry: Registry, logged: Logged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert read_digest(logged.location, sqlite_registry.server.url)[0] == logged.digest
    assert read_digest("mlflow-artifacts:/0/nothing", sqlite_registry.server.url)[0] is None
    assert list(tmp_path.iterdir()) == []


def test_without_a_server_files_still_have_a_digest(logged: Logged) -> None:
    assert read_digest(f"file://{logged.files}") == (logged.digest, ())
    with pytest.raises(UndecidedError, match="does not answer"):
        read_digest("runs:/0/model", f"http://{HOST}:{free_port()}")


def test_one_byte_changed_in_place_shows_on_every_route(sqlite_registry: Registry, logged: Logged) -> None:
    backup = logged.files.with_name("backup")
    shutil.copytree(logged.files, backup)
    with (logged.files / "python_model.pkl").open("r+b") as file:
        file.write(b"\x00")
    changed = dir_hash(logged.files)
    assert changed != dir_hash(backup) == logged.digest
    for route in (f"models:/{logged.name}/1", f"models:/{logged.model_id}", f"runs:/{logged.run_id}/model"):
        assert read_digest(route, sqlite_registry.server.url)[0] == changed
