# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from qaqpa.policy import codecache

CODE = b"machine code"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    codecache.store("key", CODE)
    return tmp_path / "qaqpa"


def test_stored_code_is_loaded(cache: Path) -> None:
    assert codecache.load("key") == CODE
    assert codecache.load("other") is None
    assert [path.name for path in cache.iterdir()] == ["key.code"]


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_nobody_else_can_read_or_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umask: int) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "new"))
    before = os.umask(umask)
    try:
        codecache.store("key", CODE)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new/qaqpa").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new/qaqpa/key.code").stat().st_mode) == 0o600
    assert codecache.load("key") == CODE


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o750, 0o777])
def test_directory_open_to_others_is_not_used(cache: Path, mode: int) -> None:
    cache.chmod(mode)
    assert codecache.load("key") is None
    codecache.store("second", CODE)
    assert not (cache / "second.code").exists()


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o644])
def test_file_open_to_others_is_not_used(cache: Path, mode: int) -> None:
    (cache / "key.code").chmod(mode)
    assert codecache.load("key") is None


@pytest.mark.usefixtures("cache")
def test_file_of_another_owner_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fstat

    def foreign(descriptor: int) -> os.stat_result:
        state = real(descriptor)
        if stat.S_ISDIR(state.st_mode):
            return state
        return os.stat_result((*state[:4], state.st_uid + 1, *state[5:]))

    monkeypatch.setattr(os, "fstat", foreign)
    assert codecache.load("key") is None


def test_directory_of_another_owner_is_not_used(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache.is_dir()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert codecache.load("key") is None


def test_symlinks_are_not_followed(cache: Path, tmp_path: Path) -> None:
    (cache / "key.code").rename(tmp_path / "elsewhere")
    (cache / "key.code").symlink_to(tmp_path / "elsewhere")
    assert codecache.load("key") is None
    cache.rename(tmp_path / "moved")
    cache.symlink_to(tmp_path / "moved")
    assert codecache.load("key") is None


def test_hard_link_is_not_used(cache: Path, tmp_path: Path) -> None:
    os.link(cache / "key.code", tmp_path / "second-name")
    assert codecache.load("key") is None


def test_fifo_does_not_block(cache: Path) -> None:
    (cache / "key.code").unlink()
    os.mkfifo(cache / "key.code", 0o600)
    assert codecache.load("key") is None


@pytest.mark.parametrize("keep", [0, 10, 40])
def test_file_that_was_cut_short_is_not_used(cache: Path, keep: int) -> None:
    whole = (cache / "key.code").read_bytes()
    (cache / "key.code").write_bytes(whole[:keep])
    assert codecache.load("key") is None


@pytest.mark.parametrize("value", ["", "relative/path"])
def test_without_an_absolute_cache_directory_the_home_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert codecache.cache_directory() == tmp_path / ".cache/qaqpa"


def test_home_that_cannot_be_written_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    codecache.store("key", CODE)
    assert codecache.load("key") is None


def test_old_files_are_forgotten(cache: Path) -> None:
    for number in range(12):
        codecache.store(f"key-{number}", CODE)
        os.utime(cache / f"key-{number}.code", (number, number))
    codecache.store("last", CODE)
    names = {path.name for path in cache.iterdir()}
    assert len(names) == 8
    assert "last.code" in names
    assert "key-0.code" not in names
