# SPDX-License-Identifier: Apache-2.0
"""`qaqpa log verify` and `qaqpa log checkpoint`: whether the log is whole, and what to keep elsewhere to tell."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from rich.text import Text

from qaqpa.cli.common import console
from qaqpa.cli.logged import database_of, public_keys, source_of
from qaqpa.errors import ExitCode, UsageError
from qaqpa.escape import visible
from qaqpa.record.log.asked import CHECKPOINT
from qaqpa.record.log.note import MAX_NOTE_BYTES, make_note, read_note
from qaqpa.record.log.opening import open_log, signing_key
from qaqpa.record.log.putting import Draft
from qaqpa.record.log.verify import verify as verify_log

_UNSEEN = (
    "Without a checkpoint that was kept elsewhere it cannot be told whether rows at the end were cut off, or whether "
    "somebody who has the key wrote the log again."
)


_FOREIGN = "is not signed by a key of this log"
_ANOTHER_KEY = (
    "Where a gate of yours had that key, name its public key with --public-key FILE. Otherwise somebody else wrote "
    "these rows."
)


def add_checking(parser: argparse.ArgumentParser, *, several: bool) -> None:
    """Declares the arguments of `verify`, which takes several checkpoints, or of `checkpoint`, which writes one."""
    if several:
        help_text = "checkpoint that was kept elsewhere; repeatable"
        parser.add_argument("--checkpoint", action="append", default=[], metavar="FILE", help=help_text)
    else:
        parser.add_argument("--to", metavar="FILE", help="write it to a file")
    help_text = "public key of a gate that wrote to the log; repeatable, beside that of the configured key"
    parser.add_argument("--public-key", action="append", default=[], metavar="FILE", help=help_text)


def verify(args: argparse.Namespace) -> int:
    """Prints whether the log is intact. 0: it is; 3: it is not.

    Raises:
        QaqpaError: the log or a checkpoint cannot be read.
    """
    database, keys = database_of(args), public_keys(args)
    points = [read_note(_read(path, MAX_NOTE_BYTES), keys, path) for path in args.checkpoint]
    found = verify_log(database, keys, points)
    if args.format == "json":
        document = {
            "schema": "urn:qaqpa:schema:verified:v1",
            "log": found.log,
            "rows": found.size,
            "root": found.root.hex(),
            "latest": found.latest,
            "erased": found.erased,
            "problems": list(found.problems),
            "checkpoints": [point.size for point in points],
        }
        print(json.dumps(document, indent=2, sort_keys=True))
    else:
        _print_verified(found.size, found.erased, found.problems, [point.size for point in points])
    return int(ExitCode.DENIED if found.problems else ExitCode.ALLOWED)


def _print_verified(size: int, erased: int, problems: Iterable[str], points: list[int]) -> None:
    out = console()
    told = [visible(problem, 500) for problem in problems]
    for problem in told:
        out.print(Text(f"✗ {problem}", style="red"))
    if any(_FOREIGN in problem for problem in told):
        out.print(_ANOTHER_KEY, soft_wrap=True)
    if told:
        out.print(f"NOT INTACT: {size} rows were read.", soft_wrap=True)
    else:
        out.print(f"Intact: {size} rows, each signed, each follows the one before it.", soft_wrap=True)
    if erased:
        out.print(f"{erased} pieces of personal data were erased; rows of the log say why.", soft_wrap=True)
    if points:
        out.print(f"Compared with checkpoints of {', '.join(map(str, sorted(points)))} rows.", soft_wrap=True)
        newer = size - max(points)
        if newer > 0 and not told:
            out.print(
                f"No checkpoint covers the last {newer} rows: had some been cut off, nobody could tell.", soft_wrap=True
            )
    else:
        out.print(_UNSEEN, soft_wrap=True)


def checkpoint(args: argparse.Namespace) -> int:
    """Prints a signed checkpoint of a log that is intact.

    Raises:
        QaqpaError: the log cannot be read, or has no rows.
    """
    found = verify_log(database_of(args), public_keys(args))
    if found.problems:
        _print_verified(found.size, found.erased, found.problems, [])
        print("qaqpa: no checkpoint is made of a log that is not intact", file=sys.stderr)
        return int(ExitCode.DENIED)
    if not found.size:
        raise UsageError("The decision log has no rows yet", where=args.log or "log.url")
    note = make_note(found.checkpoint, signing_key(source_of(args)))
    draft = Draft(CHECKPOINT, {"size": found.size, "root": found.root.hex()})
    open_log(source_of(args)).append([draft])
    if args.to:
        _write(Path(args.to), note)
        print(f"qaqpa: checkpoint of {found.size} rows: {visible(args.to)}", file=sys.stderr)
    else:
        sys.stdout.write(note)
    return 0


def _read(path: str, most: int) -> str:
    try:
        with Path(path).open("rb") as file:
            raw = file.read(most + 1)
        if len(raw) > most:
            raise UsageError("The file is too large", where=path, required=f"at most {most} bytes")
        return raw.decode()
    except OSError as error:
        raise UsageError(f"The file cannot be read ({error.strerror})", where=path) from error
    except UnicodeDecodeError as error:
        raise UsageError("The file is not UTF-8", where=path) from error


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise UsageError(f"The checkpoint cannot be written ({error.strerror})", where=str(path)) from error
