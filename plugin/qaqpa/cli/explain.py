# SPDX-License-Identifier: Apache-2.0
"""`qaqpa explain`: what a control requires, which evidence shows it, and what it rests on."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from qaqpa.cli.common import add_config, console
from qaqpa.config import load_config
from qaqpa.errors import UsageError
from qaqpa.evidence.kinds import kind
from qaqpa.gate import open_engine
from qaqpa.model import JsonObject
from qaqpa.policy.bundle import Catalog
from qaqpa.report.texts import Texts, shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("id", nargs="?", metavar="ID", help="a control such as TRN-02, or a profile")
    parser.add_argument("--lang", choices=["en"], default="en", help="language of the texts")
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the explanation.

    Raises:
        UsageError: there is no such control or profile.
    """
    catalog = open_engine(load_config(args.config)).catalog
    texts = Texts(catalog, args.lang)
    out = console()
    if args.id is None:
        for control in sorted(catalog.controls):
            out.print(Text.assemble((control, "bold"), f"  {texts.title(control)}"))
        for profile in sorted(catalog.profiles):
            out.print(Text.assemble((profile, "bold"), f"  {_profile_text(catalog.profiles[profile], 'title')}"))
        return 0
    control = args.id.upper()
    if control in catalog.controls:
        _control(control, catalog.controls[control], texts, out)
    elif args.id in catalog.profiles:
        _profile(args.id, catalog, texts, out)
    else:
        known = ", ".join([*sorted(catalog.controls), *sorted(catalog.profiles)])
        raise UsageError(f"There is no control or profile {args.id!r}", required=f"one of {known}")
    return 0


def _control(control: str, card: JsonObject, texts: Texts, out: Console) -> None:
    out.print(Text.assemble((control, "bold"), f"  {texts.title(control)}"))
    _section(out, "Required", [texts.requirement(control)])
    for name in card["evidence"]:
        own = kind(name)
        fields = [f"{field}: {schema.get('description', '')}" for field, schema in own.schema["properties"].items()]
        about = " and ".join(sorted(own.binds))
        _section(out, f"Evidence: {name} ({own.title}; about the {about})", fields[1:])
    codes = card["texts"]["en"].get("violations", {})
    _section(out, "Violations", [f"{code}: {_plain(texts, control, code)}" for code in codes])
    _section(
        out,
        "Thresholds",
        [
            f"{name}: {shown(threshold['value'])} ({'law' if threshold['basis'] == 'law' else 'our default'})"
            for name, threshold in card.get("thresholds", {}).items()
        ],
    )
    _section(out, "Rests on", texts.because(control))
    _section(out, "To mend", [f"{texts.mend(control)} ({texts.actor(control)})"])
    _section(out, "What a pass does not show", [texts.cannot_prove(control)])
    asking = [profile for profile, content in texts.catalog.profiles.items() if control in content["controls"]]
    _section(out, "Asked by", asking)


def _profile(profile: str, catalog: Catalog, texts: Texts, out: Console) -> None:
    content = catalog.profiles[profile]
    out.print(Text.assemble((profile, "bold"), f"  {_profile_text(content, 'title')}"))
    _section(out, "Description", [_profile_text(content, "description")])
    _section(
        out,
        "Controls",
        [
            f"{control} ({demand['severity']}): {texts.title(control)}"
            for control, demand in content["controls"].items()
        ],
    )


def _profile_text(content: JsonObject, name: str) -> str:
    found: str = content["texts"]["en"].get(name, "")
    return found


def _plain(texts: Texts, control: str, code: str) -> str:
    template: str = texts.catalog.controls[control]["texts"]["en"]["violations"][code]
    return " ".join(template.split())


def _section(out: Console, title: str, lines: list[str]) -> None:
    if lines:
        out.print()
        out.print(Text(title, style="bold"))
    for line in lines:
        out.print(Padding(Text(" ".join(line.split())), (0, 0, 0, 2)))
