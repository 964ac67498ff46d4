# SPDX-License-Identifier: Apache-2.0
"""What cannot be read as a signed parties file is refused, also where roots signed it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qaqpa.config import PartiesSource
from qaqpa.documents import MAX_BYTES
from qaqpa.evidence.envelope import sign
from qaqpa.evidence.trust import MAX_SIGNED_BYTES, PARTIES_TYPE, Trust, TrustError
from support.keyring import key_entry, organisation, parties_text, person, signed_text, signing_key, to_yaml, trusted
from support.refusals import code, refused
from support.statements import NOW


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW)
    source.file.unlink()
    assert code(source) == "parties_missing"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path)])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, make: Callable[[Path], object]) -> None:
    source = trusted(tmp_path, NOW)
    source.file.unlink()
    make(source.file)
    assert code(source) == "parties_unreadable"


def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    assert code(replace(trusted(tmp_path, NOW), file=tmp_path / "a\0b")) == "parties_unreadable"


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW)
    with source.file.open("ab") as file:
        file.truncate(MAX_SIGNED_BYTES + 1)
    error = refused(source)
    assert error.code == "parties_unreadable"
    assert "too large" in str(error)


def test_a_huge_parties_file_inside_is_refused(tmp_path: Path) -> None:
    text = parties_text(NOW) + "#" * MAX_BYTES
    error = refused(trusted(tmp_path, NOW, text=text))
    assert error.code == "parties_unreadable"
    assert "larger than" in str(error)


BROKEN: list[Callable[[], str]] = [
    lambda: parties_text(NOW) + "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    lambda: parties_text(NOW) + f"deep: {'[' * 5000}{']' * 5000}\n",
    lambda: parties_text(NOW) + "version: 2\n",
    lambda: parties_text(NOW, version="1"),
    lambda: to_yaml([]),
    lambda: parties_text(NOW, expires="2027-01-01"),
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_bomb_deep_nesting_and_duplicate_keys_are_refused_although_roots_signed_them(
    tmp_path: Path, text: Callable[[], str]
) -> None:
    error = refused(trusted(tmp_path, NOW, text=text()))
    assert error.code == "parties_unreadable"
    assert re.search(r": payload:\d+:\d+: ", str(error)), "the place inside the file is told"
    assert "\n" not in str(error)


def test_one_key_for_two_persons_is_refused_although_roots_signed_it(tmp_path: Path) -> None:
    value = organisation(NOW)
    person(value, "peer")["keys"].append(key_entry(NOW, "auditor"))
    error = refused(trusted(tmp_path, NOW, text=to_yaml(value)))
    assert error.code == "parties_unreadable"
    assert "stands twice" in str(error)


def test_a_payload_that_is_no_text_is_refused(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW)
    source.file.write_text(sign(b"\xff", PARTIES_TYPE, [signing_key("root1")]), encoding="utf-8")
    assert code(source) == "parties_unreadable"


def test_a_broken_file_is_refused_again_and_again(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW, text="x")
    trust = Trust(source)
    found = []
    for _ in range(3):
        with pytest.raises(TrustError) as caught:
            trust.parties(NOW)
        found.append(caught.value)
    assert {error.code for error in found} == {"parties_unreadable"}
    assert len({id(error) for error in found}) == 3


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> PartiesSource:
    return trusted(tmp_path_factory.mktemp("fuzz"), NOW)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(data=st.data())
def test_a_mutated_signed_file_is_refused_or_the_same(source: PartiesSource, data: st.DataObject) -> None:
    text = signed_text(parties_text(NOW))
    start = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 20))
    mutated = text[:start].encode() + data.draw(st.binary(max_size=10)) + text[start + cut :].encode()
    source.file.write_bytes(mutated)
    refused_or_same(source)


@given(data=st.data())
def test_a_signed_file_with_another_part_is_refused_or_the_same(source: PartiesSource, data: st.DataObject) -> None:
    value: dict[str, Any] = json.loads(signed_text(parties_text(NOW)))
    if data.draw(st.booleans()):
        value[data.draw(st.sampled_from(sorted(value)))] = data.draw(VALUES)
    else:
        value["signatures"][0][data.draw(st.sampled_from(["keyid", "sig"]))] = data.draw(VALUES)
    source.file.write_text(json.dumps(value), encoding="utf-8")
    refused_or_same(source)


@given(payload=st.binary(max_size=200) | st.text().map(str.encode))
def test_any_signed_bytes_are_refused(source: PartiesSource, payload: bytes) -> None:
    source.file.write_text(sign(payload or b"x", PARTIES_TYPE, [signing_key("root1")]), encoding="utf-8")
    assert code(source) == "parties_unreadable"


def refused_or_same(source: PartiesSource) -> None:
    try:
        found = Trust(source).parties(NOW)
    except TrustError:
        return
    assert found.persons.keys() == {entry["id"] for entry in organisation(NOW)["parties"]}
