# SPDX-License-Identifier: Apache-2.0
"""The examples of a deployment do what they say, and ask `qaqpa verify` for what it has."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from qaqpa import times
from qaqpa.cli import verify
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.keys import openssh
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.attest import DSSE_FILE
from qaqpa.record.requirements import read_requirements
from support.verdicts import GATE, judged, moved, statement, write

DEPLOY = Path(__file__).parents[2] / "examples" / "deploy"


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    verify.add_arguments(parser)
    return parser.parse_args(arguments)


def test_the_sample_of_requirements_is_read_with_and_without_its_comments(tmp_path: Path) -> None:
    assert len(read_requirements(DEPLOY / "requirements.yaml").keys) == 1
    lines = (DEPLOY / "requirements.yaml").read_text(encoding="utf-8").splitlines()
    fields = [line.removeprefix("# ") if line[2:].split(":")[0].isidentifier() else line for line in lines]
    (tmp_path / "all.yaml").write_text("\n".join(fields), encoding="utf-8")
    found = read_requirements(tmp_path / "all.yaml")
    assert None not in (found.context, found.configuration, found.registry, found.model_version)


def test_the_init_container_calls_what_there_is_and_mounts_what_it_names() -> None:
    pod = documents("init-container.yaml")[1]["spec"]["template"]["spec"]
    [first], [server] = pod["initContainers"], pod["containers"]
    command, *rest = first["args"]
    args = options(rest)
    assert (command, args.target) == ("verify", "models:/credit/7")
    mounts = {mount["mountPath"] for mount in first["volumeMounts"]}
    assert {str(Path(path).parent) for path in (args.verdict, args.require, args.into)} <= mounts
    assert args.into in server["command"]
    [served] = [mount for mount in server["volumeMounts"] if mount["name"] == "model"]
    assert served["readOnly"] is True
    assert "env" not in server


def test_the_storage_container_names_what_kserve_and_the_script_need() -> None:
    [found] = documents("kserve/storage-container.yaml")
    script = (DEPLOY / "kserve" / "storage_initializer.py").read_text(encoding="utf-8")
    container = found["spec"]["container"]
    assert container["name"] == "storage-initializer"
    assert all(f'"{entry["name"]}"' in script for entry in container["env"] if entry["name"].startswith("QAQPA_"))
    [prefix] = found["spec"]["supportedUriFormats"]
    assert f'PREFIX = "{prefix["prefix"]}"' in script


@pytest.fixture
def prepared(here: Path, engine: EmbeddedEngine) -> Path:
    """A model, its verdict, its requirements, and `qaqpa` on the path."""
    (here / "model").mkdir()
    (here / "model" / "MLmodel").write_text("flavors: {}\n")
    now = times.now()
    write(here, moved(statement(judged(engine)), dir_hash("model"), now, now + timedelta(days=9)))
    key = openssh(GATE.public_key)
    (here / "requirements.yaml").write_text(
        f'version: 1\ngate_keys: ["{key}"]\nmodel: credit\nprofiles: [article-baseline]\n'
    )
    (here / "bin").mkdir()
    program = here / "bin" / "qaqpa"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m qaqpa.cli.main "$@"\n')
    program.chmod(0o755)
    return here


def deploy(here: Path, *more: str) -> int:
    command = [str(DEPLOY / "deploy.sh"), "model", DSSE_FILE, "requirements.yaml", "releases", *more]
    environment = {**os.environ, "PATH": f"{here / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(command, check=False, cwd=here, env=environment, timeout=60).returncode


def test_the_deploy_job_switches_over_only_to_what_was_verified(prepared: Path) -> None:
    assert deploy(prepared, "touch", "restarted") == 0
    current = prepared / "releases" / "current"
    first = current.readlink()
    assert dir_hash(current.resolve()) == dir_hash("model")
    assert json.loads((prepared / "releases" / f"{first}.verdict.json").read_text())["payload"]
    assert (prepared / "restarted").is_file()
    (prepared / "restarted").unlink()
    (prepared / "model" / "MLmodel").write_text("evil\n")
    assert deploy(prepared, "touch", "restarted") == 3
    (prepared / DSSE_FILE).write_text("{")
    assert deploy(prepared, "touch", "restarted") == 4
    assert current.readlink() == first
    assert not (prepared / "restarted").exists()
    assert sorted(path.name for path in (prepared / "releases").iterdir()) == sorted(
        ["current", str(first), f"{first}.verdict.json"]
    )


def test_the_storage_initializer_refuses_other_addresses_and_a_place_that_is_not_empty(prepared: Path) -> None:
    script = [sys.executable, str(DEPLOY / "kserve" / "storage_initializer.py")]
    (prepared / "models").mkdir()
    for source in ("s3://credit/7", "qaqpa://credit", "qaqpa:///7", "qaqpa://credit/latest"):
        done = subprocess.run([*script, source, "models"], check=False, cwd=prepared, timeout=60)
        assert done.returncode == 2
    shutil.copy("requirements.yaml", "models")
    assert subprocess.run([*script, "qaqpa://credit/7", "models"], check=False, timeout=60).returncode == 2
