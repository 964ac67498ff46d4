# SPDX-License-Identifier: Apache-2.0
"""One server that all attacks here share; it trusts the organisation of `scene`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from attacks.scene import attacked_organisation
from qaqpa import times
from qaqpa.config import LogSource
from qaqpa.policy.embedded import EmbeddedEngine
from support.keyring import to_yaml, trusted
from support.logs import checked, replayed
from support.pull_requests import Capture, PullRequest
from support.registry import Registry
from support.servers import mlflow_server

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    NO_PROXY="127.0.0.1",
    no_proxy="127.0.0.1",
)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory, engine: EmbeddedEngine) -> Iterator[Registry]:
    """A server on SQLite whose artifact store freezes what is in production."""
    directory = tmp_path_factory.mktemp("attacked")
    now = times.now()
    source = trusted(directory, now, text=to_yaml(attacked_organisation(now)))
    roots = "".join(f'\n    - "{root}"' for root in source.roots)
    configuration = f"version: 1\nparties:\n  file: {source.file}\n  threshold: 2\n  state: state\n  roots:{roots}\n"
    database = f"sqlite:///{directory}/mlflow.db"
    more = ["--artifacts-destination", f"qaqpa+file://{directory}/artifacts"]
    with mlflow_server(directory, database, configuration, parties=False, more=more) as server:
        yield Registry(server, directory)
    # Whatever was tried: the log is intact, and each decision in it can be made again.
    log = LogSource(f"sqlite:///{directory}/decisions.db")
    assert checked(log).problems == []
    replayed(log, engine)


@pytest.fixture
def pull(here: Path, capsys: Capture) -> PullRequest:
    """A pull request that takes the audit away, against a base without a configuration."""
    request = PullRequest(here, capsys)
    request.system()
    request.branch()
    (request.credit / "evidence" / "audit.yaml").unlink()
    return request
