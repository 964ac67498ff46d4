# SPDX-License-Identifier: Apache-2.0
"""The processes of a server have no file descriptors or no memory left: nothing is promoted, and later all is well."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from faults.scene import Scene, eventually

pytestmark = pytest.mark.server


@contextmanager
def _starved(scene: Scene, worker: int, kind: int, most: int) -> Iterator[None]:
    """A process may have no more of a resource."""
    soft, hard = resource.prlimit(worker, kind)
    resource.prlimit(worker, kind, (most, hard))
    try:
        yield
    finally:
        # It may have ended for lack of it; the supervisor starts another one.
        with suppress(ProcessLookupError):
            resource.prlimit(worker, kind, (soft, hard))
        eventually(lambda: len(scene.workers()) == 2, "two processes again")


def _files(worker: int) -> tuple[int, int]:
    # What is open stays open.
    del worker
    return resource.RLIMIT_NOFILE, 3


def _memory(worker: int) -> tuple[int, int]:
    pages = int(Path(f"/proc/{worker}/statm").read_text().split()[0])
    return resource.RLIMIT_AS, pages * resource.getpagesize()


@pytest.mark.parametrize("lack", [_files, _memory])
def test_a_process_that_lacks(scene: Scene, lack: Callable[[int], tuple[int, int]]) -> None:
    version = scene.good()
    asking = scene.asking(version, later=True)
    worker = asking.worker()
    with _starved(scene, worker, *lack(worker)):
        asking.ask()
        answer = asking.answer()
    if lack is _files:
        assert answer.status != 200, "its files cannot have been read"
    # Memory that was given back before may be enough.
    assert bool(scene.registry.aliases(version.name)) == (answer.status == 200)
    assert [scene.promoted(version).status for _ in range(4)] == [200] * 4
