# SPDX-License-Identifier: Apache-2.0
"""Two servers on PostgreSQL that differ in the gate only, for measurements side by side."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from qaqpa import times
from qaqpa.evidence.keys import new_key, write_key
from support.clients import moves
from support.contents import every_content
from support.registry import Registry, Tags, Version, carrying
from support.servers import mlflow_server, postgresql

PIECES = 12
"""How many pieces of signed evidence each version carries."""

_READY_SECONDS = 10.0

_PROFILE = "gdpr"
# What the profile needs beside the context, and who trained the model, which a server without a login learns from it.
_KINDS = (
    *("explanation", "legal_basis", "contest", "human_review", "monitoring", "notice", "security", "data_location"),
    *("dpia", "processing_record", "responsibility"),
)
_CONFIGURATION = f"""\
version: 1
gates:
  - {{stage: production, profiles: [{_PROFILE}], aliases: [champion], mlflow_stages: [Production]}}
log: {{key: KEY}}
"""


@dataclass(frozen=True)
class Pair:
    """Registries without and with the gate."""

    raw: Registry
    gated: Registry

    def each(self) -> tuple[Registry, Registry]:
        return self.raw, self.gated


@contextmanager
def pair(directory: Path, workers: int = 1, *, frozen: bool = False) -> Iterator[Pair]:
    """Starts them on one cluster that waits for the disk, each with a database of its own, and one for each log.

    Args:
        directory: holds what the servers write.
        workers: how many processes each server has.
        frozen: whether the gated server freezes artifacts too, as a server in production should.
    """
    with ExitStack() as stack:
        new = stack.enter_context(postgresql(durable=True))

        def started(name: str, prefix: str, *more: str) -> Registry:
            own = directory / name
            own.mkdir()
            key = own / "gate.key"
            write_key(key, new_key("p256"), None, "gate")
            server = mlflow_server(
                own,
                new("psycopg2", name),
                _CONFIGURATION.replace("KEY", str(key)),
                prefix,
                log=new("psycopg2", f"{name}_log"),
                more=["--workers", str(workers), *more],
            )
            return Registry(stack.enter_context(server), own)

        more = ["--artifacts-destination", f"qaqpa+file://{directory}/gated/artifacts"] if frozen else []
        yield Pair(started("raw", ""), started("gated", "qaqpa+", *more))


def registered(registry: Registry) -> Version:
    """The second version of a model. It has the bytes of the first, which carries exactly the evidence that both need.

    So an alias can be moved from one to the other: to set it where it is changes nothing, and costs MLflow next to
    nothing.
    """
    first = registry.registered(tagged=tagged)
    tags = registry.client.get_model_version(first.name, first.number).tags
    assert len(tags) + len(registry.client.get_registered_model(first.name).tags) == PIECES
    made = registry.client.create_model_version(first.name, first.source, first.run_id)
    return replace(first, number=str(made.version))


def numbers(version: Version) -> Iterator[str]:
    """The numbers of the two versions, by turns and for ever."""
    return itertools.cycle(("1", version.number))


def tagged(name: str, digest: str) -> Tags:
    """Exactly as much evidence as the profile needs."""
    every = every_content(times.now())
    return carrying([name], digest, [every[kind] for kind in _KINDS])


def interleaved(calls: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Milliseconds of each call, all of them in each round, so that whatever else the machine does reaches all alike.

    The first sixth of the rounds is left out.
    """
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, found in zip(calls, taken, strict=True):
            started = time.perf_counter()
            call()
            found.append((time.perf_counter() - started) * 1000)
    return [found[rounds // 6 :] for found in taken]


def moves_a_second(registry: Registry, versions: Sequence[Version], seconds: float) -> float:
    """How many alias moves a second clients reach together, each a process of its own with a model of its own."""
    with ProcessPoolExecutor(len(versions), multiprocessing.get_context("spawn")) as pool:
        end = time.monotonic() + _READY_SECONDS + seconds
        moved = [pool.submit(moves, registry.server.url, own.name, ("1", own.number), seconds, end) for own in versions]
        return sum(job.result() for job in moved) / seconds
