# SPDX-License-Identifier: Apache-2.0
"""A verdict is one for others too: by SLSA's rules for its fields, `@sigstore/verify`, and in-toto's own library."""

from __future__ import annotations

import base64
import copy
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.signer import SSlibKey

from qaqpa.evidence.keys import SigningKey
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.attest import BUNDLE_FILE, DSSE_FILE, signed_files, write_files
from qaqpa.record.verdict import verdict_statement
from support.keyring import signing_key
from support.statements import everything
from support.verdicts import GATE, judged

OTHER = signing_key("gate", 3)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SLSA_FIELDS = {
    *("verifier", "timeVerified", "resourceUri", "policy", "inputAttestations", "verificationResult"),
    *("verifiedLevels", "dependencyLevels", "slsaVersion"),
}


@pytest.fixture(scope="module", params=["allow", "deny"])
def payload(request: pytest.FixtureRequest, engine: EmbeddedEngine) -> bytes:
    """The statement of a verdict that passed, and of one that failed."""
    pieces = [piece for piece in everything() if request.param == "allow" or piece.kind != "audit"]
    return verdict_statement(judged(engine, pieces))


@pytest.fixture
def files(payload: bytes, tmp_path: Path) -> Path:
    """Both forms, as `qaqpa check --verdict` writes them."""
    write_files(tmp_path, signed_files(payload, GATE))
    return tmp_path


def test_it_keeps_the_rules_of_slsa_for_each_field(payload: bytes) -> None:
    assert list(breaches(json.loads(payload))) == []


def test_the_rules_of_slsa_would_find_a_breach(payload: bytes) -> None:
    good = json.loads(payload)
    changes: list[dict[str, Any]] = [
        {"verificationResult": "allow"},
        {"verifiedLevels": ["SLSA_QAQPA"]},
        {"policy": {"digest": {}}},
        {"expires": "2027-01-01T00:00:00Z"},
        {"inputAttestations": [{"uri": "urn:x:y"}]},
        {"timeVerified": "yesterday"},
        {"slsaVersion": "1"},
        {"verifier": {}},
    ]
    for change in changes:
        bad = copy.deepcopy(good)
        bad["predicate"].update(change)
        assert list(breaches(bad)), change


def breaches(statement: dict[str, Any]) -> Iterator[str]:
    """What in a statement breaks a rule that SLSA's specification of VSA v1 (1.1) has for producers."""
    body = statement["predicate"]
    levels = body.get("verifiedLevels") or [""]
    result = body.get("verificationResult")
    kept = {
        "_type": statement["_type"] == "https://in-toto.io/Statement/v1",
        "predicateType": statement["predicateType"] == "https://slsa.dev/verification_summary/v1",
        "subject": all(subject["digest"] for subject in statement["subject"]) and statement["subject"],
        "verifier.id": _URI.fullmatch(str(body.get("verifier", {}).get("id"))),
        "verifier.version": all(isinstance(one, str) for one in body["verifier"].get("version", {}).values()),
        "timeVerified": _TIMESTAMP.fullmatch(str(body.get("timeVerified"))),
        "resourceUri": _URI.fullmatch(str(body.get("resourceUri"))),
        "policy.uri": _URI.fullmatch(str(body.get("policy", {}).get("uri"))),
        "inputAttestations": all(one.get("digest") for one in body.get("inputAttestations", [])),
        "verificationResult": result in {"PASSED", "FAILED"},
        "verifiedLevels": all(level and not level.startswith("SLSA_") for level in levels),
        "FAILED": (result == "FAILED") == (levels == ["FAILED"]),
        "slsaVersion": re.fullmatch(r"1\.\d+", str(body.get("slsaVersion", "1.0"))),
        "extensions": all(_URI.fullmatch(name) for name in set(body) - _SLSA_FIELDS),
    }
    yield from (rule for rule, is_kept in kept.items() if not is_kept)


def test_sigstore_verifies_the_bundle_and_refuses_an_altered_one(
    files: Path, sigstore: Callable[[list[dict[str, Any]]], list[str]]
) -> None:
    bundle = json.loads((files / BUNDLE_FILE).read_text())
    envelope = json.loads((files / DSSE_FILE).read_text())
    altered = copy.deepcopy(bundle)
    altered["dsseEnvelope"]["payload"] = _altered(envelope["payload"])
    retyped = copy.deepcopy(bundle)
    retyped["dsseEnvelope"]["payloadType"] = "application/json"
    own = {"key": _pem(GATE), "keyId": GATE.key_id}
    questions = [
        {"bundle": bundle, **own},
        {"envelope": envelope, **own},
        {"bundle": altered, **own},
        {"bundle": retyped, **own},
        {"bundle": bundle, "key": _pem(OTHER), "keyId": GATE.key_id},
    ]
    assert sigstore(questions) == ["good", "good", *["SIGNATURE_ERROR"] * 3]


def test_in_toto_verifies_the_envelope_and_refuses_an_altered_one(files: Path) -> None:
    if "CI" not in os.environ:
        pytest.importorskip("in_toto")
    from in_toto.exceptions import SignatureVerificationError  # noqa: PLC0415 - a dependency of tests only
    from in_toto.models.metadata import Metadata  # noqa: PLC0415

    metadata = Metadata.load(str(files / DSSE_FILE))
    metadata.verify_signature(_in_toto(GATE))
    with pytest.raises(SignatureVerificationError):
        metadata.verify_signature(_in_toto(OTHER))
    envelope = json.loads((files / DSSE_FILE).read_text())
    (files / "altered.json").write_text(json.dumps({**envelope, "payload": _altered(envelope["payload"])}))
    with pytest.raises(SignatureVerificationError):
        Metadata.load(str(files / "altered.json")).verify_signature(_in_toto(GATE))


def _altered(payload: str) -> str:
    raw = base64.b64decode(payload)
    for one, other in ((b'"PASSED"', b'"FAILED"'), (b'"FAILED"', b'"PASSED"')):
        if one in raw:
            return base64.b64encode(raw.replace(one, other)).decode()
    raise AssertionError("there is no result in it")


def _pem(key: SigningKey) -> str:
    return key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _in_toto(key: SigningKey) -> dict[str, Any]:
    public = SSlibKey.from_crypto(key.public_key, keyid=key.key_id)
    return {**public.to_dict(), "keyid": key.key_id}
