# SPDX-License-Identifier: Apache-2.0
"""`qaqpa law`: the acts that controls rest on, or the provisions of one, as far as we know them."""

from __future__ import annotations

import argparse

from qaqpa.cli.common import console, open_texts, print_trimmed
from qaqpa.cli.pages import add_arguments_of_pages, expect_known, print_sections, print_title, table
from qaqpa.report.pages import act_page
from qaqpa.report.provisions import act_name, in_force
from qaqpa.report.texts import Texts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add_arguments_of_pages(parser, "act", "an act such as kz-ai")


def run(args: argparse.Namespace) -> int:
    """Prints the list, or an act's page.

    Raises:
        UsageError: there is no such act.
    """
    texts, out = open_texts(args), console()
    acts = texts.catalog.law
    expect_known("act", args.act, acts)
    if args.act is None:
        codes = ("law.act", "law.jurisdiction", "law.in_force", "law.provisions")
        print_trimmed(
            out, table(("ID", *(texts.say(code) for code in codes)), (_row(act, texts) for act in sorted(acts)))
        )
    else:
        print_title(out, args.act, act_name(args.act, texts))
        print_sections(out, act_page(args.act, texts))
    return 0


def _row(act: str, texts: Texts) -> tuple[str, ...]:
    content = texts.catalog.law[act]
    provisions = str(len(content.get("provisions", {})))
    return act, act_name(act, texts), str(content.get("jurisdiction", "")), in_force(act, texts), provisions
