# SPDX-License-Identifier: Apache-2.0
"""A parties file older than one that was seen is never in force, whatever happens to what is remembered."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa import times
from qaqpa.evidence import seen
from qaqpa.evidence.trust import Trust
from support.keyring import parties_text, trusted
from support.refusals import code, refused
from support.statements import NOW


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
        (parties_text(NOW, version=9, expires=times.render(NOW + timedelta(days=91))), ("root1", "root2")),
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
