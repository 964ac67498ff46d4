# SPDX-License-Identifier: Apache-2.0
"""Which parties file is in force: signed by trusted roots, in date, and never older than one that was seen."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qaqpa import times
from qaqpa.config import PartiesSource
from qaqpa.documents import MAX_BYTES
from qaqpa.errors import ExitCode
from qaqpa.evidence import seen
from qaqpa.evidence.envelope import IN_TOTO, parse_envelope, render, sign
from qaqpa.evidence.trust import MAX_SIGNED_BYTES, PARTIES_TYPE, Trust, TrustError
from support.keyring import key_entry, organisation, parties_text, person, signed_text, signing_key, to_yaml, trusted

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def refused(source: PartiesSource, now: datetime = NOW) -> TrustError:
    with pytest.raises(TrustError) as caught:
        Trust(source).parties(now)
    return caught.value


def code(source: PartiesSource, now: datetime = NOW) -> str:
    return refused(source, now).code


def ends(moment: datetime) -> str:
    return parties_text(NOW, expires=times.render(moment))


def test_a_file_that_enough_trusted_roots_signed_is_in_force(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW, state=tmp_path / "state")
    assert Trust(source).parties(NOW).persons["auditor"].unit == "audit"
    assert Trust(trusted(tmp_path, NOW, roots=("root3", "root1"))).parties(NOW).version == 1


def test_a_file_signed_by_too_few_roots_is_refused(tmp_path: Path) -> None:
    error = refused(trusted(tmp_path, NOW, roots=("root1",)))
    assert error.code == "parties_signatures"
    assert "1 of the trusted root keys" in str(error)
    assert error.exit_code is ExitCode.UNDECIDED


def test_the_same_root_twice_is_one_root(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW, roots=("root1", "root1"))
    assert code(source) == "parties_signatures"
    value = json.loads(source.file.read_text("utf-8"))
    again = signing_key("root1").sign(parse_envelope(json.dumps(value)).signed_bytes)
    for key_id in (signing_key("root1").key_id, signing_key("root2").key_id, "root1"):
        pair = {"keyid": key_id, "sig": base64.b64encode(again).decode()}
        source.file.write_text(json.dumps({**value, "signatures": [*value["signatures"], pair]}), encoding="utf-8")
        assert code(source) in {"parties_signatures", "parties_unreadable"}, key_id


def test_the_same_root_listed_twice_in_the_configuration_is_one_root(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW, roots=("root1",))
    assert code(replace(source, roots=(source.roots[0],) * 3)) == "parties_signatures"


def test_roots_that_the_file_lists_and_the_configuration_does_not_trust_do_not_count(tmp_path: Path) -> None:
    lines = [key_entry(NOW, name)["ssh"] for name in ("mine1", "mine2", "root1", "root2")]
    source = trusted(tmp_path, NOW, text=parties_text(NOW, root_keys=lines), roots=("mine1", "mine2"))
    assert code(source) == "parties_signatures"


def test_trusted_roots_that_the_file_does_not_list_do_not_count(tmp_path: Path) -> None:
    lines = [key_entry(NOW, name)["ssh"] for name in ("root3", "root1")]
    source = trusted(tmp_path, NOW, text=parties_text(NOW, root_keys=lines))
    assert code(source) == "parties_signatures"


def test_persons_who_sign_the_file_are_no_roots(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW, roots=("auditor", "risk"))
    keys = tuple(signing_key(name).key_id for name in ("auditor", "risk"))
    assert code(replace(source, roots=keys)) == "parties_signatures"


def test_nobody_trusted_and_nobody_needed_is_not_enough(tmp_path: Path) -> None:
    assert code(replace(trusted(tmp_path, NOW), threshold=0)) == "parties_signatures"


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW)
    value = json.loads(source.file.read_text("utf-8"))
    altered = base64.b64decode(value["payload"]).replace(b"unit: audit2", b"unit: audit3")
    value["payload"] = base64.b64encode(altered).decode()
    source.file.write_text(json.dumps(value), encoding="utf-8")
    assert code(source) == "parties_signatures"


def test_a_signed_statement_is_no_parties_file(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW)
    keys = [signing_key("root1"), signing_key("root2")]
    source.file.write_text(sign(parties_text(NOW).encode(), IN_TOTO, keys), encoding="utf-8")
    assert code(source) == "parties_unreadable"


def test_a_signature_for_another_payload_type_does_not_count(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW)
    keys = [signing_key("root1"), signing_key("root2")]
    signed = parse_envelope(sign(parties_text(NOW).encode(), IN_TOTO, keys))
    source.file.write_text(render(replace(signed, payload_type=PARTIES_TYPE)), encoding="utf-8")
    assert code(source) == "parties_signatures"


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (NOW + SECOND, ""),
        (NOW, "parties_expired"),
        (NOW - DAY, "parties_expired"),
        (NOW + 90 * DAY, ""),
        (NOW + 90 * DAY + SECOND, "parties_too_long"),
    ],
)
def test_an_expired_file_and_one_whose_end_is_too_far_away_are_refused(
    tmp_path: Path, end: datetime, expected: str
) -> None:
    source = trusted(tmp_path, NOW, text=ends(end))
    if expected:
        assert code(source) == expected
    else:
        assert Trust(source).parties(NOW).expires == end


def test_a_file_ends_while_the_gate_runs(tmp_path: Path) -> None:
    trust = Trust(trusted(tmp_path, NOW))
    assert trust.parties(NOW)
    with pytest.raises(TrustError) as caught:
        trust.parties(NOW + 60 * DAY)
    assert caught.value.code == "parties_expired"


def test_another_file_is_noticed(tmp_path: Path) -> None:
    trust = Trust(trusted(tmp_path, NOW, state=tmp_path / "state"))
    assert trust.parties(NOW).version == 1
    trusted(tmp_path, NOW, text=parties_text(NOW, version=2))
    assert trust.parties(NOW).version == 2
    trusted(tmp_path, NOW, text=parties_text(NOW, version=3), roots=("root1",))
    with pytest.raises(TrustError, match="trusted root keys"):
        trust.parties(NOW)


def test_a_file_that_was_rolled_back_is_refused_also_by_the_next_process(tmp_path: Path) -> None:
    state = tmp_path / "deep" / "state"
    Trust(trusted(tmp_path, NOW, text=parties_text(NOW, version=5), state=state)).parties(NOW)
    older = trusted(tmp_path, NOW, text=parties_text(NOW, version=4), state=state)
    error = refused(older)
    assert error.code == "parties_rolled_back"
    assert "version 4, and the highest version seen is 5" in str(error)
    assert Trust(replace(older, state=None)).parties(NOW).version == 4, "without a state nobody remembers"


def test_a_file_below_the_minimum_version_is_refused_without_a_state(tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW, text=parties_text(NOW, version=4), minimum_version=5)
    assert code(source) == "parties_rolled_back"
    assert Trust(replace(source, minimum_version=4)).parties(NOW).version == 4


def test_the_same_version_with_other_bytes_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state"
    Trust(trusted(tmp_path, NOW, state=state)).parties(NOW)
    other = trusted(tmp_path, NOW, text=parties_text(NOW) + "# another\n", state=state)
    assert code(other) == "parties_conflict"
    assert Trust(trusted(tmp_path, NOW, roots=("root3", "root2"), state=state)).parties(NOW), "signatures may differ"


def test_a_refused_file_does_not_raise_the_highest_version(tmp_path: Path) -> None:
    state = tmp_path / "state"
    for text, roots in (
        (parties_text(NOW, version=9), ("root1",)),
        (parties_text(NOW, version=9, expires=times.render(NOW)), ("root1", "root2")),
        (parties_text(NOW, version=9, expires=times.render(NOW + 91 * DAY)), ("root1", "root2")),
    ):
        refused(trusted(tmp_path, NOW, text=text, roots=roots, state=state))
    assert Trust(trusted(tmp_path, NOW, state=state)).parties(NOW).version == 1


def test_versions_under_other_roots_are_remembered_apart(tmp_path: Path) -> None:
    state = tmp_path / "state"
    Trust(trusted(tmp_path, NOW, text=parties_text(NOW, version=5), state=state)).parties(NOW)
    source = trusted(tmp_path, NOW, state=state)
    assert Trust(replace(source, roots=source.roots[:2])).parties(NOW).version == 1
    assert code(replace(source, roots=source.roots[::-1])) == "parties_rolled_back", "their order says nothing"


def test_what_is_remembered_is_for_its_owner_only(tmp_path: Path) -> None:
    state = tmp_path / "state"
    Trust(trusted(tmp_path, NOW, state=state)).parties(NOW)
    assert state.stat().st_mode & 0o077 == 0
    assert {path.suffix for path in state.iterdir()} == {".json", ".lock"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in state.iterdir())


GARBAGE = [
    b"",
    b"{",
    b"[]",
    b"\xff",
    b"{}",
    b'{"version": 1}',
    b'{"version": true, "sha256": "' + b"a" * 64 + b'"}',
    b'{"version": 0, "sha256": "' + b"a" * 64 + b'"}',
    b'{"version": "1", "sha256": "' + b"a" * 64 + b'"}',
    b'{"version": 1.0, "sha256": "' + b"a" * 64 + b'"}',
    b'{"version": 1, "sha256": "x"}',
    b'{"version": 1, "sha256": "' + b"a" * 64 + b'", "more": 1}',
    b'{"version": 1, "version": 2, "sha256": "' + b"a" * 64 + b'"}',
    b" " * 5000,
]


@pytest.mark.parametrize("content", GARBAGE)
def test_a_state_file_of_garbage_fails_closed(tmp_path: Path, content: bytes) -> None:
    source = trusted(tmp_path, NOW, state=tmp_path / "state")
    Trust(source).parties(NOW)
    file = next((tmp_path / "state").glob("*.json"))
    file.write_bytes(content)
    error = refused(source)
    assert error.code == "parties_state"
    assert str(file) in str(error)
    assert file.read_bytes() == content, "what could have been a higher version is not replaced"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("elsewhere")])
def test_something_else_in_place_of_the_state_file_fails_closed(tmp_path: Path, make: Callable[[Path], object]) -> None:
    source = trusted(tmp_path, NOW, state=tmp_path / "state")
    Trust(source).parties(NOW)
    file = next((tmp_path / "state").glob("*.json"))
    file.unlink()
    make(file)
    assert code(source) == "parties_state"


def test_an_unwritable_state_directory_fails_closed(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    assert code(trusted(tmp_path, NOW, state=blocked / "state")) == "parties_state"
    assert code(trusted(tmp_path, NOW, state=blocked)) == "parties_state"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_state_directory_fails_closed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o500)
    assert code(trusted(tmp_path, NOW, state=state)) == "parties_state"


def test_a_state_that_cannot_be_replaced_fails_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "state"
    Trust(trusted(tmp_path, NOW, state=state)).parties(NOW)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    newer = trusted(tmp_path, NOW, text=parties_text(NOW, version=2), state=state)
    assert code(newer) == "parties_state"
    assert len(list(state.iterdir())) == 2, "nothing half-written stays"
    monkeypatch.undo()
    assert Trust(newer).parties(NOW).version == 2


def test_a_lock_that_is_never_given_back_fails_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "_LOCK_SECONDS", 0.05)
    state = tmp_path / "state"
    source = trusted(tmp_path, NOW, state=state)
    Trust(source).parties(NOW)
    with next(state.glob("*.lock")).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert Trust(source).parties(NOW).version == 1, "what is remembered already is only read"
        newer = trusted(tmp_path, NOW, text=parties_text(NOW, version=2), state=state)
        assert code(newer) == "parties_state"
    assert Trust(newer).parties(NOW).version == 2


def test_the_highest_of_many_at_once_stays(tmp_path: Path) -> None:
    state = seen.SeenVersions(tmp_path / "state", ["root"])
    versions = [seen.Version(number, f"{number:064x}") for number in range(1, 21)]
    threads = [threading.Thread(target=state.highest_with, args=[version]) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state.highest_with(versions[0]) == versions[-1]


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
