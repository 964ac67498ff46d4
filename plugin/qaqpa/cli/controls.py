# SPDX-License-Identifier: Apache-2.0
"""`qaqpa controls`: every control by family, and which profiles ask for it on which basis."""

from __future__ import annotations

import argparse

from rich.padding import Padding
from rich.text import Text

from qaqpa.cli.common import add_config, add_language, console, open_texts
from qaqpa.cli.pages import expect_known
from qaqpa.escape import visible
from qaqpa.report.texts import Texts
from qaqpa.report.weights import asking, brief


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("--profile", metavar="ID", help="only the controls that this profile asks for")
    add_language(parser)
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the list.

    Raises:
        UsageError: there is no such profile.
    """
    texts, out = open_texts(args), console()
    expect_known("profile", args.profile, texts.catalog.profiles)
    for number, (family, names) in enumerate(_families(args.profile, texts).items()):
        out.print(Text(f"{chr(10) if number else ''}{visible(texts.family(family))}", style="bold"))
        for name in names:
            out.print(Padding(Text.assemble((name, "bold"), f"  {visible(texts.title(name))}"), (0, 0, 0, 2)))
            said = [
                f"{profile}: {how}" for profile, how in brief(name, texts).items() if args.profile in {None, profile}
            ]
            out.print(Padding(Text(" · ".join(said), style="dim"), (0, 0, 0, 10)))
    return 0


def _families(only: str | None, texts: Texts) -> dict[str, list[str]]:
    """The controls by family, of one profile where one is named."""
    found: dict[str, list[str]] = {}
    for control, card in sorted(texts.catalog.controls.items()):
        if only is None or only in asking(control, texts):
            found.setdefault(card["family"], []).append(control)
    return found
