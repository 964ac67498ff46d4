# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.server import OpaServerEngine
from support.opa import opa_server, snapshot


@pytest.fixture(scope="session")
def sigstore(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[dict[str, Any]]], list[str]]:
    """`@sigstore/verify` in the version that the lock file pins: `good`, or the code of the refusal, for each question.

    A question is what `interoperability/verify.mjs` takes.
    """
    if not shutil.which("npm"):
        assert "CI" not in os.environ, "continuous integration has Node"
        pytest.skip("there is no Node")
    root = tmp_path_factory.mktemp("interoperability")
    shutil.copytree(Path(__file__).parent / "interoperability", root, dirs_exist_ok=True)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    subprocess.run(install, cwd=root, check=True, capture_output=True, timeout=120)

    def call(questions: list[dict[str, Any]]) -> list[str]:
        asked = json.dumps(questions).encode()
        command = ["node", "verify.mjs"]
        done = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, input=asked, timeout=60)
        answers: list[str] = json.loads(done.stdout)
        return answers

    return call


@pytest.fixture(scope="session")
def policies_and_compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return snapshot(tmp_path_factory.mktemp("snapshot"))


@pytest.fixture(scope="session")
def policies(policies_and_compiled: tuple[Path, Path]) -> Path:
    return policies_and_compiled[0]


@pytest.fixture(scope="session")
def embedded(policies_and_compiled: tuple[Path, Path]) -> EmbeddedEngine:
    return EmbeddedEngine.open(policies_and_compiled[1])


@pytest.fixture(scope="session")
def server(policies_and_compiled: tuple[Path, Path], embedded: EmbeddedEngine) -> Iterator[OpaServerEngine]:
    pytest.importorskip("opa_client")
    with opa_server(policies_and_compiled[1] / "bundle.tar.gz") as url:
        yield OpaServerEngine(url, policy_digest=embedded.policy_digest, catalog=embedded.catalog, timeout_seconds=10.0)
