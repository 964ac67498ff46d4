# SPDX-License-Identifier: Apache-2.0
"""Whose keys signed the last rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from qaqpa.evidence.keys import fingerprint
from qaqpa.record.log import signers as module
from qaqpa.record.log.chain import link
from qaqpa.record.log.database import Database
from qaqpa.record.log.opening import open_log, signing_key
from qaqpa.record.log.putting import Draft
from qaqpa.record.log.reading import rows
from qaqpa.record.log.signers import KEY, Signers, signers
from support.logs import Owner, log_source


def test_a_key_that_signed_a_row_is_known_and_others_are_named(tmp_path: Path) -> None:
    first, second = log_source(tmp_path), log_source(tmp_path, name="second.key", kind="ed25519")
    one, two = signing_key(first), signing_key(second)
    open_log(first).append([Draft("x")] * 3)
    assert signers(Database(first), one.public_key) == Signers(own=4, read=4)
    assert signers(Database(first), two.public_key) == Signers(others=((one.key_id, 4),), read=4)
    assert signers(Database(first), two.public_key).is_new
    open_log(second).append([Draft("x")] * 2)
    found = signers(Database(first), two.public_key)
    assert (found.own, found.others, found.is_new) == (6, ((one.key_id, 4),), False)
    assert signers(Database(first), two.public_key, until_own=True).read == 1
    assert found.told == f"{one.key_id} (up to row 4)"


def test_a_row_that_announces_a_key_is_found(tmp_path: Path) -> None:
    first, second = log_source(tmp_path), log_source(tmp_path, name="second.key")
    two = signing_key(second)
    open_log(first).append([Draft(KEY, {"next": two.key_id}), Draft("x")])
    assert signers(Database(first), two.public_key).announced == 2
    assert signers(Database(first), signing_key(first).public_key).announced is None


def test_a_row_that_only_names_a_key_is_not_signed_by_it(tmp_path: Path) -> None:
    source, another = log_source(tmp_path), log_source(tmp_path, name="another.key")
    open_log(source).append([Draft("x")])
    owner, key = Owner(source), signing_key(another).public_key
    with Database(source).reading() as connection:
        kept = list(rows(connection))
    false = kept[1].body.replace(fingerprint(signing_key(source).public_key).encode(), fingerprint(key).encode())
    owner.write(kept[0], kept[1].__class__(2, kept[1].prev, link(kept[1].prev, false), false))
    assert signers(Database(source), key).own is None
    assert signers(Database(source), key).is_new


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"signatures": []}', b"\xff", b"7"])
def test_what_is_no_row_is_signed_by_nobody(tmp_path: Path, body: bytes) -> None:
    source = log_source(tmp_path)
    open_log(source).append([Draft("x")])
    owner = Owner(source)
    first, second = owner.rows()
    owner.write(first, second.__class__(2, second.prev, link(second.prev, body), body))
    found = signers(Database(source), signing_key(source).public_key)
    assert (found.own, found.others) == (1, (("nobody", 2),))


def test_it_reads_so_many_rows_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    first, second = log_source(tmp_path), log_source(tmp_path, name="second.key")
    open_log(first).append([Draft("x")])
    open_log(second).append([Draft("x")] * 5)
    found = signers(Database(first), signing_key(first).public_key)
    assert (found.read, found.is_new) == (3, True)
