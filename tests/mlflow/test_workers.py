# SPDX-License-Identifier: Apache-2.0
"""Servers of several workers, by uvicorn and gunicorn: one chain of decisions, one sum of counts, one configuration."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from qaqpa.cli.main import main
from qaqpa.config import LogSource
from qaqpa.evidence.keys import new_key, write_key
from qaqpa.mlflow.sources import SETTLE_SECONDS
from qaqpa.record.log.chain import peek
from qaqpa.record.log.database import Database
from qaqpa.record.log.reading import rows
from support.logs import checked
from support.registry import Registry
from support.servers import HOST, free_port, mlflow_server

pytestmark = pytest.mark.server

WORKERS = 2
CONFIGURATION = """\
version: 1
gates:
  - {{stage: production, profiles: [article-baseline], aliases: [production]}}
logging: json
metrics: {{listen: "{host}:{port}"}}
limits: {{refusals_per_minute: 1000}}
log: {{key: gate.key}}
"""


class Served:
    """A server of several workers, its log, and its metrics."""

    def __init__(self, registry: Registry, log: LogSource, port: int) -> None:
        self.registry, self.log, self.port = registry, log, port

    def metrics(self) -> dict[str, float]:
        text = requests.get(f"http://{HOST}:{self.port}/metrics", timeout=10).text
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    def rows(self, *kinds: str) -> list[Any]:
        with Database(self.log).reading() as connection:
            entries = [peek(row.body) for row in rows(connection)]
        return [entry.fields for entry in entries if entry.kind in kinds]

    def until_all(self, done: Callable[[], bool]) -> int:
        """Asks for promotions, eight at a time on connections of their own, until that is so; how many it took."""
        for number in range(20):
            with ThreadPoolExecutor(8) as pool:
                asked = pool.map(lambda _: self.canary().status_code, range(8))
            assert set(asked) == {403}
            if done():
                return 8 * (number + 1)
        raise AssertionError(self.registry.server.output()[-3000:])

    def canary(self) -> requests.Response:
        body = {"name": "qaqpa-canary-1", "alias": "production", "version": "1"}
        return self.registry.post("registered-models/alias", body)


@pytest.fixture(scope="module", params=["uvicorn with workspaces", "gunicorn"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory, port = tmp_path_factory.mktemp("workers"), free_port()
    database, log = f"sqlite:///{directory}/mlflow.db", f"sqlite:///{directory}/decisions.db"
    write_key(directory / "gate.key", new_key("p256"), None, "gate")
    more = ["--workers", str(WORKERS)]
    if request.param == "gunicorn":
        more += ["--gunicorn-opts", "--threads 4 --no-control-socket"]
    else:
        more += ["--enable-workspaces", "--workspace-store-uri", f"qaqpa+{database}"]
    configuration = CONFIGURATION.format(host=HOST, port=port)
    with mlflow_server(directory, database, configuration, more=more) as server:
        yield Served(Registry(server, directory), LogSource(log, directory / "gate.key"), port)


def test_several_workers_are_one_gate(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    registry = served.registry
    bare, sound = registry.registered(), registry.registered(evidence=True)
    assert registry.set_alias(bare, "production").status_code == 403
    assert registry.set_alias(sound, "production").status_code == 200
    served.until_all(lambda: len(served.rows("start")) == 1 + WORKERS)
    _one_chain_and_one_sum(served)
    _all_reload(served)
    assert registry.client.get_registered_model(sound.name).aliases == {"production": sound.number}
    assert main(["doctor", "--server", registry.server.url]) == 0
    out = capsys.readouterr().out
    assert "The gate refuses" in out
    assert f"{WORKERS} workers of {WORKERS} answered: " in out
    _lines_are_objects(served)


def _one_chain_and_one_sum(served: Served) -> None:
    """All rows form one chain, and what all workers counted is what stands in it."""
    assert checked(served.log).problems == []
    decisions = served.rows("decision")
    assert len({row["start"] for row in decisions}) == WORKERS
    found = served.metrics()
    for verdict in ("allow", "deny"):
        counted = found[f'qaqpa_decisions_total{{mode="enforce",stage="production",verdict="{verdict}"}}']
        assert counted == sum(row["verdict"] == verdict for row in decisions)
    assert found['qaqpa_log_append_seconds_count{row="decision"}'] == len(decisions)
    assert found['qaqpa_decision_seconds_count{stage="production"}'] == len(decisions)
    assert _in_force(found, served.rows("start")[0]["configuration"]) == WORKERS


def _all_reload(served: Served) -> None:
    """Each worker takes the new configuration up at its next promotion, and a broken one nowhere."""
    file = served.registry.directory / "qaqpa.yaml"
    before = file.read_text()
    _replace(file, before.replace("article-baseline", "article-baseline, kz"))
    served.until_all(lambda: len(served.rows("reload")) == WORKERS)
    reloads = served.rows("reload")
    assert reloads[0]["changed"] == ["gates"]
    assert len({row["configuration"] for row in reloads}) == 1
    assert _in_force(served.metrics(), reloads[0]["configuration"]) == WORKERS
    _replace(file, "version: 9\n")
    served.until_all(lambda: served.metrics().get('qaqpa_reloads_total{result="failed"}', 0) >= WORKERS)
    says = served.canary().json()["qaqpa"]["server"]
    assert (says["configuration"], says["reload_failed"]) == (reloads[0]["configuration"], True)
    _replace(file, before)
    served.until_all(lambda: len(served.rows("reload")) == 2 * WORKERS)


def _replace(file: Path, text: str) -> None:
    """By a file that was finished long enough ago."""
    finished = file.with_name("finished.yaml")
    finished.write_text(text)
    long_ago = finished.stat().st_mtime - 2 * SETTLE_SECONDS
    os.utime(finished, (long_ago, long_ago))
    finished.replace(file)


def _in_force(found: dict[str, float], configuration: str) -> float:
    return sum(
        value for name, value in found.items() if name.startswith("qaqpa_in_force{") and f'"{configuration}"' in name
    )


def _lines_are_objects(served: Served) -> None:
    """Of the gate's own lines each is one, in the processes of every kind of server."""
    lines = served.registry.server.output().splitlines()
    ours = [json.loads(line) for line in lines if line.startswith("{")]
    decided = [line for line in ours if line["event"] == "decision"]
    assert [line["decision"] for line in decided if line["verdict"] == "allow"]
    assert len(decided) == len(served.rows("decision"))
    assert {line["event"] for line in ours} >= {"decision", "reload", "reload_failed"}
    assert len({line["worker"] for line in ours if line["event"] == "reload_failed"}) == WORKERS
    assert not [line for line in lines if "qaqpa: " in line and not line.startswith("{")]
