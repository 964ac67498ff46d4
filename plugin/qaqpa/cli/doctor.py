# SPDX-License-Identifier: Apache-2.0
"""`qaqpa doctor`: what is configured, where each value came from, and whether it works."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import platform
import sys
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from qaqpa import __version__, times
from qaqpa.cli.common import add_config, console, print_trimmed
from qaqpa.cli.health import ask_server
from qaqpa.config import Config, load_config
from qaqpa.errors import ExitCode, QaqpaError, with_extra
from qaqpa.escape import visible
from qaqpa.evidence.trust import TrustError
from qaqpa.gate import decide, open_engine, open_trust
from qaqpa.model import Request, Stage, Subject, Verdict
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.configured import is_law, is_looser, validate_config
from qaqpa.report.language import language_and_source
from qaqpa.report.texts import Texts

_Row = tuple[str, str, "str | Text"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add_config(parser)
    parser.add_argument(
        "--server",
        metavar="URL",
        help="ask a running MLflow server instead whether its gate refuses; exit code 3 where it has none",
    )
    parser.add_argument(
        "--alias", default="production", help="with --server: an alias that must be gated there; %(default)s by default"
    )


def run(args: argparse.Namespace) -> int:
    """Prints the settings and tries the engine; or asks a server.

    Raises:
        UsageError: the configuration is broken.
    """
    if args.server is not None:
        return ask_server(args.server, args.alias, args.config)
    config = load_config(args.config)
    out = console()
    _print_rows(out, list(_settings(config)))
    out.print()
    if not any(gate.stage is Stage.PRODUCTION for gate in config.gates):
        out.print(
            Text("WARNING: no gate has the stage production: nothing is kept out of it", style="bold yellow"),
            soft_wrap=True,
        )
    return max(_try_parties(config), _try_log(config), _try_metrics(config), _try_engine(config))


def _settings(config: Config) -> Iterator[_Row]:
    """What is installed and configured: name, value, and where that came from."""
    yield "qaqpa", __version__, ""
    yield "python", platform.python_version(), Text(sys.executable, style="dim")
    for name in ("wasmtime", "mlflow", "opa-python-client"):
        yield name, _installed(name), ""
    for name, value, source in (*config.sources, ("language", *language_and_source())):
        yield name, visible(value), Text(f"from {visible(source)}", style="dim")
    for gate in config.gates:
        what = [*(f"@{alias}" for alias in gate.aliases), *gate.mlflow_stages, *(f"{name}/*" for name in gate.names)]
        strength = gate.settings.minimum_strength.value
        yield "gate", f"{gate.label}: {', '.join(what)}", f"{', '.join(gate.profiles)}; at least {strength}"
    for entry in config.observe:
        in_force = entry.until >= times.now().date()
        yield "observe", ", ".join(entry.models), _observing(in_force, str(entry.until))


def _print_rows(out: Console, rows: Sequence[_Row]) -> None:
    """A table for people; whole lines, each with its value unbroken, for what is no terminal."""
    if out.is_terminal:
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_column(overflow="fold")
        for row in rows:
            table.add_row(*row)
        print_trimmed(out, table)
        return
    width = max(len(name) for name, _, _ in rows)
    for name, value, source in rows:
        out.print(f"{name:{width}}  {value}  {source}".rstrip(), soft_wrap=True)


def _try_parties(config: Config) -> int:
    """Says whether the parties file is in force; without one nothing is allowed in production."""
    out = console()
    trust = open_trust(config)
    if trust is None:
        warning = "WARNING: no parties file is configured: nobody's signature counts, and production is closed"
        out.print(Text(warning, style="bold yellow"), soft_wrap=True)
        return 0
    try:
        parties = trust.parties(times.now())
    except TrustError as error:
        told = f"parties NOT IN FORCE, production is closed: {visible(error, 2000)} [{error.code}]"
        out.print(Text(told, style="red"), soft_wrap=True)
        return int(error.exit_code)
    persons, ends = len(parties.persons), times.render(parties.expires)
    out.print(f"parties: in force, version {parties.version}, until {ends}, {persons} persons", soft_wrap=True)
    return 0


def _try_log(config: Config) -> int:
    """Says whether decisions are kept; where the log cannot be used, a server refuses every promotion."""
    out = console()
    if config.log is None:
        out.print(Text("WARNING: decisions are not kept: log: none", style="bold yellow"), soft_wrap=True)
        return 0
    try:
        from qaqpa.cli.logkeys import warning_of_key  # noqa: PLC0415 - SQLAlchemy may be absent
        from qaqpa.record.log.listing import size_of  # noqa: PLC0415
        from qaqpa.record.log.opening import signing_key  # noqa: PLC0415

        size = size_of(config.log)
        if config.log.key is not None or size:
            signing_key(config.log)
        said, warning = warning_of_key(config.log) if size else ("", "")
    except QaqpaError as error:
        out.print(Text(f"decision log NOT USABLE: {visible(error, 2000)}", style="red"), soft_wrap=True)
        return int(error.exit_code)
    out.print(f"decision log: {size} rows" if size else "decision log: nothing was recorded yet", soft_wrap=True)
    if said:
        out.print(f"decision log: {said}", soft_wrap=True)
    if warning:
        out.print(Text(warning, style="bold yellow"), soft_wrap=True)
    return 0


def _try_metrics(config: Config) -> int:
    """Says where the library that counts is missing: a server would not start."""
    if config.metrics and importlib.util.find_spec("prometheus_client") is None:
        told = f"metrics: DO NOT WORK: prometheus-client is not installed. To mend: {with_extra('metrics')}."
        console().print(Text(told, style="red"), soft_wrap=True)
        return int(ExitCode.USAGE)
    return 0


def _observing(in_force: bool, until: str) -> Text:  # noqa: FBT001 - private, and named at its only call
    text = f"NOT ENFORCED until {until}" if in_force else f"ended {until}: enforced"
    return Text(text, style="bold yellow" if in_force else "")


def _try_engine(config: Config) -> int:
    out = console()
    try:
        engine = open_engine(config)
        validate_config(config, engine.catalog)
    except QaqpaError as error:
        out.print(Text(f"engine {config.engine}: does not work: {visible(error, 2000)}", style="red"), soft_wrap=True)
        return int(error.exit_code)
    for line in (*_thresholds(config, engine.catalog), *_raised(config, engine.catalog)):
        out.print(line, soft_wrap=True)
    subject = Subject(name="canary", digest="0" * 64)
    canary = Request(subject=subject, stage=Stage.PRODUCTION, profiles=_profiles(config), now=times.now())
    decision = decide(canary, engine)
    if decision.verdict is not Verdict.DENY:
        detail = "; ".join(visible(problem["detail"], 2000) for problem in decision.problems)
        out.print(
            Text(f"engine {engine.name}: a model without evidence was not denied: {detail}", style="red"),
            soft_wrap=True,
        )
        return int(ExitCode.UNDECIDED)
    works = f"engine {engine.name}: works; a model without evidence is denied ({len(decision.findings)} findings)"
    out.print(works, soft_wrap=True)
    out.print(f"policy digest {engine.policy_digest}", soft_wrap=True)
    return 0


def _thresholds(config: Config, catalog: Catalog) -> Iterator[Text]:
    """The thresholds of a configuration that is valid: what the card says, and who set that."""
    profiles = _profiles(config)
    for control, names in config.settings.thresholds.items():
        for name, value in names.items():
            card = catalog.controls[control]["thresholds"][name]
            looser = is_looser(card, value)
            basis = "set by law" if is_law(card, profiles) else "our own default"
            said = f"threshold {control} {name}: {value} (the card says {card['value']}, {basis})"
            yield Text(f"{said}{' LOOSER' if looser else ''}", style="bold yellow" if looser else "")


def _raised(config: Config, catalog: Catalog) -> Iterator[Text]:
    """What a configuration that is valid raises to a denial, in words."""
    texts = Texts(catalog)
    for name in config.settings.raised:
        control, _, code = name.partition("/")
        what = texts.violation_text(control, code) if code else f"{texts.title(control)} (whatever its rule denies)"
        yield Text(visible(f"raise {name}: denies in every profile that asks for it: {what}", 2000))


def _profiles(config: Config) -> tuple[str, ...]:
    return tuple(dict.fromkeys(profile for gate in config.gates for profile in gate.profiles))


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
