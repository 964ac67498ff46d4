# SPDX-License-Identifier: Apache-2.0
"""Serves what the processes of a server counted, on an address of its own, from the process that started them.

It is an address of its own because MLflow's one slot for an application belongs to the login.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from qaqpa.mlflow.denial import log
from qaqpa.mlflow.metrics import DIRECTORY

_PREFIX = "qaqpa-metrics-"
_LIVE = re.compile(r"gauge_live[a-z]*_(\d+)\.db", re.ASCII)
_served: list[Any] = []


def serve(listen: str) -> None:
    """Makes the directory into which the processes count, and serves it.

    An address that is taken is logged: the gate does its work without it.

    Args:
        listen: host and port.
    """
    if _served:
        return
    if not os.environ.get(DIRECTORY):
        os.environ[DIRECTORY] = _new_directory()
    from prometheus_client import start_http_server  # noqa: PLC0415 - it looks for the variable when it is imported
    from prometheus_client.registry import CollectorRegistry  # noqa: PLC0415

    registry = CollectorRegistry()
    registry.register(_Added(os.environ[DIRECTORY]))
    host, _, port = listen.rpartition(":")
    try:
        _served.append(start_http_server(int(port), host.strip("[]"), registry))
    except OSError as error:
        log.error("qaqpa: metrics are not served at %s: %s", listen, error.strerror)
        return
    log.info("qaqpa: metrics are served at http://%s/metrics", listen)


class _Added:
    """Adds up what all processes counted, without the gauges of those that have ended."""

    def __init__(self, directory: str) -> None:
        from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415 - as above

        self._directory = Path(directory)
        self._merge: Callable[..., Iterable[Any]] = MultiProcessCollector.merge

    def collect(self) -> Iterable[Any]:
        """All metrics of this moment; the library calls it for each answer."""
        for file in self._directory.glob("gauge_live*.db"):
            found = _LIVE.fullmatch(file.name)
            if found and not _lives(int(found[1])):
                file.unlink(missing_ok=True)
        files = [str(file) for file in self._directory.glob("*.db") if _is_begun(file)]
        # Other parts of the server count into the same directory.
        return [metric for metric in self._merge(files, accumulate=True) if metric.name.startswith("qaqpa_")]


def _is_begun(file: Path) -> bool:
    """False for a file that is being made, or was when its process was killed: the library cannot read it."""
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


def _new_directory() -> str:
    """A new directory, after those of servers that have ended were deleted."""
    for path in _left_behind(Path(tempfile.gettempdir())):
        shutil.rmtree(path, ignore_errors=True)
    made = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")
    atexit.register(_forget, made, os.getpid())
    return made


def _forget(directory: str, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(directory, ignore_errors=True)


def _left_behind(directory: Path) -> Iterator[Path]:
    for path in directory.glob(f"{_PREFIX}*"):
        number = path.name.removeprefix(_PREFIX).partition("-")[0]
        if number.isdecimal() and not _lives(int(number)) and path.lstat().st_uid == os.getuid():
            yield path


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
