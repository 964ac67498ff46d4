# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: size and Merkle root of the log as a signed note (C2SP tlog-checkpoint), to be kept elsewhere."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from qaqpa.errors import UsageError
from qaqpa.evidence.keys import PublicKey, SigningKey

MAX_NOTE_BYTES = 20_000
"""Largest note that is read, bytes."""

_ORIGIN = "qaqpa.log/"
_SIZE = re.compile("0|[1-9][0-9]{0,17}", re.ASCII)
_LOG = re.compile("[0-9a-f]{32}")
_SIGNATURE = re.compile("\u2014 (\\S+) (\\S+)")
_ED25519 = b"\x01"
_KEY_ID_BYTES, _HASH_BYTES = 4, 32
_FIXED_LINES = 3


@dataclass(frozen=True)
class Checkpoint:
    """A log's id, how many rows it had, and the Merkle root over them, 32 bytes."""

    log: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{_ORIGIN}{self.log}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def make_note(checkpoint: Checkpoint, key: SigningKey) -> str:
    """The signed note of a checkpoint."""
    name = f"{_ORIGIN}{checkpoint.log}"
    signed = key_number(name, key.public_key) + key.sign(checkpoint.text.encode())
    return f"{checkpoint.text}\n\u2014 {name} {base64.b64encode(signed).decode()}\n"


def read_note(text: str, keys: Iterable[PublicKey], where: str) -> Checkpoint:
    """The checkpoint of a note that one of the keys signed.

    Args:
        text: the note.
        keys: whose signatures count.
        where: the note's name, for messages.

    Raises:
        UsageError: it is no such note, or none of the keys signed it.
    """
    body, found, rest = text.rpartition("\n\n")
    checkpoint = _checkpoint(f"{body}\n", where) if found else None
    if checkpoint is None or f"{body}\n" != checkpoint.text:
        raise _misfit(where)
    for line in rest.splitlines():
        match = _SIGNATURE.fullmatch(line)
        if match and match[1] == f"{_ORIGIN}{checkpoint.log}" and _is_good(checkpoint, match[1], match[2], keys):
            return checkpoint
    raise UsageError(
        "None of the keys of this log signed this checkpoint",
        where=where,
        mend="Name the public key of the gate that made it, with --public-key",
    )


def key_number(name: str, public: PublicKey) -> bytes:
    """The four bytes by which a note names a key."""
    if isinstance(public, Ed25519PublicKey):
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return hashlib.sha256(name.encode() + b"\n" + _ED25519 + raw).digest()[:_KEY_ID_BYTES]
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()[:_KEY_ID_BYTES]


def _checkpoint(text: str, where: str) -> Checkpoint | None:
    lines = text.splitlines()
    if len(lines) != _FIXED_LINES or not lines[0].startswith(_ORIGIN) or not _SIZE.fullmatch(lines[1]):
        raise _misfit(where)
    root, log = _decoded(lines[2]), lines[0].removeprefix(_ORIGIN)
    return Checkpoint(log, int(lines[1]), root) if len(root) == _HASH_BYTES and _LOG.fullmatch(log) else None


def _is_good(checkpoint: Checkpoint, name: str, text: str, keys: Iterable[PublicKey]) -> bool:
    signed = _decoded(text)
    data, number, signature = checkpoint.text.encode(), signed[:_KEY_ID_BYTES], signed[_KEY_ID_BYTES:]
    for public in keys:
        if key_number(name, public) != number:
            continue
        try:
            if isinstance(public, Ed25519PublicKey):
                public.verify(signature, data)
            else:
                public.verify(signature, data, ECDSA(hashes.SHA256()))
        except InvalidSignature:
            continue
        return True
    return False


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _misfit(where: str) -> UsageError:
    return UsageError("This is no checkpoint of a decision log", where=where, mend="`qaqpa log checkpoint` makes one")
