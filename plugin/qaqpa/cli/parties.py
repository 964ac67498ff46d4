# SPDX-License-Identifier: Apache-2.0
"""`qaqpa parties`: makes, checks, signs and shows the parties file, which says whose signature counts."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from qaqpa import times
from qaqpa.cli import parties_check, parties_init, parties_show
from qaqpa.cli.common import add_config
from qaqpa.cli.signing import add_key_arguments, signers_of
from qaqpa.documents import MAX_BYTES, parse_yaml
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.envelope import SignedPayload, sign
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.keys import SigningKey, fingerprint
from qaqpa.evidence.parties import Parties, parse_parties
from qaqpa.evidence.trust import PARTIES_TYPE, TrustError, check_dates, read_signed

_OUTPUT = "parties.signed.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    init = actions.add_parser("init", help="write a commented parties file; asks on a terminal")
    init.add_argument("file", metavar="FILE", help="file to write, such as parties.yaml")
    parties_init.add_arguments(init)
    check = actions.add_parser("check", help="say what is wrong with a parties file, and what soon will be")
    check.add_argument("file", metavar="FILE", help="parties file, YAML")
    add_config(check)
    signing = actions.add_parser("sign", help="sign a parties file with root keys")
    signing.add_argument("file", metavar="FILE", help="parties file, YAML")
    signing.add_argument("--output", metavar="PATH", help=f"signed file to write; {_OUTPUT} beside FILE by default")
    add_key_arguments(signing)
    show = actions.add_parser("show", help="show a signed parties file, and whether it is in force")
    show.add_argument("file", nargs="?", metavar="FILE", help="signed file; the one of the configuration by default")
    add_config(show)


def run(args: argparse.Namespace) -> int:
    """Makes, checks, signs or shows.

    Raises:
        QaqpaError: a file cannot be read or written, is wrong, or is not in force; saying why.
    """
    if args.action == "init":
        return parties_init.run(args)
    if args.action == "check":
        return parties_check.run(args)
    if args.action == "show":
        return parties_show.run(args)
    return _sign(args)


def _sign(args: argparse.Namespace) -> int:
    file = Path(args.file)
    raw = _bytes(file)
    parties = _sound(raw, file)
    output = Path(args.output) if args.output else file.with_name(_OUTPUT)
    if not args.key:
        raise UsageError("No key is named that signs", required="--key ROOT, a private key of root_keys")
    earlier = _earlier(output, raw, parties)
    keys = signers_of(args)
    _roots_only(keys, parties)
    try:
        text = sign(raw, PARTIES_TYPE, keys, earlier)
    except StatementError as error:
        raise UsageError(error.detail, where=str(output), mend="Name another --output") from error
    _replace(output, text)
    signed_by = read_signed(output).signed_by
    listed = [fingerprint(root) for root in parties.root_keys]
    shown = visible(output, len(str(output)))
    print(f"{shown}: version {parties.version}, until {times.render(parties.expires)}")
    print(f"{len(signed_by)} of the {len(listed)} listed root keys have signed:")
    for key_id in listed:
        print(f"  {key_id}  {'signed' if key_id in signed_by else 'has not signed'}")
    print("Whoever judges trusts it by the configuration, which must not come from what is judged:")
    print(f"  parties:\n    file: {shown}\n    threshold: {len(listed) // 2 + 1}\n    roots:")
    for key_id in listed:
        print(f'      - "{key_id}"')
    return 0


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"The file cannot be read ({error.strerror})", where=str(file)) from error
    if len(raw) > MAX_BYTES:
        raise UsageError("The file is too large", where=str(file), required=f"at most {MAX_BYTES} bytes")
    return raw


def _sound(raw: bytes, file: Path) -> Parties:
    """The parties file, read from the very bytes that are signed."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("The file is not UTF-8", where=str(file)) from error
    parties = parse_parties(parse_yaml(text, str(file)))
    try:
        check_dates(parties, times.now(), str(file))
    except TrustError as error:
        raise UsageError(error.found, where=error.where, required=error.required, mend=error.mend) from error
    return parties


def _roots_only(keys: Iterable[SigningKey], parties: Parties) -> None:
    listed = [fingerprint(root) for root in parties.root_keys]
    for key in keys:
        if key.key_id not in listed:
            raise UsageError(
                f"The key {key.key_id} is no root key of this file",
                where="--key",
                required=f"one of {', '.join(listed)}",
            )


def _earlier(output: Path, raw: bytes, parties: Parties) -> SignedPayload | None:
    """The signatures that are there already, where they are on the same bytes."""
    try:
        found = read_signed(output)
    except TrustError as error:
        if error.code == "parties_missing":
            return None
        raise UsageError(
            f"What stands there cannot be read as a signed parties file, and is not replaced: {error.found}",
            where=str(output),
            mend="Move it away, or name another --output",
        ) from error
    if found.envelope.payload == raw:
        return found.envelope
    there = found.parties.version
    if there == parties.version:
        raise UsageError(
            f"What stands there has the version {there} too, and says something else",
            where=str(output),
            required="a higher version for every change",
        )
    if there > parties.version:
        raise UsageError(
            f"What stands there has the higher version {there}, and is not replaced by version {parties.version}",
            where=str(output),
            required=f"version {there + 1} or higher",
        )
    return None


def _replace(path: Path, text: str) -> None:
    """Writes a file whole or not at all; everybody may read it."""
    written: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        written = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(descriptor)
        written.chmod(0o644)
        written.replace(path)
    except OSError as error:
        if written:
            written.unlink(missing_ok=True)
        raise UsageError(f"The signed file cannot be written ({error.strerror})", where=str(path)) from error
