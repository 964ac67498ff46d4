# SPDX-License-Identifier: Apache-2.0
"""What has to hold whatever fails, looked at from outside: in the tables and in the files, with none of our own code.

No version is in production, by alias or by stage, unless a decision let it through: for exactly the bytes that lie
there now, that stage and that call. No row of the log goes away or changes. The registry is read before the log, so a
promotion whose decision is written only after it is found too.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

OBSERVER = "observer"
"""The name under which PostgreSQL knows connections of tests."""

_PAUSE_SECONDS = 0.1
_BYTES = "coalesce(nullif(v.storage_location, ''), v.source)"
_ALIASES = f"""
    SELECT a.name, a.alias, a.version, {_BYTES} FROM registered_model_aliases a LEFT JOIN model_versions v
    ON v.workspace = a.workspace AND v.name = a.name AND v.version = a.version
"""
_STAGES = f"SELECT v.name, v.current_stage, v.version, {_BYTES} FROM model_versions v"
_ROWS = "SELECT seq, prev, head, body FROM qaqpa_log WHERE seq > :after ORDER BY seq"
_COUNT = "SELECT count(*), max(seq) FROM qaqpa_log"
_LAST = "SELECT head FROM qaqpa_log WHERE seq = :seq"
_CONTENT = "SELECT body FROM qaqpa_log_content WHERE commitment = :name"


@dataclass(frozen=True)
class Served:
    """A version in production: `what` is `alias production of NAME` or `stage Production of NAME`."""

    name: str
    what: str
    version: str
    location: str | None

    @property
    def action(self) -> str:
        """The call that brings it there, as the log names it."""
        return f"{self.what} version {self.version}"


@dataclass
class Kept:
    """A decision as the log has it; `outcome` and `ended`, the number of its row, are None where there is none."""

    seq: int
    fields: Mapping[str, Any]
    action: str
    outcome: str | None = None
    ended: int | None = None
    is_overridden: bool = False

    @property
    def let_through(self) -> bool:
        fields = self.fields
        return fields["verdict"] == "allow" or fields["mode"] == "observe" or self.is_overridden


@dataclass
class Invariant:
    """Looks at one registry and its log.

    Args:
        registry: its database.
        log: that of the decision log.
        files: from a version's location to the directory of its files.
        aliases: those that are gated.
        stages: those that are gated.
    """

    registry: str
    log: str
    files: Callable[[str], Path]
    aliases: Sequence[str] = ("production", "champion")
    stages: Sequence[str] = ("Production",)
    decisions: dict[int, Kept] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    looked: int = 0
    _last: int = 0
    _head: bytes = bytes(32)

    def __post_init__(self) -> None:
        self._engines = {url: observing(url) for url in (self.registry, self.log)}

    def look(self) -> list[str]:
        """Looks once, and returns all problems found until now.

        Raises:
            SQLAlchemyError: a database does not answer now.
        """
        served = self.served()
        self._read_log()
        found = [problem for one in served if (problem := self._unjustified(one))]
        found += _crowded(served)
        self.problems += [problem for problem in found if problem not in self.problems]
        self.looked += 1
        return self.problems

    def served(self) -> list[Served]:
        """What is in production now."""
        with self._engines[self.registry].connect() as connection:
            aliases = connection.execute(text(_ALIASES)).all()
            stages = connection.execute(text(_STAGES)).all()
        found = [
            Served(name, f"alias {alias} of {name}", str(version), where)
            for name, alias, version, where in aliases
            if alias in self.aliases
        ]
        found += [
            Served(name, f"stage {stage} of {name}", str(version), where)
            for name, stage, version, where in stages
            if stage in self.stages
        ]
        return found

    def of(self, action: str) -> list[Kept]:
        """The decisions on one call, oldest first."""
        return [kept for kept in self.decisions.values() if kept.action == action]

    def _unjustified(self, served: Served) -> str | None:
        digest = digest_of(self.files(served.location)) if served.location else None
        for kept in self.of(served.action):
            fields = kept.fields
            same = (fields["model"], fields["version"], fields["digest"]) == (served.name, served.version, digest)
            if same and fields["stage"] == "production" and kept.let_through and kept.outcome != "failed":
                return None
        return f"{served.action} stands, and nothing let {digest} through"

    def _read_log(self) -> None:
        with self._engines[self.log].connect() as connection:
            count, newest = connection.execute(text(_COUNT)).one()
            if count != (newest or 0) or count < self._last:
                self.problems.append(f"rows of the log are missing: {count} are there, up to {newest}")
            if self._last and _head(connection, self._last) != self._head:
                self.problems.append(f"row {self._last} of the log was changed")
            for seq, prev, head, body in connection.execute(text(_ROWS), {"after": self._last}).all():
                if seq != self._last + 1 or bytes(prev) != self._head or _link(bytes(prev), bytes(body)) != bytes(head):
                    self.problems.append(f"row {seq} of the log does not follow the row before it")
                self._last, self._head = seq, bytes(head)
                self._take(connection, json.loads(base64.b64decode(json.loads(bytes(body))["payload"])))

    def _take(self, connection: Any, entry: Mapping[str, Any]) -> None:
        if entry["kind"] == "decision":
            body = connection.execute(text(_CONTENT), {"name": entry["content"]["about"]}).scalar()
            about = json.loads(zlib.decompress(bytes(body)))
            self.decisions[entry["seq"]] = Kept(entry["seq"], entry, about["action"])
        elif entry["kind"] == "override":
            for kept in self.decisions.values():
                kept.is_overridden |= kept.fields.get("override") == entry["sha256"]
        elif entry["kind"] == "outcome":
            kept = self.decisions.get(entry["of"])
            if kept is None or kept.outcome is not None:
                self.problems.append(f"outcome {entry['seq']} is of no decision, or of one that has an outcome already")
                return
            kept.outcome, kept.ended = entry["result"], entry["seq"]


def observing(url: str) -> sqlalchemy.Engine:
    """Opens a database under a name of one's own, so that cutting off a server does not cut off who looks at it."""
    named = {} if url.startswith("sqlite") else {"application_name": OBSERVER}
    return sqlalchemy.create_engine(url, connect_args=named)


def digest_of(directory: Path) -> str:
    """The model digest of a directory, computed by itself: this is not the code that is tested."""
    lines = []
    for path in sorted(directory.rglob("*"), key=lambda path: str(path.relative_to(directory)).encode()):
        if path.is_file() and not path.is_symlink():
            found = hashlib.sha256(path.read_bytes()).hexdigest()
            lines.append(f"{found}  {path.relative_to(directory)}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@contextmanager
def watched(invariant: Invariant) -> Iterator[None]:
    """Looks all the time, while a database answers, and once more at the end."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_PAUSE_SECONDS):
            # It may be cut off, locked or moved away just now; the next look sees what became of it.
            with suppress(SQLAlchemyError):
                invariant.look()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert invariant.look() == []


def _head(connection: Any, seq: int) -> bytes | None:
    found = connection.execute(text(_LAST), {"seq": seq}).scalar()
    return None if found is None else bytes(found)


def _link(prev: bytes, body: bytes) -> bytes:
    return hashlib.sha256(b"\x02" + prev + hashlib.sha256(b"\x00" + body).digest()).digest()


def _crowded(served: Sequence[Served]) -> list[str]:
    """Two versions of one model in a gated stage: taking one out would put the other into production."""
    there = defaultdict(set)
    for one in served:
        there[one.what].add(one.version)
    return [f"{what}: versions {', '.join(sorted(found))} at once" for what, found in there.items() if len(found) > 1]
