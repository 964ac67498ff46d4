# SPDX-License-Identifier: Apache-2.0
"""Public keys of gates, from files."""

from __future__ import annotations

from pathlib import Path

from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.keys import MAX_KEY_BYTES, PublicKey, read_public_key
from qaqpa.record.attest import check_gate_key


def read_gate_key(path: str) -> PublicKey:
    """A gate's public key, OpenSSH or PEM.

    Raises:
        UsageError: the file cannot be read, or holds no ECDSA P-256 key.
    """
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_KEY_BYTES + 1).decode()
        public = read_public_key(text)
    except OSError as error:
        raise UsageError(f"The key cannot be read ({error.strerror})", where=visible(path)) from error
    except ValueError as error:
        raise UsageError(f"The key cannot be read: {error}", where=visible(path)) from error
    check_gate_key(public, visible(path))
    return public
