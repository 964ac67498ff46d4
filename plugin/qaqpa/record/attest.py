# SPDX-License-Identifier: Apache-2.0
"""Signs a verdict with the gate's key, and writes it in two forms around one envelope: both, or none."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from qaqpa.errors import UndecidedError, UsageError
from qaqpa.evidence.envelope import IN_TOTO, parse_envelope, sign, signed_by
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.keys import PublicKey, SigningKey

DSSE_FILE, BUNDLE_FILE = "verdict.dsse.json", "verdict.sigstore.json"
"""The envelope as it is, and the same envelope in a Sigstore bundle."""

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
"""The media type of the bundle; a name, never fetched."""


def check_gate_key(public: PublicKey, where: str) -> None:
    """Refuses a key that gates do not sign with.

    ECDSA P-256 is what key services, HSMs and other verifiers of attestations all speak.

    Raises:
        UsageError: it is of another type.
    """
    if not isinstance(public, EllipticCurvePublicKey):
        raise UsageError(
            "A verdict is signed with another type of key",
            where=where,
            required="ECDSA P-256",
            mend="`qaqpa keys new gate.key --type p256` makes one",
        )


def signed_files(payload: bytes, key: SigningKey) -> dict[str, str]:
    """A signed verdict in both forms, by file name.

    Args:
        payload: the statement.
        key: the gate's; see `check_gate_key`.

    Raises:
        UndecidedError: the key, or what holds it, gave no good signature.
    """
    try:
        text = sign(payload, IN_TOTO, [key])
        good = signed_by(parse_envelope(text), key.public_key)
    except StatementError as error:
        raise UndecidedError(f"The verdict cannot be signed: {error.detail}", where=key.key_id) from error
    except Exception as error:
        # A service that holds keys has errors of its own.
        raise UndecidedError(f"The verdict cannot be signed ({type(error).__name__})", where=key.key_id) from error
    if not good:
        raise UndecidedError("The key gave a signature that is not its own", where=key.key_id)
    bundle = {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {"publicKey": {"hint": key.key_id}, "tlogEntries": []},
        "dsseEnvelope": json.loads(text),
    }
    return {DSSE_FILE: f"{text}\n", BUNDLE_FILE: json.dumps(bundle, separators=(",", ":")) + "\n"}


def take_away(directory: Path) -> None:
    """Takes away an earlier verdict, so that nobody takes it for that of a run which gave none.

    Raises:
        UsageError: it cannot be taken away.
    """
    try:
        for name in (DSSE_FILE, BUNDLE_FILE):
            (directory / name).unlink(missing_ok=True)
    except OSError as error:
        found = f"The earlier verdict cannot be taken away ({error.strerror})"
        raise UsageError(found, where=str(directory)) from error


def write_files(directory: Path, files: Mapping[str, str]) -> None:
    """Writes files into a directory, which is made where it is missing: all of them, or none.

    Raises:
        UsageError: they cannot be written.
    """
    scratch: dict[Path, Path] = {}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            scratch[directory / name] = _beside(directory, text)
        for path, written in scratch.items():
            written.replace(path)
    except OSError as error:
        _without(scratch)
        raise UsageError(f"The verdict cannot be written ({error.strerror})", where=str(directory)) from error
    finally:
        _without(scratch.values())


def _without(paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _beside(directory: Path, text: str) -> Path:
    descriptor, path = tempfile.mkstemp(prefix=".qaqpa-", dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(path).chmod(0o644)
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise
    return Path(path)
