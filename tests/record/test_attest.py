# SPDX-License-Identifier: Apache-2.0
"""A verdict is signed with P-256 and written in two forms: both, or none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qaqpa.errors import UndecidedError, UsageError
from qaqpa.evidence.keys import PublicKey, SigningKey
from qaqpa.record.attest import (
    BUNDLE_FILE,
    BUNDLE_TYPE,
    DSSE_FILE,
    check_gate_key,
    signed_files,
    take_away,
    write_files,
)
from qaqpa.record.reading import read_envelope, signer_of
from support.keyring import signing_key
from support.verdicts import GATE

PAYLOAD = b'{"a":1}'


class Service:
    """A key that lies in some service; it signs with another key, or fails."""

    def __init__(self, other: SigningKey | None) -> None:
        self._other = other

    @property
    def public_key(self) -> PublicKey:
        return GATE.public_key

    @property
    def key_id(self) -> str:
        return GATE.key_id

    def sign(self, data: bytes) -> bytes:
        if self._other is None:
            raise RuntimeError("secret endpoint: no answer")
        return self._other.sign(data)


def test_both_forms_hold_one_envelope_that_the_key_signed(tmp_path: Path) -> None:
    files = signed_files(PAYLOAD, GATE)
    write_files(tmp_path / "new" / "out", files)
    dsse, bundle = (json.loads((tmp_path / "new" / "out" / name).read_text()) for name in (DSSE_FILE, BUNDLE_FILE))
    assert bundle["dsseEnvelope"] == dsse
    assert bundle["mediaType"] == BUNDLE_TYPE
    assert bundle["verificationMaterial"] == {"publicKey": {"hint": GATE.key_id}, "tlogEntries": []}
    for name in (DSSE_FILE, BUNDLE_FILE):
        assert signer_of(read_envelope(tmp_path / "new" / "out" / name), [GATE.public_key]) == GATE.key_id
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == [DSSE_FILE, BUNDLE_FILE]


def test_a_gate_signs_with_p256_only() -> None:
    check_gate_key(GATE.public_key, "gate.key")
    with pytest.raises(UsageError, match="ECDSA P-256"):
        check_gate_key(signing_key("gate", 0).public_key, "gate.key")


def test_a_service_that_signs_with_another_key_gives_no_verdict() -> None:
    assert signed_files(PAYLOAD, Service(GATE))
    with pytest.raises(UndecidedError, match="not its own"):
        signed_files(PAYLOAD, Service(signing_key("gate", 3)))


def test_a_service_that_fails_gives_no_verdict_and_tells_none_of_its_secrets() -> None:
    with pytest.raises(UndecidedError, match="RuntimeError") as caught:
        signed_files(PAYLOAD, Service(None))
    assert "endpoint" not in str(caught.value)


@pytest.mark.parametrize("name", [DSSE_FILE, BUNDLE_FILE])
def test_where_one_file_cannot_be_written_there_is_none(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        write_files(tmp_path, signed_files(PAYLOAD, GATE))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        write_files(tmp_path, signed_files(PAYLOAD, GATE))
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_verdict_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    write_files(tmp_path, signed_files(PAYLOAD, GATE))
    (tmp_path / "other").write_text("x")
    take_away(tmp_path)
    take_away(tmp_path / "none")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]
    (tmp_path / DSSE_FILE).mkdir()
    with pytest.raises(UsageError, match="cannot be taken away"):
        take_away(tmp_path)


def test_a_verdict_replaces_an_earlier_one(tmp_path: Path, passed: dict[str, Any]) -> None:
    write_files(tmp_path, signed_files(PAYLOAD, GATE))
    write_files(tmp_path, signed_files(json.dumps(passed).encode(), GATE))
    assert json.loads(read_envelope(tmp_path / DSSE_FILE).payload) == passed
