# SPDX-License-Identifier: Apache-2.0
"""Which process of a server this is, and how many there should be: each worker judges and reloads by itself."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from typing import Any

COUNT = "QAQPA_WORKERS"
"""The variable in which the process that starts the workers leaves how many it starts. It only informs."""

MLFLOWS_OWN = "4"
"""How many workers MLflow starts where nobody says."""

_MOST = 10_000
_MACHINE = hashlib.sha256(platform.node().encode("utf-8", "replace")).hexdigest()[:6]
_OTHER_COUNT = re.compile(r"(^|\s)(-w|--workers|--reload)")


def this_worker() -> str:
    """The number of this process, and a mark of its machine or container, where numbers repeat."""
    return f"{os.getpid()}@{_MACHINE}"


def server_command() -> Any:
    """The running command `mlflow server`, as click has it; None in any other process."""
    import click  # noqa: PLC0415 - MLflow brings it

    context = click.get_current_context(silent=True)
    return context if context and context.command.name == "server" else None


def note_count() -> None:
    """Remembers for the workers that this process will start how many they are, where its command says so."""
    command = server_command()
    if command is None:
        return
    os.environ.pop(COUNT, None)
    given = command.params
    more = f"{given.get('gunicorn_opts') or ''} {given.get('uvicorn_opts') or ''}"
    if not _OTHER_COUNT.search(more):
        os.environ[COUNT] = str(given.get("workers") or MLFLOWS_OWN)


def expected_workers() -> int | None:
    """How many workers this server was started with; None where nobody can tell."""
    found = os.environ.get(COUNT, "")
    return int(found) if found.isascii() and found.isdecimal() and 0 < int(found) <= _MOST else None
