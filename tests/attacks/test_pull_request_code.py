# SPDX-License-Identifier: Apache-2.0
"""What somebody who can only open a pull request may try to make a model look out of use whose code stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.pull_requests import Capture, PullRequest, git

REFUSED = {("", "model_removed", "governance/credit", "deny")}
TOLD = {("", "model_removed", "governance/credit", "warn")}


@pytest.fixture
def retired(here: Path, capsys: Capture) -> PullRequest:
    """A pull request that takes a model away, whose code the configuration of the base names and stays."""
    pull = PullRequest(here, capsys)
    pull.system()
    code = here / "src" / "credit"
    code.mkdir(parents=True)
    (code / "train.py").write_text("x = 1\n", encoding="utf-8")
    (code / "__init__.py").write_text("# A licence.\n", encoding="utf-8")
    (here / "src" / "other.py").write_text("# A licence.\n", encoding="utf-8")
    (here / "qaqpa.yaml").write_text(
        'version: 1\nreview: {code: {governance/credit: [src/credit/**, "lib/credit_*.py"]}}\n', encoding="utf-8"
    )
    pull.branch()
    shutil.rmtree(pull.credit)
    pull.tree.mkdir(exist_ok=True)
    return pull


def test_the_code_goes_behind_a_link(retired: PullRequest) -> None:
    code = retired.top / "src" / "credit"
    code.rename(retired.top / "src" / "lib")
    edit_all(retired.top / "src" / "lib")
    code.symlink_to("lib")
    assert retired.check("--fail-on", "new").new() == REFUSED
    code.unlink()
    (retired.top / "src").rename(retired.top / "real")
    (retired.top / "src").symlink_to("real")
    assert retired.check("--fail-on", "new").new() == REFUSED


@pytest.mark.parametrize("checked_out", [True, False])
def test_the_code_goes_into_a_submodule(retired: PullRequest, checked_out: bool) -> None:  # noqa: FBT001
    shutil.rmtree(retired.top / "src" / "credit")
    retired.commit()
    git(retired.top, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},src/credit")
    if checked_out:
        (retired.top / "src" / "credit").mkdir()
    assert retired.check("--fail-on", "new").new() == REFUSED


@pytest.mark.parametrize("committed", [True, False])
def test_the_code_moves(retired: PullRequest, committed: bool) -> None:  # noqa: FBT001
    (retired.top / "src" / "credit").rename(retired.top / "src" / "lib")
    if committed:
        retired.commit()
    assert retired.check("--fail-on", "new").new() == REFUSED


def test_a_model_that_is_really_retired_is_told_in_every_format_and_refuses_nothing(retired: PullRequest) -> None:
    shutil.rmtree(retired.top / "src" / "credit")
    (retired.top / "lib").mkdir()
    (retired.top / "lib" / "link").symlink_to("../src")
    for fail_on in ("new", "any"):
        found = retired.check("--fail-on", fail_on)
        assert (found.code, found.new()) == (0, TOLD)
    for form in ("text", "markdown", "sarif", "junit", "github", "html"):
        code, out, _ = retired.said("--fail-on", "new", "--format", form)
        assert (code, "governance/credit" in out) == (0, True), form


def edit_all(folder: Path) -> None:
    for file in folder.iterdir():
        file.write_text(f"{file.read_text('utf-8')}# moved\n", encoding="utf-8")
