# SPDX-License-Identifier: Apache-2.0
"""Asks a server until, as far as one can tell, each of its workers has said what is in force in it.

Workers reload by themselves, and who answers is chance. They are asked several at once, for a worker that is busy
leaves the next question to another one.
"""

from __future__ import annotations

import secrets
import urllib.parse
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from qaqpa.cli.answers import STATE, codes_of, gate_of, trouble_of
from qaqpa.cli.asking import Server
from qaqpa.config import CANARY_NAME
from qaqpa.errors import QaqpaError
from qaqpa.model import JsonObject

READ = "/api/2.0/mlflow/registered-models/get?name="
"""Where a registered model is read."""

_AT_ONCE = 8
_MOST_ROUNDS = 12
_QUIET_ROUNDS = 3
_COMPARED = ("policy", "configuration", "engine", "parties")


@dataclass
class Seen:
    """What each process said, by its name; and how often nobody could be told."""

    says: dict[str, JsonObject] = field(default_factory=dict)
    unanswered: int = 0

    def add(self, says: JsonObject) -> None:
        """Takes what one process says; the newest of each counts."""
        if isinstance(says.get("worker"), str):
            self.says[says["worker"]] = says

    @property
    def expected(self) -> int | None:
        """How many there should be on the machines that answered; None where one of them does not know."""
        machines = {name.rpartition("@")[2]: says.get("workers") for name, says in self.says.items()}
        counts = [count for count in machines.values() if isinstance(count, int)]
        return sum(counts) if machines and len(counts) == len(machines) else None

    @property
    def is_complete(self) -> bool:
        """True where as many answered as were started."""
        return self.expected is not None and len(self.says) >= self.expected

    @property
    def disagreement(self) -> str | None:
        """What is not the same in all of them; None where everything is."""
        different = [name for name in _COMPARED if len({str(says.get(name)) for says in self.says.values()}) > 1]
        if not different:
            return None
        return f"the workers do not agree on {', '.join(different)}"

    def troubles(self) -> Iterator[tuple[str, str]]:
        """The workers that cannot decide by what is configured now, each with what it says."""
        for name, says in sorted(self.says.items()):
            trouble = trouble_of(says)
            if trouble:
                yield name, trouble

    def lines(self) -> Iterator[str]:
        """Who answered, and in what they differ."""
        if not self.says:
            yield "WARNING: one worker answered, and does not say which; the others were not seen"
            return
        names, expected = sorted(self.says), self.expected
        who = f"{', '.join(names[:_MOST_NAMED])}{' …' if len(names) > _MOST_NAMED else ''}"
        if expected is None:
            yield f"{_count(len(names))} answered: {who}; whether there are more cannot be told from here"
        elif len(names) < expected:
            yield f"WARNING: {_count(len(names))} of {expected} answered: {who}; ask again"
        else:
            yield f"{_count(len(names))} of {expected} answered: {who}"
        if self.disagreement:
            for values, count in self._values().most_common(_MOST_NAMED):
                yield f"{_count(count)}: {values}"

    def _values(self) -> Counter[str]:
        return Counter(", ".join(f"{name} {says.get(name)}" for name in _COMPARED) for says in self.says.values())


_MOST_NAMED = 16


def ask_workers(server: Server, first: Mapping[str, object]) -> Seen:
    """Asks until all were seen, or nobody new answers any more.

    Args:
        server: the server.
        first: what the process says that answered already.
    """
    seen, quiet = Seen(), 0
    seen.add(dict(first))
    if not seen.says or seen.is_complete:
        return seen
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in range(_MOST_ROUNDS):
            known = len(seen.says)
            for says in pool.map(lambda _: _state(server), range(_AT_ONCE)):
                if says is None:
                    seen.unanswered += 1
                else:
                    seen.add(says)
            quiet = quiet + 1 if len(seen.says) == known else 0
            wanted = _MOST_ROUNDS if seen.expected is not None else _QUIET_ROUNDS
            if seen.is_complete or quiet >= wanted or seen.unanswered >= _AT_ONCE:
                break
    return seen


def question(alias: str) -> str:
    """The path by which the question is asked by reading; without an alias only for what is in force."""
    name = f"{CANARY_NAME}{secrets.token_hex(8)}@{alias}"
    return f"{READ}{urllib.parse.quote(name, safe='')}"


def _state(server: Server) -> JsonObject | None:
    try:
        gate = gate_of(server.ask(question("")))
    except QaqpaError:
        return None
    says = gate.get("server") if gate and STATE in codes_of(gate) else None
    return says if isinstance(says, dict) else None


def _count(number: int) -> str:
    return f"{number} worker" if number == 1 else f"{number} workers"
