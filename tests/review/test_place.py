# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from qaqpa.errors import UsageError
from qaqpa.review.place import below, find_spot
from support.pull_requests import git


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A repository with a directory two levels down."""
    top = tmp_path / "repository"
    (top / "governance" / "credit").mkdir(parents=True)
    git(top, "init", "--quiet")
    return top


def test_the_place_does_not_depend_on_where_the_command_runs(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for here, target in ((top, "governance"), (top / "governance", "."), (top / "governance" / "credit", "..")):
        monkeypatch.chdir(here)
        spot = find_spot(target)
        assert (spot.repository.top, spot.folder) == (top, "governance")
    assert (spot.inside("credit"), spot.inside(".")) == ("governance/credit", "governance")
    monkeypatch.chdir(tmp_path)
    assert find_spot("repository/governance").folder == "governance"
    whole = find_spot("repository")
    assert (whole.folder, whole.inside("a"), whole.inside(".")) == ("", "a", "")


def test_a_link_above_the_repository_is_no_link_in_it(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert find_spot("home/repository/governance").folder == "governance"
    assert find_spot("home/repository/governance").repository.top == top


def test_a_link_in_it_is_refused_even_one_that_leads_back(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(top)
    (top / "back").symlink_to(top)
    (top / "loop").symlink_to("loop")
    (top / "other").symlink_to("governance")
    for target in ("back/governance", "other/credit", "other", "loop"):
        with pytest.raises(UsageError, match="symbolic link"):
            find_spot(target)


def test_what_is_not_there_has_a_place_and_what_is_in_no_repository_is_refused(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(top)
    gone = find_spot("none/at/all")
    assert (gone.repository.top, gone.folder) == (top, "none/at/all")
    (tmp_path / "plain").mkdir()
    with pytest.raises(UsageError, match="no git work tree"):
        find_spot(str(tmp_path / "plain" / "none"))
    with pytest.raises(UsageError, match="no git work tree"):
        find_spot(str(tmp_path / "plain"))
    with pytest.raises(UsageError, match="another repository"):
        find_spot(_inner(top))


def _inner(top: Path) -> str:
    git(top / "governance", "init", "--quiet")
    return "governance/credit"


def test_a_path_is_below_by_its_name(top: Path, tmp_path: Path) -> None:
    assert below(top, top / "a" / ".." / "b") == "b"
    assert below(top, top) == ""
    assert below(top, tmp_path) is None
    assert below(top, top / ".." / "repository-other") is None
