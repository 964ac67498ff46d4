# SPDX-License-Identifier: Apache-2.0
"""Shows how far a long hashing is: a bar on a terminal, above 1 GiB."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from qaqpa.cli.common import waiting
from qaqpa.escape import visible
from qaqpa.evidence.digest import Progress as Callback

SHOWN_FROM_BYTES = 1 << 30
"""Less is hashed in a second or two."""

_SHOWN_CHARACTERS = 30


@contextmanager
def hashing(what: str) -> Iterator[Callback]:
    """Says on standard error that something is hashed, once it takes long; with a bar where somebody can see it move.

    Args:
        what: the model, as it was named.
    """
    with ExitStack() as said, ExitStack() as shown:
        said.enter_context(waiting(f"hashing {what}"))
        bar: list[Progress] = []

        def callback(done: int, total: int) -> None:
            if total < SHOWN_FROM_BYTES or not sys.stderr.isatty():
                return
            if not bar:
                said.close()
                bar.append(shown.enter_context(_bar()))
                bar[0].add_task(f"hashing {visible(what, _SHOWN_CHARACTERS)}", total=total)
            bar[0].update(bar[0].task_ids[0], completed=done)

        yield callback


def _bar() -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
