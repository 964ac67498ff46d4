# SPDX-License-Identifier: Apache-2.0
"""What the demo says, and whether each step gave what it should."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from qaqpa.escape import visible

_INDENT = "    "
_ROW_INDENT = 6
_LABEL = 28
_END = 8
_NARROWEST, _WIDEST = 20, 64
_MAX_MESSAGE = 8000


class Talk:
    """Prints the story, and keeps what differed from it."""

    def __init__(self, out: Console) -> None:
        """Takes the console to print to."""
        self.out = out
        self.differed: list[str] = []
        self._steps = 0

    def step(self, title: str) -> None:
        """Starts a numbered step."""
        self._steps += 1
        self.out.print()
        self.out.print(Text(f"{self._steps}. {title}", style="bold"))

    def say(self, text: str, style: str = "") -> None:
        """Prints a paragraph."""
        self.out.print(Text(text, style=style))

    def code(self, *lines: str) -> None:
        """Prints what a client types."""
        for line in lines:
            self._unwrapped(f">>> {line}", "cyan")

    def shell(self, line: str) -> None:
        """Prints what somebody types into a shell, on one line, so that it can be copied."""
        self._unwrapped(f"$ {line}", "cyan")

    def answer(self, status: int, message: str) -> None:
        """Prints what the server answered."""
        style = "green" if status < 400 else "red"  # noqa: PLR2004 - HTTP: from 400 on it is an error
        text = Text(f"HTTP {status}  {visible(message, _MAX_MESSAGE)}", style=style)
        self.out.print(Padding(text, (0, 0, 0, len(_INDENT)), expand=False))

    def row(self, label: str, text: str, end: str = "", style: str = "") -> None:
        """Prints one line of a table: a label, a text that is wrapped beside it, and something short at its end."""
        room = self.out.width - _ROW_INDENT - _LABEL - _END - 3
        if room < _NARROWEST:
            self._unwrapped(f"{label}  {text}  {end}".rstrip(), style)
            return
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=_LABEL)
        table.add_column(width=min(room, _WIDEST))
        table.add_column(width=_END, justify="right")
        table.add_row(*(Text(cell, style=style) for cell in (label, text, end)))
        self.out.print(Padding(table, (0, 0, 0, _ROW_INDENT), expand=False))

    def output(self, text: str) -> None:
        """Prints what a program answered."""
        self._unwrapped(visible(text))

    def expect(self, expectation: str, *, holds: bool, found: object = "") -> None:
        """Notes where a step did not give what it should."""
        if not holds:
            difference = f"{expectation}; found: {visible(found, _MAX_MESSAGE)}"
            self.differed.append(difference)
            self.say(f"NOT AS EXPECTED: {difference}", "bold red")

    @contextmanager
    def busy(self, doing: str) -> Iterator[None]:
        """Says what takes a while; a terminal shows that it goes on."""
        self.say(f"… {doing}", "dim")
        with self.out.status(Text(doing)):
            yield

    def _unwrapped(self, text: str, style: str = "") -> None:
        self.out.print(Text(f"{_INDENT}{text}", style=style), soft_wrap=True)
