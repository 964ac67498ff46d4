# SPDX-License-Identifier: Apache-2.0
"""Public keys of gates, from files."""

from __future__ import annotations

import os
import stat

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
        # Opening never waits, not even for a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UsageError("The key is no regular file", where=visible(path))
            text = file.read(MAX_KEY_BYTES + 1).decode()
        public = read_public_key(text)
    except OSError as error:
        raise UsageError(f"The key cannot be read ({error.strerror})", where=visible(path)) from error
    except ValueError as error:
        raise UsageError(f"The key cannot be read: {error}", where=visible(path)) from error
    check_gate_key(public, visible(path))
    return public
