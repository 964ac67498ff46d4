# SPDX-License-Identifier: Apache-2.0
"""`qaqpa keys`: makes a key to sign with, and shows the id of one."""

from __future__ import annotations

import argparse
from pathlib import Path

from qaqpa.cli.signing import add_passphrase_file, ask, passphrase_for, read_passphrase
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.keys import (
    KINDS,
    MAX_KEY_BYTES,
    PublicKey,
    fingerprint,
    load_signing_key,
    new_key,
    openssh,
    read_public_key,
    write_key,
)

_TRIES = 3
_REQUIRED = "an Ed25519 or ECDSA P-256 key, OpenSSH or PEM"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser("new", help="make a key")
    new.add_argument("path", metavar="PATH", help="file of the private key; the public one goes to PATH.pub")
    new.add_argument("--type", choices=KINDS, default=KINDS[0], help="kind of key; ed25519 by default")
    new.add_argument(
        "--comment", default="", metavar="TEXT", help="stands behind the public key, such as your party id"
    )
    add_passphrase_file(new)
    new.add_argument("--no-passphrase", action="store_true", help="leave the private key unencrypted")
    show = actions.add_parser("show", help="print the id and the public line of keys")
    show.add_argument("paths", nargs="+", metavar="PATH", help="public or private key")
    add_passphrase_file(show)


def run(args: argparse.Namespace) -> int:
    """Makes a key, or shows some.

    Raises:
        UsageError: a file cannot be read or written, or a passphrase is needed and there is none.
    """
    if args.action == "new":
        _new(args)
    else:
        for path in args.paths:
            _show(*_public(path, args.passphrase_file))
    return 0


def _new(args: argparse.Namespace) -> None:
    if args.passphrase_file and args.no_passphrase:
        raise UsageError("Both --passphrase-file and --no-passphrase are there", required="one of them")
    if any(not character.isprintable() for character in args.comment):
        raise UsageError("The comment holds what cannot be printed", where="--comment", required="one line of text")
    passphrase = None if args.no_passphrase else _chosen(args.passphrase_file)
    private = new_key(args.type)
    write_key(args.path, private, passphrase, args.comment)
    print(f"wrote {visible(args.path)} (private, keep it) and {visible(args.path)}.pub")
    _show(private.public_key(), args.comment)
    print("A person's key: give the public line to whoever keeps the parties file; nothing signed counts before that.")
    print("The key of a gate: keep it out of the parties file, and give the .pub file to whoever verifies.")


def _chosen(file: str | None) -> bytes:
    if file:
        return read_passphrase(file)
    for _ in range(_TRIES):
        first = ask("Passphrase for the new key: ")
        if first and first == ask("Again: "):
            return first
        print("They differ, or are empty.")
    raise UsageError("No passphrase was chosen", mend="Try again, or add --no-passphrase")


def _show(public: PublicKey, comment: str) -> None:
    line = openssh(public, comment)
    kind = "ED25519" if line.startswith("ssh-ed25519") else "ECDSA P-256"
    print(f"{fingerprint(public)}  {kind}")
    print(visible(line, MAX_KEY_BYTES))


def _public(path: str, passphrase_file: str | None) -> tuple[PublicKey, str]:
    """The public key of a file, or of the file beside it, and its comment; the private file is the last resort."""
    beside = Path(f"{path}.pub")
    text = _text(Path(path))
    if "PRIVATE KEY" not in text:
        return _parsed(text, path)
    if beside.is_file():
        return _parsed(_text(beside), str(beside))
    return load_signing_key(path, passphrase_for(path, passphrase_file)).public_key, ""


def _parsed(text: str, path: str) -> tuple[PublicKey, str]:
    try:
        public = read_public_key(text)
    except ValueError as error:
        # The reason may quote the file, which may be a secret.
        raise UsageError("This is no key that can be shown", where=visible(path), required=_REQUIRED) from error
    parts = text.split(maxsplit=2)
    is_line = text.startswith(("ssh-", "ecdsa-"))
    return public, parts[2].strip() if is_line and len(parts) > 2 else ""  # noqa: PLR2004 - type, key and comment


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_KEY_BYTES + 1)
    except OSError as error:
        raise UsageError(f"The file cannot be read ({error.strerror})", where=visible(path)) from error
    if len(raw) > MAX_KEY_BYTES:
        raise UsageError("The file is too large for a key", where=visible(path))
    return raw.decode("utf-8", errors="replace")
