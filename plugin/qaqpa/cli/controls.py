# SPDX-License-Identifier: Apache-2.0
"""`qaqpa controls`: every control, its family, and which profiles ask for it."""

from __future__ import annotations

import argparse

from qaqpa.cli.common import add_config, add_language, console, open_texts
from qaqpa.cli.pages import table
from qaqpa.errors import UsageError
from qaqpa.report.texts import Texts
from qaqpa.report.weights import LACKING, outcomes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("--profile", metavar="ID", help="only the controls that this profile asks for")
    add_language(parser)
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the table.

    Raises:
        UsageError: there is no such profile.
    """
    texts = open_texts(args)
    known_profile(args.profile, texts)
    headers = ("ID", *(texts.say(key) for key in ("explain.title", "explain.family", "explain.profiles")))
    console().print(table(headers, filter(None, (_row(name, args.profile, texts) for name in _controls(texts)))))
    return 0


def known_profile(profile: str | None, texts: Texts) -> None:
    """Refuses a profile that does not exist.

    Raises:
        UsageError: there is no such profile.
    """
    if profile is not None and profile not in texts.catalog.profiles:
        known = ", ".join(sorted(texts.catalog.profiles))
        raise UsageError(f"There is no profile {profile!r}", required=f"one of {known}")


def _controls(texts: Texts) -> list[str]:
    return sorted(texts.catalog.controls)


def _row(control: str, only: str | None, texts: Texts) -> tuple[str, ...] | None:
    found = outcomes(control, LACKING, texts)
    shown = {profile: outcome for profile, outcome in found.items() if only in {None, profile}}
    if only is not None and not shown:
        return None
    family = texts.family(texts.catalog.controls[control]["family"])
    return control, texts.title(control), family, "\n".join(f"{name}: {said}" for name, said in shown.items())
