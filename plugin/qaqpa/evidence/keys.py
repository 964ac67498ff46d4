# SPDX-License-Identifier: Apache-2.0
"""Keys that people sign with: Ed25519 and ECDSA P-256, in OpenSSH or PEM files, named by their OpenSSH fingerprint."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeAlias

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from qaqpa.errors import UsageError

PublicKey: TypeAlias = Ed25519PublicKey | EllipticCurvePublicKey
PrivateKey: TypeAlias = Ed25519PrivateKey | EllipticCurvePrivateKey

MAX_KEY_BYTES = 20_000
"""Largest key file that is read, bytes."""

MAX_PASSPHRASE_BYTES = 1000
"""Longest passphrase, bytes."""

KINDS = ("ed25519", "p256")
"""The kinds of keys that are made and accepted."""

_PEM_BEGIN = "-----BEGIN"
_REQUIRED = "an Ed25519 or ECDSA P-256 key"
_MAX_COMMENT = 200
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class SigningKey(Protocol):
    """Something that signs: a key in a file here, and room for one that never leaves its device or service."""

    @property
    def public_key(self) -> PublicKey:
        """The public half."""

    @property
    def key_id(self) -> str:
        """OpenSSH's SHA-256 fingerprint of the public half."""

    def sign(self, data: bytes) -> bytes:
        """A signature: 64 bytes for Ed25519; DER, over SHA-256, for P-256."""


@dataclass(frozen=True)
class FileKey:
    """A private key that was read from a file."""

    private: PrivateKey

    @cached_property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self.private.public_key()

    @cached_property
    def key_id(self) -> str:
        """OpenSSH's SHA-256 fingerprint of the public half."""
        return fingerprint(self.public_key)

    def sign(self, data: bytes) -> bytes:
        """A signature over data."""
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(data)
        return self.private.sign(data, ECDSA(hashes.SHA256()))


def fingerprint(public: PublicKey) -> str:
    """The key id: `SHA256:` and 43 characters, as `ssh-keygen -l` prints it."""
    digest = serialization.ssh_key_fingerprint(public, hashes.SHA256())
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def read_public_key(text: str) -> PublicKey:
    """A public key from one OpenSSH line, or from PEM.

    Raises:
        ValueError: it is neither, or a key of another type; saying so.
    """
    if len(text) > MAX_KEY_BYTES:
        raise ValueError("the key is too long")
    if "PRIVATE KEY" in text:
        raise ValueError("this is a private key, which belongs to nobody but its owner")
    line = text.strip()
    is_pem = line.startswith(_PEM_BEGIN)
    if is_pem and not (line.count(_PEM_BEGIN) == 1 and line.endswith("-----END PUBLIC KEY-----")):
        raise ValueError("this is PEM with something else beside one public key")
    if not is_pem and len(line.splitlines()) > 1:
        raise ValueError("this is more than one line")
    try:
        raw = line.encode()
        key = serialization.load_pem_public_key(raw) if is_pem else serialization.load_ssh_public_key(raw)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"this is not a public key that can be read ({error})") from error
    if not isinstance(key, Ed25519PublicKey) and not (isinstance(key, EllipticCurvePublicKey) and _is_p256(key)):
        raise ValueError(f"this is a key of another type; required: {_REQUIRED}")
    # A certificate would be read as the key inside it, without its dates and names.
    if not is_pem and openssh(key).split() != line.split()[:2]:
        raise ValueError("this is a certificate, or not the usual form of a key")
    return key


def openssh(public: PublicKey, comment: str = "") -> str:
    """The line of a public key in OpenSSH's format."""
    line = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    return f"{line} {comment}".rstrip()


def load_signing_key(path: str | Path, passphrase: Callable[[], bytes]) -> SigningKey:
    """A private key from an OpenSSH or PEM file.

    Args:
        path: the file, which nobody but its owner may read.
        passphrase: is asked for the passphrase where the file is encrypted.

    Raises:
        UsageError: the file cannot be read, is open to others, holds no such key, or the passphrase is wrong.
    """
    raw = _read_private(Path(path))
    try:
        key = _load(raw, None)
    except TypeError:
        key = _unlocked(raw, passphrase(), str(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(
            "This is not a private key that can be read",
            where=str(path),
            required=f"{_REQUIRED}, OpenSSH or PEM, encrypted with the default cipher of ssh-keygen if at all",
        ) from error
    if isinstance(key, Ed25519PrivateKey) or (isinstance(key, EllipticCurvePrivateKey) and _is_p256(key)):
        return FileKey(key)
    raise UsageError("This is a key of another type", where=str(path), required=_REQUIRED)


def new_key(kind: str) -> PrivateKey:
    """A new private key of a kind of `KINDS`.

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
    return Ed25519PrivateKey.generate() if kind == "ed25519" else generate_private_key(SECP256R1())


def write_key(path: str | Path, private: PrivateKey, passphrase: bytes | None, comment: str) -> None:
    """Writes a private key, readable by its owner only, and beside it the public one as `<path>.pub`.

    Args:
        path: the private key's file.
        private: the key.
        passphrase: encrypts it; None leaves it open.
        comment: stands in the public line.

    Raises:
        UsageError: one of the files exists already or cannot be written, and then neither is left behind; or the
            passphrase or the comment cannot be used.
    """
    secret = Path(path)
    if not comment.isprintable() or len(comment) > _MAX_COMMENT:
        required = f"one line of at most {_MAX_COMMENT} characters"
        raise UsageError("The comment cannot stand in a public line", where=str(path), required=required)
    if passphrase is not None and not 0 < len(passphrase) <= MAX_PASSPHRASE_BYTES:
        required = f"1 to {MAX_PASSPHRASE_BYTES} bytes"
        raise UsageError("The passphrase cannot be used", where=str(path), required=required)
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    encoded = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, encryption)
    public = secret.with_name(f"{secret.name}.pub")
    written: list[Path] = []
    try:
        for file, content, mode in ((secret, encoded, 0o600), (public, _line(private, comment), 0o644)):
            _write_new(file, content, mode, written)
    except BaseException:
        for file in written:
            with suppress(OSError):
                file.unlink()
        raise


def _line(private: PrivateKey, comment: str) -> bytes:
    return f"{openssh(private.public_key(), comment)}\n".encode()


def _write_new(path: Path, content: bytes, mode: int, written: list[Path]) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        written.append(path)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except FileExistsError as error:
        raise UsageError("The file exists already", where=str(path), mend="Name another one") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"The key cannot be written ({_reason(error)})", where=str(path)) from error


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            raw = file.read(MAX_KEY_BYTES + 1) if stat.S_ISREG(found.st_mode) else None
    except (OSError, ValueError) as error:
        raise UsageError(f"The key cannot be read ({_reason(error)})", where=str(path)) from error
    if raw is None:
        raise UsageError("This is no file", where=str(path), required="a private key")
    if len(raw) > MAX_KEY_BYTES:
        raise UsageError("The file is too large for a key", where=str(path), required=f"at most {MAX_KEY_BYTES} bytes")
    if b"PRIVATE KEY" not in raw:
        raise UsageError("This is not a private key", where=str(path), mend="Name the file without .pub")
    if found.st_mode & _OTHERS:
        raise UsageError("Others may read this private key", where=str(path), mend=f"chmod 600 {path}")
    return raw


def _reason(error: Exception) -> object:
    return error.strerror if isinstance(error, OSError) else error


def _load(raw: bytes, password: bytes | None) -> object:
    if b"BEGIN OPENSSH" in raw:
        return serialization.load_ssh_private_key(raw, password)
    return serialization.load_pem_private_key(raw, password)


def _unlocked(raw: bytes, password: bytes, where: str) -> object:
    try:
        return _load(raw, password)
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidTag) as error:
        raise UsageError("The passphrase does not open this key", where=where, mend="Try again") from error


def _is_p256(key: EllipticCurvePublicKey | EllipticCurvePrivateKey) -> bool:
    return isinstance(key.curve, SECP256R1)
