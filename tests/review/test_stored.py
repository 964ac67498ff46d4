# SPDX-License-Identifier: Apache-2.0
"""The state of a directory in a commit: the same digest, the same evidence as when it lay in the work tree."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from qaqpa.errors import UndecidedError, UsageError
from qaqpa.evidence.digest import DigestError, dir_hash
from qaqpa.evidence.directory import Directory, read_directory
from qaqpa.review.changed import changed_parts
from qaqpa.review.git import Repository
from qaqpa.review.stored import Stored, read_stored
from support.directories import write_system
from support.pull_requests import git

META = b"model_name: credit\nmodel_version: '1'\n"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    top = tmp_path / "repository"
    write_system(top / "credit")
    git(top, "init", "--quiet", "--initial-branch=main")
    return top


def commit(top: Path) -> None:
    git(top, "add", "--all", "--force")
    git(top, "commit", "--quiet", "--allow-empty", "--message", "state")


def stored_in(top: Path, folder: str = "credit") -> Stored:
    return Stored.of(folder, Repository.around(top).entries("HEAD", folder))


def read(top: Path, tmp_path: Path, same_model: str | None = None) -> Directory:
    scratch = tmp_path / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    with Repository.around(top).blobs() as blobs:
        return read_stored(stored_in(top), blobs, scratch, same_model)


def parts(top: Path) -> frozenset[str]:
    with Repository.around(top).blobs() as blobs:
        return changed_parts(top / "credit", stored_in(top), blobs)


def pointer(content: bytes) -> bytes:
    digest = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n".encode()


def test_it_reads_as_it_did(top: Path, tmp_path: Path) -> None:
    (top / "credit" / "model" / "deep").mkdir()
    (top / "credit" / "model" / "deep" / "weights").write_bytes(b"\0" * 3_000_000)
    (top / "credit" / "model" / "empty").write_bytes(b"")
    (top / "credit" / "model" / "registered_model_meta").write_bytes(META)
    commit(top)
    now, before = read_directory(top / "credit"), read(top, tmp_path)
    assert before.subject == now.subject
    assert before.subject.digest == dir_hash(top / "credit" / "model")
    assert [one.text for one in before.carried] == [one.text for one in now.carried]
    assert not (tmp_path / "scratch" / "model").exists()
    assert read(top, tmp_path, "ab" * 32).subject.digest == "ab" * 32


def test_without_a_context_it_is_called_by_its_own_name(top: Path, tmp_path: Path) -> None:
    (top / "credit" / "context.yaml").unlink()
    shutil.rmtree(top / "credit" / "model")
    commit(top)
    subject = read(top, tmp_path).subject
    assert (subject.name, subject.digest) == ("credit", None)


def test_what_git_lfs_keeps_elsewhere_has_the_digest_of_the_real_file(top: Path, tmp_path: Path) -> None:
    weights = top / "credit" / "model" / "weights"
    content = b"\1" * 5000
    weights.write_bytes(content)
    real = dir_hash(top / "credit" / "model")
    weights.write_bytes(pointer(content))
    commit(top)
    assert read(top, tmp_path).subject.digest == real
    assert parts(top) == frozenset()
    weights.write_bytes(content)
    assert parts(top) == frozenset(), "the file itself is checked out"
    weights.write_bytes(b"\2" * 5000)
    assert parts(top) == {"model"}


@pytest.mark.parametrize("name", ["context.yaml", "evidence/audit.yaml", "model/MLmodel"])
def test_a_link_at_the_base_is_refused(top: Path, tmp_path: Path, name: str) -> None:
    path = top / "credit" / name
    path.unlink()
    path.symlink_to("/etc/passwd")
    commit(top)
    with pytest.raises(UsageError, match="This is no plain file"):
        read(top, tmp_path)


def test_evidence_that_is_too_large_or_too_much_is_refused(top: Path, tmp_path: Path) -> None:
    (top / "credit" / "evidence" / "audit.yaml").write_bytes(b"#" * (1 << 21))
    commit(top)
    with pytest.raises(UsageError, match="too large"):
        read(top, tmp_path)
    for number in range(501):
        (top / "credit" / "evidence" / f"{number}.yaml").write_bytes(b"")
    (top / "credit" / "evidence" / "audit.yaml").unlink()
    commit(top)
    with pytest.raises(UsageError, match="too many"):
        read(top, tmp_path)


def test_a_name_in_the_model_that_has_no_digest_is_refused(top: Path, tmp_path: Path) -> None:
    (top / "credit" / "model" / "two\nlines").write_bytes(b"x")
    commit(top)
    with pytest.raises(DigestError, match="line break"):
        read(top, tmp_path)


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("context.yaml", "context.yaml"),
        ("evidence/audit.yaml", "evidence"),
        ("evidence/new.yaml", "evidence"),
        ("model/MLmodel", "model"),
        ("model/deep/new", "model"),
        ("README.md", "other"),
        ("documents/report.md", "other"),
    ],
)
def test_a_byte_more_changes_the_part_that_it_is_in(top: Path, path: str, part: str) -> None:
    commit(top)
    assert parts(top) == frozenset()
    file = top / "credit" / path
    file.parent.mkdir(exist_ok=True)
    file.write_bytes((file.read_bytes() if file.exists() else b"") + b"\n")
    assert parts(top) == {part}


def test_a_file_that_became_a_link_or_a_directory_or_went_is_changed(top: Path) -> None:
    (top / "credit" / "link").symlink_to("context.yaml")
    (top / "credit" / "folder").symlink_to("evidence")
    commit(top)
    assert parts(top) == frozenset()
    (top / "credit" / "folder").unlink()
    assert parts(top) == {"other"}
    (top / "credit" / "folder").symlink_to("model")
    assert parts(top) == {"other"}
    git(top, "checkout", "--quiet", "credit/folder")
    (top / "credit" / "model" / "MLmodel").unlink()
    (top / "credit" / "model" / "MLmodel").symlink_to("../context.yaml")
    assert parts(top) == {"model"}
    (top / "credit" / "model" / "MLmodel").unlink()
    assert parts(top) == {"model"}


def test_a_repository_with_sha256_objects_is_read_too(tmp_path: Path) -> None:
    top = tmp_path / "repository"
    write_system(top / "credit")
    git(top, "init", "--quiet", "--object-format=sha256")
    commit(top)
    assert parts(top) == frozenset()
    assert read(top, tmp_path).subject.digest == dir_hash(top / "credit" / "model")


def test_files_that_were_not_fetched_leave_it_undecided_and_nothing_is_fetched(top: Path, tmp_path: Path) -> None:
    commit(top)
    git(top, "config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{top}", str(partial))
    with pytest.raises(UndecidedError) as caught:
        read(partial, tmp_path)
    assert "`fetch-depth: 0` and no `filter`" in caught.value.mend
