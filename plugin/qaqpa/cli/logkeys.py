# SPDX-License-Identifier: Apache-2.0
"""`qaqpa log announce`, and what `qaqpa doctor` says of the key that signs the decision log."""

from __future__ import annotations

import argparse
from pathlib import Path

from qaqpa.cli.logged import database_of, read_key, source_of
from qaqpa.config import LogSource
from qaqpa.errors import UsageError
from qaqpa.evidence.keys import fingerprint
from qaqpa.record.log.database import Database
from qaqpa.record.log.opening import open_log, signing_key
from qaqpa.record.log.putting import Draft
from qaqpa.record.log.signers import KEY, signers


def announce(args: argparse.Namespace) -> int:
    """Records, signed by the present key, which key is to sign from some day on.

    Raises:
        QaqpaError: a key cannot be read, or the log cannot be used.
    """
    database_of(args)
    log, following = open_log(source_of(args)), fingerprint(read_key(Path(args.key)))
    if following == log.key_id:
        raise UsageError("This key signs the decision log already", where=args.key)
    (row,) = log.append([Draft(KEY, {"next": following})]).numbers
    print(f"Row {row} announces {following}. Put it in the place of {log.key_id}, whose public key you keep.")
    return 0


def warning_of_key(source: LogSource) -> tuple[str, str]:
    """What is to be said of the configured key of a log that has rows: a sentence, and a warning; either may be empty.

    Raises:
        QaqpaError: the key or the log cannot be used.
    """
    key = signing_key(source)
    found = signers(Database(source), key.public_key)
    if not found.others:
        return "", ""
    if not found.is_new:
        return f"other keys signed some of the last {found.read} rows: {found.told}", ""
    said = f"the key {key.key_id} signed none of the last {found.read} rows of the decision log; {found.told} did"
    if found.announced:
        return f"{said}; row {found.announced} announces it", ""
    return "", f"WARNING: {said}, and no row announces it (qaqpa log announce)"
