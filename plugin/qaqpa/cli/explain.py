# SPDX-License-Identifier: Apache-2.0
"""`qaqpa explain`: what a control requires and rests on, what a profile demands, what a kind of evidence holds."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from qaqpa.cli.common import add_config, console
from qaqpa.cli.fields import Field, fields, note, readers
from qaqpa.config import load_config
from qaqpa.errors import UsageError
from qaqpa.evidence.kinds import Kind, kind, kinds
from qaqpa.gate import open_engine
from qaqpa.model import JsonObject
from qaqpa.policy.bundle import Catalog
from qaqpa.report.texts import Texts, shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.epilog = f"examples: qaqpa explain TRN-02, qaqpa explain bias; {parser.epilog}"
    parser.add_argument(
        "id", nargs="?", metavar="ID", help="a control such as TRN-02, a profile, or a kind of evidence such as bias"
    )
    parser.add_argument("--lang", choices=["en"], default="en", help="language of the texts")
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the explanation.

    Raises:
        UsageError: there is no such control, profile or kind of evidence.
    """
    catalog = open_engine(load_config(args.config)).catalog
    texts = Texts(catalog, args.lang)
    out = console()
    if args.id is None:
        _list(texts, out)
    elif args.id.upper() in catalog.controls:
        _control(args.id.upper(), catalog.controls[args.id.upper()], texts, out)
    elif args.id in catalog.profiles:
        _profile(args.id, catalog, texts, out)
    elif args.id in kinds():
        _kind(kind(args.id), texts, out)
    else:
        known = ", ".join([*sorted(catalog.controls), *sorted(catalog.profiles), *kinds()])
        raise UsageError(f"There is no control or profile {args.id!r}, and no such kind", required=f"one of {known}")
    return 0


def _list(texts: Texts, out: Console) -> None:
    """Every id that can be explained: controls, profiles, kinds of evidence."""
    for control in sorted(texts.catalog.controls):
        out.print(Text.assemble((control, "bold"), f"  {texts.title(control)}"))
    for profile, content in sorted(texts.catalog.profiles.items()):
        out.print(Text.assemble((profile, "bold"), f"  {_profile_text(content, 'title')}"))
    for own in kinds().values():
        out.print(Text.assemble((own.name, "bold"), f"  {own.title} (kind of evidence)"))


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
        [f"{control} ({_demand(demand)}): {texts.title(control)}" for control, demand in content["controls"].items()],
    )
    _section(
        out,
        "Parameters",
        [
            f"{control} {name}: {shown(value)}"
            for control, demand in content["controls"].items()
            for name, value in demand.get("parameters", {}).items()
        ],
    )


def _demand(demand: JsonObject) -> str:
    milder = " and ".join(f"{field}: {shown(value)}" for field, value in demand.get("warn_when", {}).items())
    severity: str = demand["severity"]
    return f"{severity}; only warns where the context says {milder}" if milder else severity


def _kind(own: Kind, texts: Texts, out: Console) -> None:
    out.print(Text.assemble((own.name, "bold"), f"  {own.title}"))
    _section(out, "Description", [own.schema["description"]])
    ends = {"model": "model (void when one byte changes)", "system": "system (void when its context changes)"}
    _section(out, "About", [" and ".join(f"the {ends[bound]}" for bound in sorted(own.binds))])
    _section(out, "Supplied by", [texts.say(f"actor.{own.actor}")])
    _section(out, "Read by", [f"{control}: {texts.title(control)}" for control in readers(own, texts.catalog)])
    _section(out, "Fields", [_field(field, own, texts.catalog) for field in fields(own)])


def _field(field: Field, own: Kind, catalog: Catalog) -> str:
    values = f" {field.values[0].upper()}{field.values[1:]}." if field.values else ""
    return f"{field.name} ({note(field, own, catalog)}): {field.schema.get('description', '')}{values}"


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
