# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.server import OpaServerEngine
from support.opa import opa_server, snapshot


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
