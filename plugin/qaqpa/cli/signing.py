# SPDX-License-Identifier: Apache-2.0
"""Keys on the command line: which files sign, and where a passphrase comes from."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.keys import SigningKey, load_signing_key

_MAX_PASSPHRASE_BYTES = 1024


def add_key_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--key` and `--passphrase-file`."""
    parser.add_argument(
        "--key", action="append", default=[], metavar="FILE", help="private key that signs, OpenSSH or PEM; repeatable"
    )
    add_passphrase_file(parser)


def add_passphrase_file(parser: argparse.ArgumentParser) -> None:
    """Adds `--passphrase-file`."""
    parser.add_argument(
        "--passphrase-file", metavar="FILE", help="file with the passphrase of encrypted keys; asked for by default"
    )


def signers_of(args: argparse.Namespace) -> list[SigningKey]:
    """The keys that the arguments name, each once.

    Raises:
        UsageError: a key cannot be used, stands twice, or is encrypted and no passphrase is there.
    """
    found: dict[str, SigningKey] = {}
    for path in args.key:
        key = load_signing_key(path, passphrase_for(path, args.passphrase_file))
        if key.key_id in found:
            raise UsageError(f"The key {key.key_id} is named twice", where=visible(path), required="each key once")
        found[key.key_id] = key
    return list(found.values())


def passphrase_for(path: str, file: str | None) -> Callable[[], bytes]:
    """What gives the passphrase of a key: the file, else a question on the terminal."""
    return partial(read_passphrase, file) if file else partial(_asked, path)


def read_passphrase(file: str) -> bytes:
    """The first line of a file, without its line break.

    Raises:
        UsageError: the file cannot be read, or holds no passphrase.
    """
    try:
        with Path(file).open("rb") as opened:
            line = opened.readline(_MAX_PASSPHRASE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"The file cannot be read ({error.strerror})", where=visible(file)) from error
    passphrase = line.rstrip(b"\r\n")
    if not passphrase or len(passphrase) > _MAX_PASSPHRASE_BYTES:
        raise UsageError(
            "The file holds no passphrase",
            where=visible(file),
            required=f"one line of at most {_MAX_PASSPHRASE_BYTES} bytes",
        )
    return passphrase


def ask(question: str) -> bytes:
    """A passphrase from the terminal, unseen.

    Raises:
        UsageError: there is no terminal.
    """
    if not sys.stdin.isatty():
        raise UsageError("A passphrase is needed, and there is no terminal to ask", mend="Add --passphrase-file FILE")
    return getpass.getpass(question).encode()


def _asked(path: str) -> bytes:
    return ask(f"Passphrase of {visible(path)}: ")
