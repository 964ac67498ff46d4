# SPDX-License-Identifier: Apache-2.0
"""What a listing sees without reading a file, and where it stops."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from qaqpa.evidence.digest import dir_hash, listing_of
from qaqpa.evidence.listing import DigestError, Limits, TooLargeError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "model" / "data").mkdir(parents=True)
    (tmp_path / "model" / "MLmodel").write_text("flavors: {}\n")
    (tmp_path / "model" / "data" / "weights").write_bytes(b"good")
    return tmp_path / "model"


def test_files_are_listed_in_the_order_of_the_digest(root: Path) -> None:
    listing = listing_of(root)
    assert [file.path for file in listing.files] == [b"MLmodel", b"data/weights"]
    assert listing.folders == (b"data",)
    assert listing.size == 16
    found = (root / "data" / "weights").stat()
    weights = listing.files[1]
    assert (weights.inode, weights.modified, weights.changed) == (found.st_ino, found.st_mtime_ns, found.st_ctime_ns)


def test_what_mlflow_writes_while_it_reads_is_not_listed(root: Path) -> None:
    before = listing_of(root)
    (root / "registered_model_meta").write_text("model_name: x\nmodel_version: '1'\n")
    assert listing_of(root) == before
    (root / "registered_model_meta").write_text("model_name: x\nmodel_version: '1'\nmore: 1\n")
    assert listing_of(root) != before


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "data" / "weights").write_bytes(b"evil"),
        lambda root: (root / "data" / "weights").chmod(0o600),
        lambda root: (root / "data" / "weights").rename(root / "data" / "weights2"),
        lambda root: (root / "data").rename(root / "more"),
        lambda root: (root / "empty").mkdir(),
        lambda root: (root / "link").hardlink_to(root / "MLmodel"),
        lambda root: os.utime(root / "MLmodel", ns=(0, 0)),
    ],
)
def test_any_change_is_another_fingerprint(root: Path, change: Callable[[Path], object]) -> None:
    before = listing_of(root).fingerprint
    assert listing_of(root).fingerprint == before
    change(root)
    assert listing_of(root).fingerprint != before


def test_names_cannot_be_arranged_to_look_like_another_listing(tmp_path: Path) -> None:
    """No name holds a line break, and a directory's begins with what no file's line begins with."""
    for name in ("a\nb", "a\\b"):
        (tmp_path / name).touch()
        with pytest.raises(DigestError, match="line break or a backslash"):
            listing_of(tmp_path)
        (tmp_path / name).unlink()


@pytest.mark.parametrize(
    ("limits", "said"),
    [(Limits(1, 100), "more than 1 files"), (Limits(2, 15), "GiB"), (Limits(0, 100), "more than 0 files")],
)
def test_too_much_is_refused_before_it_is_read(
    root: Path, monkeypatch: pytest.MonkeyPatch, limits: Limits, said: str
) -> None:
    monkeypatch.setattr("qaqpa.evidence.digest._sha256", None)
    for call in (listing_of, dir_hash):
        with pytest.raises(TooLargeError, match=said):
            call(root, limits=limits)


def test_many_directories_are_too_much_too(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
    with pytest.raises(TooLargeError):
        listing_of(tmp_path, Limits(2, 100))


def test_what_fits_has_the_same_digest_with_limits_and_quietly(root: Path) -> None:
    assert dir_hash(root, limits=Limits(2, 16)) == dir_hash(root, quietly=True) == dir_hash(root)
