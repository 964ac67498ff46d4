# SPDX-License-Identifier: Apache-2.0
"""Signs a bundle for OPA servers, so that they load it from anywhere and no other.

OPA itself says what has to be signed, and checks the result. The private key stays in this process: OPA is given a key
of a moment for that question, and the answer is signed again here.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from qaqpa.errors import UndecidedError, UsageError
from qaqpa.evidence.keys import SigningKey
from qaqpa.model import JsonObject
from qaqpa.policy.bundle import MANIFEST, SERVER_BUNDLE
from qaqpa.policy.opa import PolicyError, run_opa

ALGORITHM = "ES256"
"""ECDSA on P-256 over SHA-256, as JSON Web Signatures name it."""

KEY_NAME = SCOPE = "qaqpa"
"""What the key is called in OPA's configuration, and what the signature is good for."""

SIGNATURES = ".signatures.json"
_NUMBER_BYTES = 32


def sign_bundle(compiled: Path, key: SigningKey, out: Path) -> str:
    """Writes the bundle of compiled policies with a signature, and returns the public key in PEM.

    Args:
        compiled: a directory made by `qaqpa.policy.compile.build`.
        key: ECDSA P-256.
        out: the file to write, which is replaced.

    Raises:
        UsageError: the key is of another kind, or the file cannot be written.
        PolicyError: OPA is missing, or does not accept what was signed.
        UndecidedError: the bundle is not the one that was compiled.
    """
    public = key.public_key
    if not isinstance(public, EllipticCurvePublicKey):
        raise UsageError(
            "OPA checks no signatures of such a key",
            required="an ECDSA P-256 key",
            mend="qaqpa keys new --type p256 bundle.key",
        )
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    bundle = _compiled_bundle(compiled)
    with tempfile.TemporaryDirectory() as scratch:
        source, signed, trusted = (
            Path(scratch, name) for name in (SERVER_BUNDLE, f"signed-{SERVER_BUNDLE}", "key.pem")
        )
        source.write_bytes(bundle)
        token = _token({**_to_sign(source), "scope": SCOPE}, key)
        signed.write_bytes(_with_signature(bundle, token))
        trusted.write_text(pem)
        _check(signed, trusted)
        content = signed.read_bytes()
    _replace(out, content)
    return pem


def _compiled_bundle(compiled: Path) -> bytes:
    try:
        named = json.loads((compiled / MANIFEST).read_bytes())["sha256"][SERVER_BUNDLE]
        content = (compiled / SERVER_BUNDLE).read_bytes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UndecidedError(f"The bundle cannot be read ({error})", where=str(compiled)) from error
    if hashlib.sha256(content).hexdigest() != named:
        raise UndecidedError(
            f"{SERVER_BUNDLE} is not the file that the manifest names",
            where=str(compiled),
            mend="Compile the policies again with `qaqpa policy build`, or install Qaqpa again",
        )
    return content


def _to_sign(bundle: Path) -> JsonObject:
    """The files of a bundle and their digests, as OPA counts them: of JSON it hashes what it means."""
    passing = bundle.with_name("passing.pem")
    passing.touch(mode=0o600)
    passing.write_bytes(
        generate_private_key(SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    options = ["--signing-key", str(passing), "--signing-alg", ALGORITHM, "--bundle", bundle.name, "-o", "."]
    run_opa(["sign", *options], bundle.parent)
    (token,) = json.loads((bundle.parent / SIGNATURES).read_bytes())["signatures"]
    payload = token.split(".")[1]
    found: JsonObject = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return {"files": found["files"]}


def _token(payload: JsonObject, key: SigningKey) -> str:
    """A JSON Web Token, signed; its header names the key as OPA's configuration does."""
    header = {"alg": ALGORITHM, "kid": KEY_NAME, "typ": "JWT"}
    signing = ".".join(_encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, payload))
    numbers = decode_dss_signature(key.sign(signing.encode()))
    return f"{signing}.{_encoded(b''.join(number.to_bytes(_NUMBER_BYTES, 'big') for number in numbers))}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _with_signature(bundle: bytes, token: str) -> bytes:
    """The same archive, with the signature as one file more."""
    content = json.dumps({"signatures": [token]}).encode()
    target = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(bundle)) as old,
        gzip.GzipFile(fileobj=target, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as new,
    ):
        for member in old:
            new.addfile(member, old.extractfile(member))
        entry = tarfile.TarInfo(f"/{SIGNATURES}")
        entry.size, entry.mode = len(content), 0o600
        new.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def _check(signed: Path, trusted: Path) -> None:
    """Has OPA read what was signed, as a server would."""
    options = ["--verification-key", trusted.name, "--verification-key-id", KEY_NAME, "--signing-alg", ALGORITHM]
    try:
        run_opa(["build", *options, "--scope", SCOPE, "-b", signed.name, "-o", "checked.tar.gz"], signed.parent)
    except PolicyError as error:
        raise PolicyError(f"OPA does not accept the signed bundle: {error}") from error


def _replace(out: Path, content: bytes) -> None:
    fresh = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        fresh.write_bytes(content)
        fresh.replace(out)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise UsageError(f"The bundle cannot be written ({error.strerror})", where=str(out)) from error
