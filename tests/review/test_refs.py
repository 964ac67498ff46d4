# SPDX-License-Identifier: Apache-2.0
"""Commits that a pull request is compared with, in real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from qaqpa.errors import UsageError
from qaqpa.review.git import Repository
from qaqpa.review.refs import Base, find_base
from support.pull_requests import git


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """Two commits on `main`, and one more on `change`, which began at the first."""
    top = tmp_path / "origin"
    top.mkdir()
    git(top, "init", "--quiet", "--initial-branch=main")
    for name in ("first", "second"):
        git(top, "commit", "--quiet", "--allow-empty", "--message", name)
    git(top, "checkout", "--quiet", "-b", "change", "main~1")
    git(top, "commit", "--quiet", "--allow-empty", "--message", "third")
    return top


def clone(origin: Path, *options: str) -> Path:
    top = origin.parent / "clone"
    git(origin.parent, "clone", "--quiet", *options, f"file://{origin}", str(top))
    return top


def test_files_are_compared_with_the_fork_and_rules_come_from_the_tip(origin: Path) -> None:
    main, fork = git(origin, "rev-parse", "main"), git(origin, "rev-parse", "main~1")
    for ref in ("main", "refs/heads/main", main, main[:12], "main^0"):
        assert find_base(Repository.around(origin), ref) == Base(ref, main, fork)
    assert find_base(Repository.around(origin), "HEAD").fork == git(origin, "rev-parse", "HEAD")


def test_a_remote_branch_is_a_base(origin: Path) -> None:
    top = clone(origin)
    assert find_base(Repository.around(top), "origin/main").tip == git(origin, "rev-parse", "main")


@pytest.mark.parametrize("ref", ["origin/main", "HEAD~1"])
def test_a_history_that_is_cut_off_says_how_to_get_it(origin: Path, ref: str) -> None:
    top = clone(origin, "--depth", "1", "--branch", "change")
    with pytest.raises(UsageError, match="fetch-depth: 0") as caught:
        find_base(Repository.around(top), ref)
    assert "There is no commit" in caught.value.found
    git(top, "fetch", "--quiet", "--depth", "1", "origin", "main:refs/remotes/origin/main")
    with pytest.raises(UsageError, match="fetch-depth: 0") as caught:
        find_base(Repository.around(top), "origin/main")
    assert "no commit in common" in caught.value.found


def test_a_branch_with_no_history_in_common_is_refused(origin: Path) -> None:
    git(origin, "checkout", "--quiet", "--orphan", "other")
    git(origin, "commit", "--quiet", "--allow-empty", "--message", "other")
    with pytest.raises(UsageError, match="no commit in common") as caught:
        find_base(Repository.around(origin), "main")
    assert "fetch-depth" not in str(caught.value)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_before_the_first_commit_head_is_nothing_and_any_other_ref_is_refused(tmp_path: Path, algorithm: str) -> None:
    git(tmp_path, "init", "--quiet", f"--object-format={algorithm}", "empty")
    repository = Repository.around(tmp_path / "empty")
    base = find_base(repository, "HEAD")
    assert base.tip == base.fork
    assert repository.entries(base.tip) == []
    for ref in ("main", "HEAD~1"):
        with pytest.raises(UsageError, match="There is no commit"):
            find_base(repository, ref)


@pytest.mark.parametrize("kind", ["tag", "branch"])
def test_a_name_that_means_two_things_is_refused(origin: Path, kind: str) -> None:
    top = clone(origin)
    git(top, kind, "origin/main", "HEAD")
    for ref in ("origin/main", "origin/main~1", "origin/main^{commit}"):
        with pytest.raises(UsageError, match="means more than one thing") as caught:
            find_base(Repository.around(top), ref)
        assert "refs/remotes/origin/main" in caught.value.required
    assert find_base(Repository.around(top), "refs/remotes/origin/main").tip == git(origin, "rev-parse", "main")


def test_what_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no git work tree"):
        Repository.around(tmp_path)
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    with pytest.raises(UsageError, match="no git work tree"):
        Repository.around(tmp_path / "bare.git")
