# SPDX-License-Identifier: Apache-2.0
"""`qaqpa explain`: what a control requires, a profile demands, a kind of evidence holds, and a code means."""

from __future__ import annotations

import argparse

from rich.console import Console

from qaqpa.cli.common import add_config, add_language, console, open_texts
from qaqpa.cli.kinds import kind_page
from qaqpa.cli.pages import print_sections, print_title
from qaqpa.errors import UsageError
from qaqpa.evidence.kinds import kind, kinds
from qaqpa.report.codes import PROBLEM_CODES, REJECTION_CODES
from qaqpa.report.page import control_page
from qaqpa.report.pages import profile_page
from qaqpa.report.section import Section, section
from qaqpa.report.texts import Texts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.epilog = f"examples: qaqpa explain TRN-02, qaqpa explain not_independent; {parser.epilog}"
    parser.add_argument(
        "id",
        nargs="?",
        metavar="ID",
        help="a control such as TRN-02, a profile, a kind of evidence such as bias, or a code such as not_independent",
    )
    add_language(parser)
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the explanation.

    Raises:
        UsageError: there is no such control, profile, kind of evidence or code.
    """
    texts = open_texts(args)
    out = console()
    if args.id is None:
        _list(texts, out)
        return 0
    title, sections = _page(args.id, texts)
    name = args.id.upper() if args.id.upper() in texts.catalog.controls else args.id
    print_title(out, name, title)
    print_sections(out, sections)
    return 0


def _page(name: str, texts: Texts) -> tuple[str, list[Section]]:
    catalog = texts.catalog
    if name.upper() in catalog.controls:
        return texts.title(name.upper()), control_page(name.upper(), texts)
    if name in catalog.profiles:
        return texts.profile(name, "title"), profile_page(name, texts)
    if name in kinds():
        return texts.kind(name, kind(name).title), kind_page(kind(name), texts)
    if name in (*REJECTION_CODES, *PROBLEM_CODES):
        return "", _code(name, texts)
    known = ", ".join([*sorted(catalog.controls), *sorted(catalog.profiles), *kinds()])
    raise UsageError(
        f"There is no control or profile {name!r}, and no such kind or code",
        required=f"one of {known}, or the code of a refusal or of a problem",
    )


def _list(texts: Texts, out: Console) -> None:
    """Every id that can be explained: controls, profiles, kinds of evidence, codes of refusals and problems."""
    for control in sorted(texts.catalog.controls):
        print_title(out, control, texts.title(control))
    for profile in sorted(texts.catalog.profiles):
        print_title(out, profile, texts.profile(profile, "title"))
    for own in kinds().values():
        print_title(out, own.name, f"{texts.kind(own.name, own.title)} ({texts.say('explain.kind_of_evidence')})")
    codes = (
        section("explain.codes_refused", texts, [", ".join(sorted(REJECTION_CODES))]),
        section("explain.codes_problems", texts, [", ".join(PROBLEM_CODES)]),
    )
    print_sections(out, codes)


def _code(code: str, texts: Texts) -> list[Section]:
    found = []
    if code in REJECTION_CODES:
        reason = texts.reason(code)
        found.append(section("explain.why_refused", texts, [f"{reason[0].upper()}{reason[1:]}."]))
        found.append(section("explain.mend", texts, [texts.remedy(code)]))
    if code in PROBLEM_CODES:
        said = texts.say(f"problem.{code}", detail=texts.say("explain.somebody"))
        found.append(section("explain.problem", texts, [said]))
    return found
