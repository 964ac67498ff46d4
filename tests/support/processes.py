# SPDX-License-Identifier: Apache-2.0
"""Processes of a server, as Linux shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path


def spawned_below(pid: int) -> list[int]:
    """The processes that a server's supervisor spawned to answer requests."""
    return sorted(found for found in below(pid) if b"spawn_main" in _read(found, "cmdline"))


def holder_of(port: int, pids: Iterable[int]) -> int | None:
    """Which of some processes has accepted the connection from a port of this machine; None while nobody has."""
    sockets = {f"socket:[{inode}]" for inode in _accepted_from(port)}
    for pid in pids:
        with suppress(OSError):
            if any(_link(entry) in sockets for entry in Path(f"/proc/{pid}/fd").iterdir()):
                return pid
    return None


def parent(pid: int) -> int:
    """The process that started another."""
    return int(_read(pid, "stat").rpartition(b")")[2].split()[1])


def below(pid: int) -> Iterator[int]:
    """The processes that a process started, and those that they did."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, _read(pid, f"task/{task.name}/children").split()):
            yield child
            with suppress(OSError):
                yield from below(child)


def _read(pid: int, name: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""


def _link(path: Path) -> str:
    with suppress(OSError):
        return str(path.readlink())
    return ""


def _accepted_from(port: int) -> Iterator[str]:
    """The inodes of connections whose other end has this port."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[2].rpartition(":")[2], 16) == port:
            yield fields[9]
