# SPDX-License-Identifier: Apache-2.0
"""A gate's key in a service. No service is there: a signer of securesystemslib that reads a file stands for it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from qaqpa.errors import UndecidedError, UsageError
from qaqpa.evidence.keys import FileKey
from qaqpa.record import services
from qaqpa.record.attest import DSSE_FILE, signed_files
from qaqpa.record.reading import parse_verdict, read_envelope, signer_of
from qaqpa.record.services import is_service, open_service_key
from qaqpa.record.verdict import verdict_statement
from support.keyring import signing_key
from support.verdicts import GATE, judged


@pytest.fixture
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of the gate's key."""
    assert isinstance(GATE, FileKey)
    raw = GATE.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(raw)
    monkeypatch.setenv("CRYPTO_SIGNER_PATH_PREFIX", str(tmp_path))
    monkeypatch.setitem(services._EXTRAS, "file2", "crypto")
    return "file2:key.pem"


def test_a_verdict_that_a_service_signed_is_one(uri: str, tmp_path: Path, engine: Any) -> None:
    assert is_service(uri)
    key = open_service_key(uri, GATE.public_key, bytes)
    (tmp_path / "v.json").write_text(signed_files(verdict_statement(judged(engine)), key)[DSSE_FILE])
    envelope = read_envelope(tmp_path / "v.json")
    assert signer_of(envelope, [GATE.public_key]) == key.key_id == GATE.key_id
    assert parse_verdict(envelope, key.key_id).passed


def test_a_service_that_holds_another_key_is_refused(uri: str) -> None:
    with pytest.raises(UndecidedError, match="cannot be opened"):
        open_service_key(uri, signing_key("gate", 3).public_key, bytes)


def test_a_service_that_does_not_answer_is_undecided(uri: str, tmp_path: Path) -> None:
    (tmp_path / "key.pem").unlink()
    with pytest.raises(UndecidedError, match="cannot be opened"):
        open_service_key(uri, GATE.public_key, bytes)


@pytest.mark.skipif(importlib.util.find_spec("boto3") is not None, reason="the library is there")
def test_a_missing_library_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        open_service_key("awskms:alias/gate", GATE.public_key, bytes)
    assert caught.value.mend == "pip install 'securesystemslib[awskms]'"


def test_a_file_is_no_service() -> None:
    assert [
        is_service(name) for name in ("awskms:x", "hsm:2?label=gate", "gate.key", "./awskms:x", "awskms", "C:key")
    ] == [
        *(True, True),
        *(False, False, False, False),
    ]
