# SPDX-License-Identifier: Apache-2.0
"""Prints pages and tables on a terminal. Whatever comes from data is made visible first."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from qaqpa.cli.common import add_config, add_language, print_trimmed
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.report.section import Line, Section

_INDENT = 2


def add_arguments_of_pages(parser: argparse.ArgumentParser, name: str, help_text: str) -> None:
    """Declares the arguments of a command that lists things, or shows one of them on a page."""
    parser.add_argument(name, nargs="?", metavar=name.upper(), help=f"{help_text}; without it, all are listed")
    add_language(parser)
    add_config(parser)


def expect_known(what: str, name: str | None, known: Iterable[str]) -> None:
    """Refuses a name that does not exist; None names nothing.

    Raises:
        UsageError: there is no such thing.
    """
    names = sorted(known)
    if name is not None and name not in names:
        raise UsageError(f"There is no {what} {name!r}", required=f"one of {', '.join(names)}")


def print_title(out: Console, name: str, title: str = "") -> None:
    """Prints what a page is about."""
    out.print(Text.assemble((safe(name), "bold"), f"  {safe(title)}" if title else ""))


def print_sections(out: Console, sections: Iterable[Section]) -> None:
    """Prints the sections of a page, each after an empty line."""
    for part in sections:
        out.print()
        out.print(Text(safe(part.title), style="bold"))
        for line in part.lines:
            _print_line(out, line)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table without lines; its last column takes what room there is."""
    found = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number, header in enumerate(headers):
        found.add_column(safe(header), overflow="fold", no_wrap=number == 0)
    for row in rows:
        found.add_row(*(Text("\n".join(safe(part) for part in cell.split("\n"))) for cell in row))
    return found


def safe(text: str) -> str:
    """A text on one line, all of it, in which nothing is hidden."""
    plain = " ".join(text.split())
    return visible(plain, len(plain))


def _print_line(out: Console, line: Line) -> None:
    head = Text.assemble((safe(line.name), "bold") if line.text and line.below else safe(line.name))
    if line.name and line.text:
        head.append(": ")
    print_trimmed(out, _indented(head.append(safe(line.text)), 1))
    for below in filter(None, line.below):
        print_trimmed(out, _indented(Text(safe(below), style="dim"), 2))


def _indented(text: Text, steps: int) -> Padding:
    return Padding(text, (0, 0, 0, _INDENT * steps), expand=False)
