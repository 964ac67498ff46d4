# SPDX-License-Identifier: Apache-2.0
"""`qaqpa log`: what was decided, whether the log is whole, and a checkpoint to keep elsewhere."""

from __future__ import annotations

import argparse
import json
import re
import sys
from datetime import timedelta

from rich.table import Table
from rich.text import Text

from qaqpa import times
from qaqpa.cli.common import add_action, add_language, console, print_trimmed
from qaqpa.cli.logged import add_log, add_policy, database_of, print_decision, source_of
from qaqpa.cli.logkeys import announce
from qaqpa.cli.logverify import add_checking, checkpoint, verify
from qaqpa.cli.overrides import show_row
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.model import Json, Verdict
from qaqpa.record.log.chain import Entry
from qaqpa.record.log.erase import erase_person, erase_row
from qaqpa.record.log.listing import Listed, Wanted, beside, listed, recorded, used_at
from qaqpa.record.log.opening import open_log

_MOST_LISTED = 50
_DAYS = re.compile("([1-9][0-9]{0,4})d", re.ASCII)
_OUTCOMES = ("written", "failed", "asked", "unknown", "refused")
_ERASING_SECONDS = 600.0
_MOST_SHOWN = 4_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = add_action(actions, "list", "decisions, newest first", _list)
    listing.add_argument("--model", metavar="NAME", help="only of this registered model")
    listing.add_argument("--verdict", choices=[verdict.value for verdict in Verdict], help="only with this verdict")
    listing.add_argument("--outcome", choices=_OUTCOMES, help="only with this outcome")
    listing.add_argument("--since", metavar="DATE", help="only from a day or a time on, or the last days, such as 7d")
    listing.add_argument("--most", type=int, default=_MOST_LISTED, metavar="N", help=f"{_MOST_LISTED} by default")
    _add_format(listing)
    show = add_action(actions, "show", "one row: a decision, the use of an override, a start, a reload", _show)
    show.add_argument("id", metavar="ID", type=int, help="number of its row")
    _add_format(show)
    add_policy(show)
    add_language(show)
    check = add_action(actions, "verify", "look for rows that were changed, deleted, inserted or moved", verify)
    add_checking(check, several=True)
    _add_format(check)
    point = add_action(actions, "checkpoint", "verify, then print a signed checkpoint to keep elsewhere", checkpoint)
    add_checking(point, several=False)
    following = add_action(actions, "announce", "record which key is to sign after the present one", announce)
    following.add_argument("key", metavar="FILE", help="public key that takes the place of the present one")
    erase = add_action(actions, "erase", "erase a person, or all that is kept beside one row", _erase)
    what = erase.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--person", action="append", metavar="TEXT", help="login, party id or name; repeatable for one person"
    )
    what.add_argument("--row", type=int, metavar="ID", help="number of a row")
    erase.add_argument("--reason", required=True, help="why, without names; it stays in the log for ever")
    for action in actions.choices.values():
        add_log(action)


def run(args: argparse.Namespace) -> int:
    """Runs the chosen action.

    Raises:
        QaqpaError: the log cannot be read, or what was asked does not exist.
    """
    return int(args.act(args))


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=["text", "json"], default="text", help="text by default")


def _list(args: argparse.Namespace) -> int:
    wanted = Wanted(args.model, args.verdict, args.outcome, _since(args.since))
    found = list(listed(database_of(args), wanted, max(1, args.most)))
    if args.format == "json":
        decisions = [_as_json(one) for one in found]
        print(json.dumps({"schema": "urn:qaqpa:schema:decisions:v1", "decisions": decisions}, indent=2, sort_keys=True))
        return 0
    out = console()
    if not found:
        out.print("No decision.")
        return 0
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("id", "time (UTC)", "model", "stage", "verdict", "outcome"):
        table.add_column(name, overflow="fold")
    for one in found:
        fields = one.entry.fields
        cells = (
            *(one.entry.seq, one.entry.at[:19].replace("T", " "), f"{fields['model']} {fields['version']}".strip()),
            *(fields["stage"], f"{fields['verdict']}{_aside(one)}", f"{one.outcome} {one.reason}".strip()),
        )
        table.add_row(*(Text(visible(cell)) for cell in cells))
    print_trimmed(out, table)
    return 0


def _aside(one: Listed) -> str:
    """What else decided than the verdict."""
    if one.override is not None:
        return f" (OVERRIDDEN, row {one.override})"
    back = one.entry.fields.get("rollback")
    return " (observed)" if one.entry.fields["mode"] == "observe" else f" (rollback to {back})" if back else ""


def _as_json(one: Listed) -> dict[str, Json]:
    entry = one.entry
    own = {"id": entry.seq, "at": entry.at, "outcome": one.outcome, "reason": one.reason, "overridden": one.override}
    return {**entry.fields, **own}


def _show(args: argparse.Namespace) -> int:
    database = database_of(args)
    use = used_at(database, args.id)
    if use:
        show_row(args, *use)
        return 0
    other = beside(database, args.id)
    if other:
        _show_entry(args, other)
        return 0
    found = recorded(database, args.id)
    if args.format == "json":
        shown = {
            **_as_json(found.listed),
            "about": found.about,
            "input": found.input,
            "use": {**found.use.entry.fields, "about": found.use.about} if found.use else None,
            "erased": "whole" if found.is_erased else "in part" if found.is_altered else "nothing",
        }
        print(json.dumps({"schema": "urn:qaqpa:schema:recorded:v1", **shown}, indent=2, sort_keys=True))
        return 0
    print_decision(args, found)
    return 0


def _show_entry(args: argparse.Namespace, entry: Entry) -> None:
    """Prints what a row says that is no decision."""
    shown = {"row": entry.seq, "kind": entry.kind, "time": entry.at, **entry.fields}
    if args.format == "json":
        print(json.dumps({"schema": "urn:qaqpa:schema:row:v1", **shown}, indent=2, sort_keys=True))
        return
    for name, value in shown.items():
        told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        console().print(Text(f"{visible(name):14} {visible(told, _MOST_SHOWN)}"), soft_wrap=True)


def _erase(args: argparse.Namespace) -> int:
    database_of(args)
    log = open_log(source_of(args, patience=_ERASING_SECONDS))
    done = erase_person(log, args.person, args.reason) if args.person else erase_row(log, args.row, args.reason)
    if not done.contents:
        print("Nothing that is kept names this person.")
    else:
        print(f"Erased in {done.contents} places; row {', '.join(map(str, done.rows))} says so.")
    if done.misfits:
        print(f"qaqpa: {done.misfits} decisions can no longer be made again", file=sys.stderr)
    if done.left:
        some = ", ".join(map(str, done.left[:10]))
        print(f"qaqpa: {len(done.left)} signed rows name it themselves and stay: {some}", file=sys.stderr)
    print("qaqpa: backups and replicas of the database still hold it", file=sys.stderr)
    return 0


def _since(text: str | None) -> str | None:
    if text is None:
        return None
    match = _DAYS.fullmatch(text)
    if match:
        return times.render(times.now() - timedelta(days=int(match[1])))
    try:
        return times.render(times.parse(text))
    except ValueError as error:
        raise UsageError(
            str(error), where="--since", required="2026-11-23, a time with zone, or days such as 7d"
        ) from error
