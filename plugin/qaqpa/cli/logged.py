# SPDX-License-Identifier: Apache-2.0
"""What `qaqpa log` and `qaqpa replay` share: the log that is meant, its keys, and a decision as a person reads it."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from rich.text import Text

from qaqpa import times
from qaqpa.cli.common import console
from qaqpa.config import Config, LogSource, load_config
from qaqpa.config.log import log_at
from qaqpa.errors import UndecidedError, UsageError
from qaqpa.escape import visible
from qaqpa.evidence.keys import MAX_KEY_BYTES, PublicKey, read_public_key
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.log.database import Database
from qaqpa.record.log.listing import Recorded
from qaqpa.record.log.opening import signing_key
from qaqpa.record.log.uses import GONE, Use
from qaqpa.report import text as text_report
from qaqpa.report.language import chosen_language


def source_of(args: argparse.Namespace, patience: float | None = None) -> LogSource:
    """The log that is meant.

    Args:
        args: of the command.
        patience: how long a change may take, seconds; as configured by default.

    Raises:
        UsageError: the configuration is broken, or says that there is none.
    """
    config = load_config(args.config)
    found = log_at(args.log, config.log) if args.log else config.log
    if found is None:
        raise UsageError("No decisions are kept: the configuration says log: none", mend="Name one with --log URL")
    return replace(found, timeout_seconds=patience) if patience else found


def database_of(args: argparse.Namespace) -> Database:
    """The log for reading.

    Raises:
        UsageError: there is none.
    """
    database = Database(source_of(args))
    if not database.exists():
        mend = "A server writes it when it starts; --log URL names another one"
        raise UsageError("There is no decision log here", where=database.shown, mend=mend)
    return database


def add_log(parser: argparse.ArgumentParser) -> None:
    """Adds `--log`."""
    parser.add_argument("--log", metavar="URL", help="database of the log; QAQPA_LOG, else the configuration's")


def add_policy(parser: argparse.ArgumentParser) -> None:
    """Adds `--policy`."""
    help_text = "compiled policies that the decision was made with; the configured ones by default"
    parser.add_argument("--policy", metavar="DIR", help=help_text)


def public_keys(args: argparse.Namespace) -> list[PublicKey]:
    """The public keys whose signatures count: those that were named, and that of the configured key where it is here.

    Raises:
        UsageError: a file is no public key, or there is no key at all.
    """
    source = source_of(args)
    beside = source.key_file.with_name(f"{source.key_file.name}.pub")
    paths = [*map(Path, args.public_key), *([beside] if beside.is_file() else [])]
    keys = [read_key(path) for path in paths]
    if not keys and source.key_file.is_file():
        keys = [signing_key(source).public_key]
    if not keys:
        raise UsageError(
            "No public key of this log is known", where=str(beside), mend="Name the gate's with --public-key FILE"
        )
    return keys


def engine_for(args: argparse.Namespace, digest: str) -> EmbeddedEngine:
    """The policies of a digest: those that were named, the configured ones, or those that are shipped.

    Raises:
        UndecidedError: none of them has it.
    """
    config: Config = load_config(args.config)
    places = [Path(args.policy)] if args.policy else [*([config.policy] if config.policy else []), None]
    found = []
    for place in places:
        engine = EmbeddedEngine.open(place)
        if engine.policy_digest == digest:
            return engine
        found.append(engine.policy_digest)
    raise UndecidedError(
        f"The policies here are {', '.join(found)}",
        where=args.policy or "",
        required=f"the policies {digest or 'of this decision'}",
        mend="Name the directory that holds them compiled, with --policy DIR",
    )


def print_decision(args: argparse.Namespace, recorded: Recorded) -> None:
    """Prints what was asked, by whom and with what end, and then the decision as its report has it."""
    entry, out = recorded.listed.entry, console()
    fields = entry.fields
    lines = {
        "row": entry.seq,
        "time": entry.at,
        "asked": recorded.about.get("action", "(erased)"),
        "asked by": recorded.about.get("user") or ("(erased)" if recorded.is_erased else "somebody not logged in"),
        "mode": fields["mode"],
        "outcome": f"{recorded.listed.outcome} {recorded.listed.reason}".strip(),
        **({"rollback": f"to decision {fields['rollback']}"} if fields.get("rollback") else {}),
        **_overridden(recorded),
        "model digest": fields["digest"] or "none",
        "policies": fields["policy"] or "none",
        **({"OPA's id": fields["opa_decision"]} if fields.get("opa_decision") else {}),
        "configuration": fields["configuration"],
        "erased": "all of it" if recorded.is_erased else "personal data" if recorded.is_altered else "nothing",
    }
    for name, value in lines.items():
        out.print(Text(f"{name:14} {visible(value)}"), soft_wrap=True)
    out.print()
    for problem in recorded.about.get("problems") or []:
        out.print(Text(f"{visible(problem.get('code'))}: {visible(problem.get('detail'), 2000)}"), soft_wrap=True)
    if recorded.decision is None:
        out.print(f"verdict {fields['verdict']}; no document is left of this decision.", soft_wrap=True)
        return
    try:
        engine = engine_for(args, fields["policy"])
    except UndecidedError as error:
        out.print(Text(f"Shown as JSON, because its texts are not here. {visible(error, 2000)}"), soft_wrap=True)
        out.print(Text(json.dumps(recorded.document, indent=2, sort_keys=True)), soft_wrap=True)
        return
    text_report.render(recorded.decision, engine.catalog, out, chosen_language(args.lang))


def signers_of(use: Use) -> str:
    """Who signed an override that was used, for people."""
    return ", ".join(signer for signer, _ in use.signers) or GONE


def review_of(use: Use, now: datetime) -> str:
    """How the review of a use stands, for people."""
    if use.review:
        return f"{use.review.fields.get('outcome')}, row {use.review.seq}"
    due = to_the_minute(times.render(use.due)) if use.due else "at once"
    return f"{'OVERDUE since' if use.is_overdue(now) else 'due'} {due}"


def to_the_minute(moment: str) -> str:
    """A time as tables show it, UTC."""
    return moment[:16].replace("T", " ")


def _overridden(recorded: Recorded) -> dict[str, str]:
    """By which override a decision was let through, and how its review stands."""
    use = recorded.use
    if use is None:
        return {}
    return {
        "overridden": f"row {use.entry.seq}, by {signers_of(use)}, ticket {use.ticket}",
        "override": use.sha256,
        "review": review_of(use, times.now()),
    }


def read_key(path: Path) -> PublicKey:
    """A public key from a file.

    Raises:
        UsageError: it is none.
    """
    try:
        with path.open("rb") as file:
            return read_public_key(file.read(MAX_KEY_BYTES).decode())
    except (OSError, ValueError) as error:
        raise UsageError(f"The public key cannot be read ({error})", where=str(path)) from error
