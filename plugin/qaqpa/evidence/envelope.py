# SPDX-License-Identifier: Apache-2.0
"""DSSE envelopes: made, read strictly, and verified one key at a time.

An envelope says nothing about who signed it. Its key ids are claims; `signed_by` asks whether a given key did.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signature, SSlibKey

from qaqpa.documents import DocumentError, parse_json
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.keys import PublicKey, SigningKey, fingerprint, read_public_key
from qaqpa.model import Json, JsonObject

IN_TOTO = "application/vnd.in-toto+json"
"""The payload type of in-toto statements; a name, never fetched."""

MAX_SIGNATURES = 32
"""Most signatures that one envelope may have."""

_FIELDS = {"payloadType", "payload", "signatures"}
_MAX_NAME = 200


@dataclass(frozen=True)
class SignedPayload:
    """What an envelope holds. `signatures` are pairs of a key id, as it is claimed, and a signature."""

    payload_type: str
    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]

    @cached_property
    def id(self) -> str:
        """SHA-256 of the payload, hexadecimal: the identity of what was signed, whoever signed it."""
        return hashlib.sha256(self.payload).hexdigest()

    @cached_property
    def signed_bytes(self) -> bytes:
        """What a signature is made over: DSSE's pre-authentication encoding of type and payload."""
        encoded: bytes = Envelope(self.payload, self.payload_type, {}).pae()
        return encoded


def is_envelope(value: Json) -> bool:
    """True for a JSON object that claims to be an envelope."""
    return isinstance(value, dict) and not _FIELDS.isdisjoint(value)


def parse_envelope(text: str) -> SignedPayload:
    """Reads an envelope strictly.

    Raises:
        StatementError: with code `malformed`.
    """
    try:
        value = parse_json(text, "envelope", places=False).value
    except DocumentError as error:
        raise StatementError("malformed", error.found) from error
    if not isinstance(value, dict) or set(value) != _FIELDS:
        raise StatementError("malformed", f"An envelope has exactly the fields {', '.join(sorted(_FIELDS))}.")
    payload_type, signatures = value["payloadType"], value["signatures"]
    if not isinstance(payload_type, str) or not 0 < len(payload_type) <= _MAX_NAME:
        raise StatementError("malformed", "The payload type is not a name.")
    if not isinstance(signatures, list) or not 0 < len(signatures) <= MAX_SIGNATURES:
        raise StatementError("malformed", f"An envelope has 1 to {MAX_SIGNATURES} signatures.")
    pairs = tuple(_pair(entry) for entry in signatures)
    if len({key_id for key_id, _ in pairs}) != len(pairs):
        raise StatementError("malformed", "A key id stands twice.")
    return SignedPayload(payload_type, _decoded(value["payload"], "payload"), pairs)


def sign(payload: bytes, payload_type: str, keys: Sequence[SigningKey], earlier: SignedPayload | None = None) -> str:
    """The text of an envelope that keys signed.

    Args:
        payload: what is signed.
        payload_type: what it is.
        keys: who signs.
        earlier: an envelope of the same payload, whose signatures are kept.

    Raises:
        StatementError: with code `malformed`: `earlier` holds something else, or there are no or too many signatures.
    """
    unsigned = SignedPayload(payload_type, payload, ())
    if earlier and (earlier.payload, earlier.payload_type) != (payload, payload_type):
        raise StatementError("malformed", "The envelope holds another payload.")
    signatures = dict(earlier.signatures if earlier else ())
    for key in keys:
        signatures[key.key_id] = key.sign(unsigned.signed_bytes)
    return render(_limited(SignedPayload(payload_type, payload, tuple(signatures.items()))))


def render(signed: SignedPayload) -> str:
    """The text of an envelope."""
    value: JsonObject = {
        "payloadType": signed.payload_type,
        "payload": base64.b64encode(signed.payload).decode(),
        "signatures": [
            {"keyid": key_id, "sig": base64.b64encode(signature).decode()} for key_id, signature in signed.signatures
        ],
    }
    return json.dumps(value, separators=(",", ":"))


def merged(first: SignedPayload, second: SignedPayload) -> SignedPayload:
    """Both envelopes as one; under the same key id the signature of the first is kept.

    Raises:
        StatementError: with code `malformed`: they hold different payloads, or have too many signatures together.
    """
    if (first.payload, first.payload_type) != (second.payload, second.payload_type):
        raise StatementError("malformed", "The two envelopes hold different payloads.")
    signatures = {**dict(second.signatures), **dict(first.signatures)}
    return _limited(SignedPayload(first.payload_type, first.payload, tuple(signatures.items())))


def signed_by(signed: SignedPayload, public: PublicKey) -> bool:
    """True where a signature under this key's own id is good. Never raises."""
    try:
        name = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        own, _ = _verifier(name)
        mine = [signature for key_id, signature in signed.signatures if key_id == own]
        digest = hashlib.sha256(signed.signed_bytes).digest() if mine else b""
        return any(_REMEMBERED.good(name, signature, digest, signed) for signature in mine)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is no good signature
        return False


class _Remembered:
    """Which signatures were good: the same evidence is verified at every decision, and never becomes different."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._good: dict[tuple[bytes, bytes, bytes], None] = {}
        self._lock = threading.Lock()

    def good(self, name: bytes, signature: bytes, digest: bytes, signed: SignedPayload) -> bool:
        """True for a good signature by a key, in DER, over the bytes of this digest. What is bad is not kept."""
        triple = (name, signature, digest)
        if triple in self._good:
            return True
        if not _verifies(_verifier(name)[1], signature, signed):
            return False
        with self._lock:
            if len(self._good) >= self._most:
                self._good.clear()
            self._good[triple] = None
        return True


_REMEMBERED = _Remembered(most=8_192)


def _verifies(key: SSlibKey, signature: bytes, signed: SignedPayload) -> bool:
    try:
        key.verify_signature(Signature(key.keyid, signature.hex()), signed.signed_bytes)
    except UnverifiedSignatureError:
        return False
    return True


# A key of the parties file verifies many envelopes.
@lru_cache(maxsize=512)
def _verifier(name: bytes) -> tuple[str, SSlibKey]:
    public = read_public_key(load_der_public_key(name).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())
    own = fingerprint(public)
    return own, SSlibKey.from_crypto(public, keyid=own)


def _limited(signed: SignedPayload) -> SignedPayload:
    if not 0 < len(signed.signatures) <= MAX_SIGNATURES:
        raise StatementError("malformed", f"An envelope has 1 to {MAX_SIGNATURES} signatures.")
    return signed


def _pair(entry: Json) -> tuple[str, bytes]:
    if not isinstance(entry, dict) or set(entry) != {"keyid", "sig"} or not isinstance(entry["keyid"], str):
        raise StatementError("malformed", "A signature has exactly the fields keyid and sig.")
    if not 0 < len(entry["keyid"]) <= _MAX_NAME:
        raise StatementError("malformed", "A key id is not a name.")
    return entry["keyid"], _decoded(entry["sig"], "signature")


def _decoded(value: Json, what: str) -> bytes:
    if not isinstance(value, str):
        raise StatementError("malformed", f"The {what} is not base64.")
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise StatementError("malformed", f"The {what} is not base64.") from error
    # Base64 has more than one text for some bytes; only the canonical one is read.
    if not decoded or base64.b64encode(decoded).decode() != value:
        raise StatementError("malformed", f"The {what} is not base64.")
    return decoded
