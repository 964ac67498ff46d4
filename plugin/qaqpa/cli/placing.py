# SPDX-License-Identifier: Apache-2.0
"""Where a statement goes: a tag of the registry, or a file. What is there already is never lost."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from qaqpa.cli.common import MODELS, attaching
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.carriers import tag_key
from qaqpa.evidence.envelope import merged, render
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.kinds import STATEMENT
from qaqpa.evidence.pieces import read_statement

DIGITS = 16
"""How many digits of a statement's id stand in the name of its tag or file."""


def short_id(statement: str) -> str:
    """The first digits of a statement's id, as the name of its tag or file holds them."""
    return statement[:DIGITS]


def add_delivery(parser: argparse.ArgumentParser) -> None:
    """Adds `--output` and `--no-upload`: where a statement goes instead of the registry."""
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--output", metavar="PATH", help="write the statement to this file instead of the registry")
    place.add_argument(
        "--no-upload",
        action="store_true",
        help="write it to <kind>.<first digits of its SHA-256>.json here instead of the registry",
    )


def check_delivery(args: argparse.Namespace) -> None:
    """Refuses a statement about a directory that has nowhere to go.

    Raises:
        UsageError: neither `--output` nor `--no-upload` was given.
    """
    if not args.output and not args.no_upload and not args.model.startswith(MODELS):
        mend = "Add --output PATH or --no-upload"
        raise UsageError("A statement about a directory needs a place", where="--model", mend=mend)


def combined(text: str, there: str) -> str:
    """A statement with the signatures that another text of the same statement holds; no signature is lost.

    Raises:
        UsageError: there are more signatures than an envelope may hold.
    """
    own, signed = read_statement(text)
    try:
        other, earlier = read_statement(there)
    except StatementError:
        return text
    if earlier is None or other.id != own.id:
        return text
    try:
        return render(merged(signed, earlier) if signed else earlier)
    except (StatementError, ValueError) as error:
        mend = "Take away the tag or file that holds signatures of nobody whom you know"
        raise UsageError("It would have too many signatures", where=own.kind.name, mend=mend) from error


def deliver(args: argparse.Namespace, text: str) -> tuple[str, str]:
    """Writes or attaches a statement. Returns the text with all signatures that are there, and where it went.

    Raises:
        QaqpaError: it cannot be written or attached.
    """
    own, digits = read_statement(text)[0].kind, short_id(read_statement(text)[0].id)
    if args.output or args.no_upload:
        path = Path(args.output or f"{own.name}.{digits}.json")
        return put(path, text), f"file {visible(path, 4096)}"
    key = tag_key(own, _payload(text))
    # A withdrawal has to be seen wherever the statement is that it takes back.
    everywhere = own.carried_by_system or own.binds == {STATEMENT}
    attached = attaching().attach(
        args.model, key, text, combined=combined, bound_to_system=everywhere, registry_uri=args.registry_uri
    )
    return attached.text, f"tag {key} of the {attached.where}"


def put(path: Path, text: str) -> str:
    """Writes a statement to a file, whole or not at all. Where the file holds the same statement, signatures are added.

    Returns:
        What the file holds.

    Raises:
        UsageError: something else is there, or it cannot be written.
    """
    there = _same_statement(path, text)
    wanted = combined(text, there) if there else text
    if wanted != there:
        _write(path, wanted, replace=there is not None)
    return wanted


def put_new(files: Mapping[Path, str]) -> None:
    """Writes files into directories that are made where they are missing: all of them, or none.

    A file that holds the same already is left as it is.

    Raises:
        UsageError: a file with something else in it is there, or one cannot be written.
    """
    missing = [path for path, text in files.items() if not _holds(path, text)]
    for path in missing:
        if path.exists() or path.is_symlink():
            raise UsageError("The file exists already", where=str(path), mend="Name another directory")
    written: list[Path] = []
    try:
        for path in missing:
            _make_directory(path.parent)
            _write(path, files[path], replace=False)
            written.append(path)
    except UsageError:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _holds(path: Path, text: str) -> bool:
    try:
        return path.is_file() and path.read_bytes() == text.encode()
    except OSError:
        return False


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The directory cannot be made ({error.strerror})", where=str(path)) from error


def _payload(text: str) -> bytes:
    signed = read_statement(text)[1]
    return signed.payload if signed else text.encode()


def _same_statement(path: Path, text: str) -> str | None:
    """What a file holds that is there already, where it is the same statement; None where there is no file."""
    if not path.exists() and not path.is_symlink():
        return None
    try:
        there = path.read_bytes().decode()
        if read_statement(there)[0].id == read_statement(text)[0].id:
            return there
    except (OSError, UnicodeDecodeError, StatementError):
        pass
    raise UsageError("The file exists already", where=str(path), mend="Name another one")


def _write(path: Path, text: str, *, replace: bool) -> None:
    """Writes beside the file first, so that it is never there half-written."""
    try:
        descriptor, scratch = tempfile.mkstemp(prefix=".qaqpa-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode())
            Path(scratch).chmod(0o644)
            if replace:
                Path(scratch).replace(path)
            else:
                os.link(scratch, path)
        finally:
            Path(scratch).unlink(missing_ok=True)
    except FileExistsError as error:
        raise UsageError("The file exists already", where=str(path), mend="Name another one") from error
    except OSError as error:
        raise UsageError(f"The statement cannot be written ({error.strerror})", where=str(path)) from error
