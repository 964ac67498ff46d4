# SPDX-License-Identifier: Apache-2.0
"""`qaqpa replay`: makes a recorded decision again, from its recorded input and the policies of that digest."""

from __future__ import annotations

import argparse
import json

from rich.text import Text

from qaqpa.cli.common import add_config, console
from qaqpa.cli.logged import add_log, add_policy, database_of, engine_for
from qaqpa.errors import ExitCode
from qaqpa.escape import visible
from qaqpa.record.log.listing import recorded
from qaqpa.record.log.replay import check_left, replay


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("id", metavar="ID", type=int, help="number of its row, as `qaqpa log list` prints it")
    parser.add_argument(
        "--format", choices=["text", "json"], default="text", help="text by default; json: the document"
    )
    add_policy(parser)
    add_config(parser)
    add_log(parser)


def run(args: argparse.Namespace) -> int:
    """Decides again. 0: the same document; 3: another one; 4: it cannot be made again.

    Raises:
        QaqpaError: there is no such decision, its input was erased, or its policies are not here.
    """
    found = recorded(database_of(args), args.id)
    document, _ = check_left(found)
    engine = engine_for(args, found.listed.entry.fields["policy"])
    replayed = replay(found, engine)
    out = console()
    if args.format == "json":
        print(json.dumps(replayed.decision.document, indent=2, sort_keys=True))
    elif replayed.is_same:
        how = "up to the order of lists, because personal data was erased" if replayed.is_altered else "byte for byte"
        out.print(f"The same document, {how}: {replayed.decision.verdict.value}.", soft_wrap=True)
        out.print(f"policies {engine.policy_digest}", soft_wrap=True)
    else:
        out.print(Text("ANOTHER document.", style="bold red"))
        for name in replayed.differences:
            before, after = document.get(name), replayed.decision.document.get(name)
            out.print(Text(f"{visible(name)}: recorded {_short(before)}"), soft_wrap=True)
            out.print(Text(f"{visible(name)}: now      {_short(after)}"), soft_wrap=True)
    return int(ExitCode.ALLOWED if replayed.is_same else ExitCode.DENIED)


def _short(value: object) -> str:
    return visible(json.dumps(value, sort_keys=True), 400)
