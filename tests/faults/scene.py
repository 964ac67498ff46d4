# SPDX-License-Identifier: Apache-2.0
"""A server with several processes, and hands that reach behind it: its processes, its databases, their locks."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy
from sqlalchemy import text

from qaqpa import policy
from qaqpa.config import LogSource
from qaqpa.evidence.keys import new_key, write_key
from qaqpa.record.log.database import Database
from support.invariant import OBSERVER, Invariant, observing
from support.pairs import tagged
from support.processes import holder_of, spawned_below
from support.reconciled import Answer
from support.registry import Registry, Version

PATIENCE_SECONDS = 60.0
COMPILED = Path(policy.__file__).parent / "compiled"
"""The policies that are shipped."""

_CONFIGURATION = """\
version: 1
gates:
  - {stage: production, profiles: [gdpr], aliases: [production, champion], mlflow_stages: [Production]}
policy: policies
log: {key: KEY}
"""


def configuration(directory: Path, key: Path | None = None) -> tuple[str, Path]:
    """A configuration with policies of its own in a directory, and the key that signs the log: a new one by default."""
    if key is None:
        key = directory / "gate.key"
        write_key(key, new_key("p256"), None, "gate")
    shutil.copytree(COMPILED, directory / "policies")
    return _CONFIGURATION.replace("KEY", str(key)), key


def eventually(found: Callable[[], Any], what: str) -> Any:
    """What is found, as soon as it is something."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not (value := found()):
        assert time.monotonic() < until, f"{what} did not happen"
        time.sleep(0.02)
    return value


@dataclass
class Scene:
    """A registry, the log of its gate, and what both are made of.

    `full` is a small file system of its own in which the log lies, where there is one.
    """

    registry: Registry
    source: LogSource
    full: Path | None = None
    answers: list[Answer] = field(default_factory=list)

    @cached_property
    def invariant(self) -> Invariant:
        return Invariant(self.registry.server.database, self.source.url, self.files)

    @property
    def is_file(self) -> bool:
        """True where both databases are files of SQLite."""
        return self.source.is_file

    def files(self, location: str) -> Path:
        return self.registry.directory / "artifacts" / location.removeprefix("mlflow-artifacts:/")

    def good(self) -> Version:
        """A version that the gate allows."""
        return self.registry.registered(tagged=tagged)

    def another(self, version: Version, *, good: bool = True) -> Version:
        """Another version of its model, allowed or without any evidence about its bytes."""
        return self.registry.added(version.name, tagged=tagged if good else None)

    def workers(self) -> list[int]:
        """The processes that answer requests."""
        return spawned_below(self.registry.server.process.pid)

    @cached_property
    def behind(self) -> sqlalchemy.Engine:
        """The registry's database, without the server."""
        return observing(self.registry.server.database)

    @contextmanager
    def registry_held(self, name: str) -> Iterator[Any]:
        """Keeps everybody from writing to a registered model; yields the connection that does it."""
        with self.behind.connect() as connection:
            if self.is_file:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                query = text("SELECT 1 FROM registered_models WHERE name = :name FOR UPDATE")
                connection.execute(query, {"name": name})
            try:
                yield connection
            finally:
                with suppress(sqlalchemy.exc.SQLAlchemyError):
                    connection.rollback()

    @contextmanager
    def log_held(self) -> Iterator[None]:
        """Keeps everybody from writing to the log."""
        with Database(replace(self.source, timeout_seconds=20)).writing():
            yield

    def backends(self, *, log: bool) -> list[int]:
        """The processes of PostgreSQL that serve the server's connections to its log, or to its registry."""
        query = text(
            "SELECT pid FROM pg_stat_activity WHERE datname = :base AND application_name != :observer "
            "AND (application_name = 'qaqpa decision log') = :log"
        )
        base = (self.source.url if log else self.registry.server.database).rpartition("/")[2]
        with self.behind.connect() as connection:
            return list(connection.execute(query, {"base": base, "log": log, "observer": OBSERVER}).scalars())

    def waiting_for_log(self) -> list[int]:
        """The processes of PostgreSQL that wait for the log's lock."""
        query = text("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        with self.behind.connect() as connection:
            return list(connection.execute(query).scalars())

    def asking(self, version: Version, stage: str = "", alias: str = "production", *, later: bool = False) -> Asking:
        """Asks for a promotion, in a thread and on a connection of its own; only connects where it is to ask later."""
        found = Asking(self, version, stage, alias)
        if not later:
            found.ask()
        return found

    def promoted(self, version: Version, stage: str = "", alias: str = "production") -> Answer:
        """Asks, and waits for the answer."""
        return self.asking(version, stage, alias).answer()

    def outcome(self, action: str) -> list[tuple[str, str | None]]:
        """Verdict and outcome of each decision on a call, oldest first."""
        assert self.invariant.look() == []
        return [(str(kept.fields["verdict"]), kept.outcome) for kept in self.invariant.of(action)]


class Asking:
    """A promotion that somebody waits for."""

    def __init__(self, scene: Scene, version: Version, stage: str, alias: str) -> None:
        self._scene = scene
        address = urlsplit(scene.registry.server.url)
        self._connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=PATIENCE_SECONDS)
        self._connection.connect()
        if stage:
            path, what = "model-versions/transition-stage", f"stage {stage}"
            more = {"stage": stage, "archive_existing_versions": True}
        else:
            path, what, more = "registered-models/alias", f"alias {alias}", {"alias": alias}
        self.action = f"{what} of {version.name} version {version.number}"
        self._request = path, {"name": version.name, "version": version.number, **more}
        self._answer: Answer | None = None
        self._thread = threading.Thread(target=self._ask)

    def ask(self) -> None:
        """Sends the request."""
        self._thread.start()

    def _ask(self) -> None:
        path, body = self._request
        try:
            self._connection.request(
                "POST", f"/api/2.0/mlflow/{path}", json.dumps(body), {"Content-Type": "application/json"}
            )
            found = self._connection.getresponse()
            content = found.read()
        except (OSError, http.client.HTTPException):
            self._answer = Answer(self.action, None)
        else:
            told = json.loads(content).get("qaqpa") if found.status == 403 else None
            self._answer = Answer(self.action, found.status, told)
        finally:
            self._connection.close()

    def answer(self) -> Answer:
        """What came back."""
        self._thread.join()
        assert self._answer
        self._scene.answers.append(self._answer)
        return self._answer

    @property
    def is_answered(self) -> bool:
        return not self._thread.is_alive()

    def worker(self) -> int:
        """The process that answers."""
        assert self._connection.sock
        own = self._connection.sock.getsockname()[1]
        return int(eventually(lambda: holder_of(own, self._scene.workers()), "that a worker takes the request"))

    def until_decided(self) -> None:
        """Waits until the log has the decision."""
        before = sum(answer.action == self.action for answer in self._scene.answers)
        eventually(lambda: len(self._scene.outcome(self.action)) > before, f"a decision on {self.action}")
