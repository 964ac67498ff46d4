# SPDX-License-Identifier: Apache-2.0
"""`qaqpa profiles`: the named sets of controls, or what one of them asks."""

from __future__ import annotations

import argparse

from qaqpa.cli.common import console, open_texts, print_trimmed
from qaqpa.cli.pages import add_arguments_of_pages, expect_known, print_sections, print_title, table
from qaqpa.report.pages import profile_page
from qaqpa.report.texts import Texts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add_arguments_of_pages(parser, "id", "a profile such as kz")


def run(args: argparse.Namespace) -> int:
    """Prints the list, or a profile's page.

    Raises:
        UsageError: there is no such profile.
    """
    texts, out = open_texts(args), console()
    expect_known("profile", args.id, texts.catalog.profiles)
    if args.id is None:
        headers = ("ID", *(texts.say(key) for key in ("explain.title", "explain.controls", "explain.acts")))
        print_trimmed(out, table(headers, (_row(profile, texts) for profile in sorted(texts.catalog.profiles))))
    else:
        print_title(out, args.id, texts.profile(args.id, "title"))
        print_sections(out, profile_page(args.id, texts))
    return 0


def _row(profile: str, texts: Texts) -> tuple[str, ...]:
    content = texts.catalog.profiles[profile]
    acts = ", ".join(content.get("acts", ()))
    return profile, texts.profile(profile, "title"), str(len(content["controls"])), acts
