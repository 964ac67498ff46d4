# SPDX-License-Identifier: Apache-2.0
"""Opens the log that the configuration names, with the key that signs it."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from qaqpa.config import LogSource
from qaqpa.errors import UsageError
from qaqpa.evidence.keys import SigningKey, load_signing_key, new_key, openssh
from qaqpa.record.log.database import Database
from qaqpa.record.log.decisions import DecisionLog
from qaqpa.record.log.writer import Writer


def open_log(source: LogSource) -> DecisionLog:
    """The log for appending. The key of a file of SQLite is made where it is missing; the tables at the first append.

    Raises:
        UsageError: the key or the driver is missing or cannot be used.
    """
    key = signing_key(source)
    database = Database(source)
    return DecisionLog(database, Writer(database, key, source.timeout_seconds))


def signing_key(source: LogSource) -> SigningKey:
    """The key that signs rows.

    Raises:
        UsageError: it is missing or cannot be used.
    """
    path = source.key_file
    if source.key is None and source.is_file and not path.exists():
        if source.file.exists() and source.file.stat().st_size:
            mend = "Put the key back, or name it as log.key"
            raise UsageError("The decision log is there, and the key that signs it is not", where=str(path), mend=mend)
        _make_key(path)
    return load_signing_key(path, _no_passphrase)


def _no_passphrase() -> NoReturn:
    raise UsageError("The key of the decision log has a passphrase", required="a key that a server can use by itself")


def _make_key(path: Path) -> None:
    """Makes a key whole or not at all: other processes of the server may be doing the same."""
    private = new_key("p256")
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = f"{openssh(private.public_key(), 'qaqpa decision log')}\n".encode()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _placed(path, secret, 0o600):
            _placed(path.with_name(f"{path.name}.pub"), public, 0o644)
    except OSError as error:
        raise UsageError(f"The key of the decision log cannot be made ({error.strerror})", where=str(path)) from error


def _placed(path: Path, data: bytes, mode: int) -> bool:
    """Writes a file under another name and links it; False where somebody else's is there already."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(beside, path)
        except FileExistsError:
            return False
        return True
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()
