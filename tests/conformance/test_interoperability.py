# SPDX-License-Identifier: Apache-2.0
"""Envelopes are those of everybody else: what we sign verifies elsewhere, and what others sign counts here.

`@sigstore/verify` under Node shares no code with ours. The `in-toto` package would: it stands on securesystemslib, as
ours does.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, SSlibKey

from qaqpa.documents import parse_yaml
from qaqpa.evidence.carriers import Carried, tag_key
from qaqpa.evidence.envelope import IN_TOTO, parse_envelope, sign
from qaqpa.evidence.keys import FileKey, SigningKey, load_signing_key
from qaqpa.evidence.kinds import kind
from qaqpa.evidence.parties import Parties, parse_parties
from qaqpa.gate import decide
from qaqpa.model import Strength, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from support.contents import contents
from support.directories import sign as attest
from support.directories import write_system
from support.keyring import key_entry, organisation, person, private_key_file, signing_key, to_yaml
from support.statements import NOW, Known, everything, payload, request

Sigstore = Callable[[list[dict[str, Any]]], list[str]]

Verify = Callable[[list[tuple[str, SigningKey]]], list[str]]
"""Takes envelopes with the keys to verify them with; gives `good` or the code of the refusal for each."""


@pytest.fixture(scope="module")
def verify(sigstore: Sigstore) -> Verify:
    """The independent implementation, asked about envelopes."""

    def call(asked: list[tuple[str, SigningKey]]) -> list[str]:
        return sigstore([{"envelope": json.loads(text), "key": _pem(key), "keyId": key.key_id} for text, key in asked])

    return call


@pytest.fixture(params=[0, 1], ids=["ed25519", "p256"])
def key(request: pytest.FixtureRequest) -> SigningKey:
    """A key of the auditor, of either type."""
    return signing_key("auditor", request.param)


def test_what_attest_signed_verifies_elsewhere(verify: Verify, tmp_path: Path) -> None:
    root = write_system(tmp_path / "system")
    assert attest(root, "model_card", root / "evidence" / "model_card.yaml") == 0
    text = (root / "evidence" / "model_card.json").read_text("utf-8")
    assert parse_envelope(text).payload_type == IN_TOTO
    assert verify([(text, signing_key("trainer")), (text, signing_key("owner"))]) == ["good", "SIGNATURE_ERROR"]


def test_what_attest_signed_with_p256_verifies_elsewhere(verify: Verify, tmp_path: Path) -> None:
    root = write_system(tmp_path / "system")
    draft = root / "evidence" / "model_card.yaml"
    options = ["--key", str(private_key_file(tmp_path, "trainer", 1))]
    assert attest(root, "model_card", draft, *options, signers=[]) == 0
    text = (root / "evidence" / "model_card.json").read_text("utf-8")
    assert verify([(text, signing_key("trainer", 1)), (text, signing_key("owner", 1))]) == ["good", "SIGNATURE_ERROR"]


def test_what_was_altered_is_refused_elsewhere_too(verify: Verify, key: SigningKey) -> None:
    text = sign(_audit(), IN_TOTO, [key])
    statement = parse_envelope(text).payload
    assert b'"positive"' in statement
    altered = {
        "payload": _b64(statement.replace(b'"positive"', b'"negative"')),
        "payloadType": IN_TOTO + "x",
        "signatures": [{"keyid": key.key_id, "sig": _flipped(json.loads(text)["signatures"][0]["sig"])}],
    }
    spoiled = [json.dumps({**json.loads(text), name: value}) for name, value in altered.items()]
    assert verify([(each, key) for each in [text, *spoiled]]) == ["good", *["SIGNATURE_ERROR"] * len(altered)]


def test_a_signature_that_was_added_later_verifies_elsewhere(verify: Verify) -> None:
    first, second = signing_key("auditor"), signing_key("auditor2", 1)
    text = sign(_audit(), IN_TOTO, [second], parse_envelope(sign(_audit(), IN_TOTO, [first])))
    # A bundle has room for one signature.
    alone = [json.dumps({**json.loads(text), "signatures": [own]}) for own in json.loads(text)["signatures"]]
    assert verify(list(zip(alone, [first, second], strict=True))) == ["good", "good"]
    assert verify(list(zip(alone, [second, first], strict=True))) == ["SIGNATURE_ERROR", "SIGNATURE_ERROR"]


def test_what_securesystemslib_signed_counts(key: SigningKey, engine: EmbeddedEngine) -> None:
    text = _signed_by_securesystemslib(_audit(), key)
    assert _decided(engine, text) == (Verdict.ALLOW, Strength.INDEPENDENT, [])


def test_what_securesystemslib_signed_under_its_own_key_id_does_not_count(
    key: SigningKey, engine: EmbeddedEngine
) -> None:
    text = _signed_by_securesystemslib(_audit(), key, own_id=True)
    assert _decided(engine, text) == (Verdict.DENY, None, ["untrusted_signature"])


def test_what_securesystemslib_signed_and_somebody_altered_does_not_count(
    key: SigningKey, engine: EmbeddedEngine
) -> None:
    signed = json.loads(_signed_by_securesystemslib(_audit(issued_at=NOW), key))
    altered = json.dumps({**signed, "payload": _b64(_audit())})
    assert _decided(engine, altered) == (Verdict.DENY, None, ["untrusted_signature"])


@pytest.mark.parametrize("number", [0, 1], ids=["ed25519", "p256"])
def test_key_id_is_what_ssh_keygen_prints(tmp_path: Path, number: int) -> None:
    private = private_key_file(tmp_path, "auditor", number)
    assert _fingerprint(private) == _fingerprint(private.with_name(f"{private.name}.pub"))
    assert _fingerprint(private) == signing_key("auditor", number).key_id


@pytest.mark.parametrize("options", [["-t", "ed25519"], ["-t", "ecdsa", "-b", "256"]], ids=["ed25519", "p256"])
def test_a_key_of_ssh_keygen_has_the_same_id_here(tmp_path: Path, options: list[str]) -> None:
    private = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", *options, "-N", "", "-f", str(private)], check=True, timeout=60)
    statement = parse_envelope(sign(b"x", IN_TOTO, [load_signing_key(private, bytes)]))
    assert [key_id for key_id, _ in statement.signatures] == [_fingerprint(private)]


def _audit(**changes: Any) -> bytes:
    return payload(contents(NOW)["audit"], **changes)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _flipped(signature: str) -> str:
    raw = bytearray(base64.b64decode(signature))
    raw[-1] ^= 1
    return _b64(bytes(raw))


def _pem(key: SigningKey) -> str:
    return key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _signed_by_securesystemslib(statement: bytes, key: SigningKey, *, own_id: bool = False) -> str:
    """An envelope that none of our code made; under the fingerprint, or under the id that securesystemslib computes."""
    assert isinstance(key, FileKey)
    public = SSlibKey.from_crypto(key.public_key, keyid=None if own_id else key.key_id)
    made = Envelope(statement, IN_TOTO, {})
    made.sign(CryptoSigner(key.private, public))
    return json.dumps(made.to_dict(), indent=1)


def _fingerprint(file: Path) -> str:
    printed = subprocess.run(["ssh-keygen", "-l", "-f", str(file)], check=True, capture_output=True, timeout=60).stdout
    return printed.decode().split()[1]


def _both_keys_listed() -> Parties:
    value = organisation(NOW)
    person(value, "auditor")["keys"].append(key_entry(NOW, "auditor", 1))
    return parse_parties(parse_yaml(to_yaml(value), "parties.yaml"))


def _decided(engine: EmbeddedEngine, audit: str) -> tuple[Verdict, Strength | None, list[str]]:
    """The verdict on everything with another audit, its strength where it counts, and the codes of what was refused."""
    others = [piece for piece in everything() if piece.kind != "audit"]
    source = f"tag {tag_key(kind('audit'), parse_envelope(audit).payload)}"
    asked = request([*others, Carried(source, audit, "audit")], trust=Known(_both_keys_listed()))
    strength = next((fact.strength for fact in asked.evidence if fact.kind == "audit"), None)
    return decide(asked, engine).verdict, strength, [refusal.code for refusal in asked.rejected]
