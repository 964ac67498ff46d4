# SPDX-License-Identifier: Apache-2.0
"""The registry as the command line sees it, against a real server."""

from __future__ import annotations

import json
import shutil
import time
from datetime import timedelta
from pathlib import Path

import mlflow
import pytest

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.errors import UndecidedError, UsageError
from qaqpa.evidence.digest import dir_hash
from qaqpa.mlflow.registry import read_version
from support.contents import contents
from support.registry import Registry, passing
from support.servers import HOST, free_port

pytestmark = pytest.mark.server


def test_a_version_is_read_with_its_bytes_and_evidence(sqlite_registry: Registry) -> None:
    version = sqlite_registry.registered(evidence=True)
    found = read_version(f"models:/{version.name}/{version.number}", sqlite_registry.server.url)
    registered = sqlite_registry.client.get_registered_model(version.name)
    run = sqlite_registry.client.get_run(version.run_id)
    assert (found.subject.name, found.subject.version, found.problems) == (version.name, version.number, ())
    assert found.subject.digest == dir_hash(version.files)
    assert found.subject.created_ms == registered.creation_timestamp
    assert found.subject.trained_at
    assert int(found.subject.trained_at.timestamp()) == run.info.start_time // 1000
    tags = passing([version.name], dir_hash(version.files))
    assert len(found.carried) == len(tags.model) + len(tags.version)


def test_an_alias_names_a_version(sqlite_registry: Registry) -> None:
    version = sqlite_registry.registered()
    sqlite_registry.set_alias(version, "challenger")
    found = read_version(f"models:/{version.name}@challenger", sqlite_registry.server.url)
    assert found.subject.version == version.number


def test_a_logged_model_and_its_copy_have_the_digest_that_the_server_computes(
    sqlite_registry: Registry, tmp_path: Path
) -> None:
    url, name = sqlite_registry.server.url, sqlite_registry.new_name()
    mlflow.set_tracking_uri(url)
    with mlflow.start_run() as run:
        mlflow.pyfunc.log_model(name="model", python_model=_echo, pip_requirements=[], registered_model_name=name)
    location = sqlite_registry.client.get_model_version_download_uri(name, "1")
    assert location.startswith("mlflow-artifacts:/")
    local = sqlite_registry.directory / "artifacts" / location.removeprefix("mlflow-artifacts:/")
    found = read_version(f"models:/{name}/1", url)
    assert found.subject.digest == dir_hash(local)
    assert found.subject.trained_at
    assert int(found.subject.trained_at.timestamp()) == run.info.start_time // 1000
    # Reading through models:/ adds a file, which must not change the digest.
    mlflow.artifacts.download_artifacts(
        f"models:/{name}/1", dst_path=str(tmp_path / "copy"), tracking_uri=url, registry_uri=url
    )
    assert dir_hash(tmp_path / "copy") == found.subject.digest


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("models:/nobody/1", "no registered model 'nobody'"),
        ("models:/{name}/99", "has no version 99"),
        ("models:/{name}@none", "no alias 'none'. Required: one of: @challenger"),
        ("models:/{name}/latest", "does not name one model version"),
        ("models:/m-0123456789abcdef0123456789abcdef", "does not name one model version"),
        ("models:/{name}/1/x", "does not name a model version"),
    ],
)
def test_what_does_not_exist_is_named(sqlite_registry: Registry, target: str, said: str) -> None:
    version = sqlite_registry.registered()
    sqlite_registry.set_alias(version, "challenger")
    with pytest.raises(UsageError) as caught:
        read_version(target.format(name=version.name), sqlite_registry.server.url)
    assert said in str(caught.value)


def test_bytes_out_of_reach_are_a_problem(sqlite_registry: Registry) -> None:
    version = sqlite_registry.registered()
    below = version.source.removeprefix("mlflow-artifacts:/")
    shutil.rmtree(sqlite_registry.directory / "artifacts" / below)
    found = read_version(f"models:/{version.name}/{version.number}", sqlite_registry.server.url)
    assert found.subject.digest is None
    assert [problem.code for problem in found.problems] in (["bytes_missing"], ["digest_failed"])


def test_a_registry_that_does_not_answer_is_told_soon() -> None:
    started = time.monotonic()
    with pytest.raises(UndecidedError, match="does not answer"):
        read_version("models:/credit/1", f"http://{HOST}:{free_port()}")
    assert time.monotonic() - started < 30


def test_without_an_address_no_database_is_made(here: Path) -> None:
    with pytest.raises(UsageError, match="No MLflow server is named"):
        read_version("models:/credit/1")
    assert list(here.iterdir()) == []


def _echo(model_input: list[str]) -> list[str]:
    return model_input


def test_an_earlier_statement_stays_until_it_is_replaced_and_a_signed_one_after_that(
    sqlite_registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = sqlite_registry.registered(evidence=True)
    target, url = f"models:/{version.name}/{version.number}", sqlite_registry.server.url

    def tags() -> set[str]:
        found = sqlite_registry.client.get_model_version(version.name, version.number).tags
        return {key for key in found if key.startswith("qaqpa.evidence.bias.")}

    signed = tags()
    weak = contents(times.now())["bias"]
    weak["groups"] = [{**group, "selected": number} for number, group in enumerate(weak["groups"])]
    for name, content in (("weak", weak), ("good", contents(times.now() - timedelta(days=1))["bias"])):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    arguments = ["--model", target, "--registry-uri", url]
    assert main(["attest", "bias", str(tmp_path / "weak.json"), *arguments]) == 0
    assert "the worst decides; 1 of them signed" in capsys.readouterr().err
    first = tags()
    assert len(first - signed) == 1
    assert main(["attest", "bias", str(tmp_path / "good.json"), *arguments, "--replace"]) == 0
    assert capsys.readouterr().out.count("took away qaqpa.evidence.bias.") == 1
    assert (signed <= tags(), len(tags()), tags() & (first - signed)) == (True, 2, set())
