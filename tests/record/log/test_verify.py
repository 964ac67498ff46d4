# SPDX-License-Identifier: Apache-2.0
"""A log that nobody touched is intact; the tree and the notes are those of their standards."""

from __future__ import annotations

import base64
import hashlib
import tracemalloc
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from qaqpa.config import LogSource
from qaqpa.errors import UsageError
from qaqpa.evidence.keys import FileKey, new_key
from qaqpa.model import Decision
from qaqpa.record.log.merkle import Frontier
from qaqpa.record.log.note import Checkpoint, make_note, read_note
from qaqpa.record.log.opening import open_log, signing_key
from qaqpa.record.log.putting import Draft
from support.logs import Owner, checked, filled, log_source

LOG = "ab" * 16


def _root(leaves: list[bytes]) -> bytes:
    """As RFC 9162, 2.1.1 defines it: by halves, not by a frontier."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + _root(leaves[:half]) + _root(leaves[half:])).digest()


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_the_root_is_that_of_the_standard(leaves: list[bytes]) -> None:
    tree = Frontier()
    for leaf in leaves:
        tree.add(leaf)
    assert (tree.size, tree.root()) == (len(leaves), _root(leaves))


def test_a_log_is_intact_and_its_root_is_over_its_rows(source: LogSource, decision: Decision) -> None:
    filled(source, decision)
    found = checked(source)
    assert (found.problems, found.size) == ([], 9)
    leaves = [hashlib.sha256(b"\x00" + row.body).digest() for row in Owner(source).rows()]
    assert found.root == _root(leaves)


def test_an_earlier_checkpoint_fits_a_log_that_grew(source: LogSource, decision: Decision) -> None:
    log = filled(source, decision)
    point = checked(source).checkpoint
    log.append([Draft("x")])
    assert checked(source, [point]).problems == []


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_a_note_is_read_by_whoever_has_the_public_key(kind: str) -> None:
    key = FileKey(new_key(kind))
    point = Checkpoint(LOG, 7, bytes(range(32)))
    note = make_note(point, key)
    assert read_note(note, [FileKey(new_key(kind)).public_key, key.public_key], "note") == point
    with pytest.raises(UsageError, match="None of the keys"):
        read_note(note, [FileKey(new_key(kind)).public_key], "note")
    for changed in (note.replace("\n7\n", "\n8\n"), note.replace("AAEC", "AAEB"), note.replace("abab\n", "abac\n", 1)):
        assert changed != note
        with pytest.raises(UsageError):
            read_note(changed, [key.public_key], "note")


def test_a_note_has_the_form_and_the_key_numbers_of_c2sp() -> None:
    key = FileKey(new_key("ed25519"))
    text, _, line = make_note(Checkpoint(LOG, 7, bytes(32)), key).partition("\n\n")
    assert text == f"qaqpa.log/{LOG}\n7\n{base64.b64encode(bytes(32)).decode()}"
    dash, name, encoded = line.removesuffix("\n").split(" ")
    assert (dash, name) == ("\u2014", f"qaqpa.log/{LOG}")
    raw = key.public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    number = hashlib.sha256(f"qaqpa.log/{LOG}\n".encode() + b"\x01" + raw).digest()[:4]
    assert base64.b64decode(encoded)[:4] == number
    other = FileKey(new_key("p256"))
    assert isinstance(other.public_key, EllipticCurvePublicKey)
    spki = other.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    signed = base64.b64decode(make_note(Checkpoint(LOG, 7, bytes(32)), other).rsplit(" ", 1)[1])
    assert signed[:4] == hashlib.sha256(spki).digest()[:4]


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "qaqpa.log/x\n7\nAA==\n\n\u2014 a b\n", "other/log\n7\nAA==\n\n\u2014 a b\n", "qaqpa.log/\n\n\n\n\n"],
)
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read_note(text, [FileKey(new_key("p256")).public_key], "note")


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    source = log_source(tmp_path)
    log = open_log(source)

    def peak() -> int:
        tracemalloc.start()
        assert checked(source).problems == []
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    for _ in range(18):
        log.append([Draft("x", {"text": "x" * 500})] * 60)
    first = peak()
    for _ in range(18):
        log.append([Draft("x", {"text": "x" * 500})] * 60)
    assert signing_key(source)
    assert peak() < 1.3 * first
