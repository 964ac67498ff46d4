# SPDX-License-Identifier: Apache-2.0
"""`qaqpa explain`: what a control requires, a profile demands, a kind of evidence holds, and a code means."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from qaqpa.cli.common import add_config, add_language, console
from qaqpa.cli.fields import Field, fields, note, readers
from qaqpa.config import load_config
from qaqpa.errors import UsageError
from qaqpa.evidence.kinds import WAIVER, WITHDRAWAL, Kind, kind, kinds
from qaqpa.gate import open_engine
from qaqpa.model import JsonObject, Strength
from qaqpa.policy.bundle import Catalog
from qaqpa.report.codes import PROBLEM_CODES, REJECTION_CODES
from qaqpa.report.forms import shown
from qaqpa.report.language import chosen_language
from qaqpa.report.texts import Texts

_ENDS = {
    "model": "model (void when one byte changes)",
    "stage": "stage (void at any other)",
    "statement": "statement that it takes back",
    "system": "system (void when its context changes)",
}


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
    catalog = open_engine(load_config(args.config)).catalog
    texts = Texts(catalog, chosen_language(args.lang))
    out = console()
    if args.id is None:
        _list(texts, out)
    elif args.id.upper() in catalog.controls:
        _control(args.id.upper(), catalog.controls[args.id.upper()], texts, out)
    elif args.id in catalog.profiles:
        _profile(args.id, catalog, texts, out)
    elif args.id in kinds():
        _kind(kind(args.id), texts, out)
    elif args.id in (*REJECTION_CODES, *PROBLEM_CODES):
        _code(args.id, texts, out)
    else:
        known = ", ".join([*sorted(catalog.controls), *sorted(catalog.profiles), *kinds()])
        raise UsageError(
            f"There is no control or profile {args.id!r}, and no such kind or code",
            required=f"one of {known}, or the code of a refusal or of a problem",
        )
    return 0


def _list(texts: Texts, out: Console) -> None:
    """Every id that can be explained: controls, profiles, kinds of evidence, codes of refusals and problems."""
    for control in sorted(texts.catalog.controls):
        out.print(Text.assemble((control, "bold"), f"  {texts.title(control)}"))
    for profile, content in sorted(texts.catalog.profiles.items()):
        out.print(Text.assemble((profile, "bold"), f"  {_profile_text(content, 'title')}"))
    for own in kinds().values():
        out.print(Text.assemble((own.name, "bold"), f"  {own.title} (kind of evidence)"))
    _section(out, "Codes of evidence that is refused", [", ".join(sorted(REJECTION_CODES))])
    _section(out, "Codes of problems that keep the gate from deciding", [", ".join(PROBLEM_CODES)])


def _control(control: str, card: JsonObject, texts: Texts, out: Console) -> None:
    out.print(Text.assemble((control, "bold"), f"  {texts.title(control)}"))
    _section(out, "Required", [texts.requirement(control)])
    for name in card["evidence"]:
        own = kind(name)
        fields = [f"{field}: {schema.get('description', '')}" for field, schema in own.schema["properties"].items()]
        about = " and ".join(sorted(own.binds))
        _section(out, f"Evidence: {name} ({own.title}; about the {about})", fields[1:])
    _section(out, "Strength of its evidence", _strength([card], texts))
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
    _section(out, "Rests on", texts.rests_on(control))
    _section(out, "To mend", [f"{texts.mend(control)} ({texts.actor(control)})"])
    _section(out, "Waiver", [texts.say("waivable.yes" if card["waivable"] else "waivable.no")])
    _section(out, "What a pass does not show", [texts.cannot_prove(control)])
    asking = [profile for profile, content in texts.catalog.profiles.items() if control in content["controls"]]
    _section(out, "Asked by", asking)


def _strength(cards: Iterable[JsonObject], texts: Texts) -> list[str]:
    """Who has to sign what the cards need, by stage; the configuration can ask for more."""
    demands = [Strength.SIGNED, *(Strength(card["minimum_strength"]) for card in cards if "minimum_strength" in card)]
    strongest = max(demands, key=list(Strength).index)
    return [
        texts.say("level.settings"),
        texts.say("level.production", strength=texts.say(f"level.{strongest.value}")),
    ]


def _code(code: str, texts: Texts, out: Console) -> None:
    out.print(Text(code, style="bold"))
    if code in REJECTION_CODES:
        reason = texts.reason(code)
        _section(out, "Why evidence is refused", [f"{reason[0].upper()}{reason[1:]}."])
        _section(out, "To mend", [texts.remedy(code)])
    if code in PROBLEM_CODES:
        _section(out, "A problem of the whole decision", [texts.say(f"problem.{code}", detail="Somebody")])


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
    _section(out, "About", [" and ".join(f"the {_ENDS.get(bound, bound)}" for bound in sorted(own.binds))])
    _section(out, "Supplied by", [texts.say(f"actor.{own.actor}")])
    if own.name == WAIVER:
        _section(out, "Strength", [texts.say("level.waiver")])
    else:
        needing = [card for card in texts.catalog.controls.values() if own.name in card["evidence"]]
        _section(out, "Strength", _strength(needing, texts) if needing else [])
    _section(out, "Read by", _read_by(own, texts))
    _section(out, "Fields", [_field(field, own, texts.catalog) for field in fields(own)])


def _read_by(own: Kind, texts: Texts) -> list[str]:
    if own.name == WITHDRAWAL:
        return ["The gate: the statement does not count once everybody who signed it has taken it back."]
    controls = texts.catalog.controls
    found = [control for control in sorted(controls) if controls[control]["waivable"]]
    found = found if own.name == WAIVER else readers(own, texts.catalog)
    return [f"{control}: {texts.title(control)}" for control in found]


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
