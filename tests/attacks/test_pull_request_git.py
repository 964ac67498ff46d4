# SPDX-License-Identifier: Apache-2.0
"""What somebody may try against a review with what git is told and keeps; each test is named by the attack."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from support.contents import contents
from support.directories import write_yaml
from support.pull_requests import (
    Capture,
    PullRequest,
    git,
    refused,
)


def test_a_tag_is_named_as_the_base_is(pull: PullRequest) -> None:
    pull.commit()
    git(pull.top, "tag", "main")
    code, out, err = pull.said()
    assert (code, out) == (2, "")
    assert "means more than one thing: refs/heads/main, refs/tags/main" in err
    refused(pull, base="refs/heads/main")


@pytest.mark.parametrize(
    "ref", ["--output=x", "-", "", "a b", "main..change", "main\n", "main:qaqpa.yaml", "none", "x" * 2000]
)
def test_a_base_that_is_an_option_or_no_commit_is_refused(pull: PullRequest, ref: str) -> None:
    assert main(["check", "governance", f"--base={ref}"]) == 2
    assert not (pull.top / "x").exists()


def test_a_repository_whose_configuration_runs_commands(
    pull: PullRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    touch = f"touch {pull.top / 'owned'}; cat"
    script = tmp_path_factory.mktemp("theirs") / "script"
    script.write_text(f"#!/bin/sh\n{touch}\n", encoding="utf-8")
    script.chmod(0o755)
    for name in (
        *("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "diff.external", "core.gitProxy"),
        *("diff.evil.textconv", "diff.evil.command", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process"),
        *("remote.origin.uploadpack", "uploadpack.packObjectsHook", "core.alternateRefsCommand", "gpg.program"),
    ):
        git(pull.top, "config", name, str(script))
    hooks = pull.top / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "post-checkout", "fsmonitor-watchman", "reference-transaction"):
        shutil.copy(script, hooks / name)
    git(pull.top, "config", "core.hooksPath", str(hooks))
    (pull.top / ".gitattributes").write_text("* filter=evil diff=evil text eol=crlf export-ignore\n", encoding="utf-8")
    (pull.top / "owned").unlink(missing_ok=True)
    refused(pull)
    assert not (pull.top / "owned").exists()


def test_objects_are_replaced_so_that_the_base_looks_weak(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    pull.branch()
    (pull.credit / "evidence" / "audit.yaml").unlink()
    weak = pull.commit()
    git(here, "replace", git(here, "rev-parse", "main"), weak)
    assert git(here, "show", "--name-only", "--format=", "main:governance/credit/evidence").count("audit") == 0
    refused(pull)
    (here / ".git" / "info").mkdir(exist_ok=True)
    (here / ".git" / "info" / "grafts").write_text(f"{weak}\n", encoding="utf-8")
    refused(pull)


def test_the_index_says_that_nothing_changed(pull: PullRequest) -> None:
    git(pull.top, "checkout", "--quiet", "--", "governance")
    write_yaml(pull.credit / "evidence" / "audit.yaml", {**contents(times.now())["audit"], "conclusion": "negative"})
    git(pull.top, "update-index", "--assume-unchanged", "governance/credit/evidence/audit.yaml")
    git(pull.top, "update-index", "--skip-worktree", "governance/credit/context.yaml")
    found = pull.check("--fail-on", "new")
    assert (found.code, found.new()) == (3, {("AUD-01", "conclusion_negative", "conclusion", "deny")})


def test_variables_of_git_point_elsewhere(
    pull: PullRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "--quiet", "--initial-branch=main")
    git(other, "commit", "--quiet", "--allow-empty", "--message", "empty")
    for name, value in {"GIT_DIR": other / ".git", "GIT_WORK_TREE": other, "GIT_INDEX_FILE": other / "index"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.worktree")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(other))
    refused(pull)


def test_a_work_tree_that_the_repository_moves_elsewhere_is_refused(
    pull: PullRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    git(pull.top, "config", "core.worktree", str(tmp_path_factory.mktemp("other")))
    code, _, err = pull.said()
    assert code == 2
    assert "outside the work tree" in err or "no git work tree" in err


@pytest.mark.parametrize("inside", ["evidence", "model/sub", "notes"])
def test_a_part_of_a_model_becomes_a_submodule_that_nobody_checked_out(
    here: Path, capsys: Capture, inside: str
) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    pull.branch()
    kept = {path: path.read_bytes() for path in (pull.credit / "evidence").iterdir()}
    shutil.rmtree(pull.credit / inside, ignore_errors=True)
    pull.commit()
    git(here, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},governance/credit/{inside}")
    git(here, "commit", "--quiet", "--message", "submodule")
    (pull.credit / inside).mkdir(exist_ok=True)
    code, out, err = pull.said("--fail-on", "new")
    assert (code, out) == (2, "")
    assert f"governance/credit/{inside}: This is a submodule in the directory of a model" in err
    assert "git rm --cached" in err
    # Were it at the base already, to take it out would be possible, and whatever is wrong then is new.
    git(here, "checkout", "--quiet", "-B", "main")
    git(here, "checkout", "--quiet", "-b", "repair")
    assert pull.said()[0] == 2
    git(here, "rm", "--quiet", "--cached", f"governance/credit/{inside}")
    for path, content in kept.items():
        path.write_bytes(content)
    (pull.credit / "evidence" / "audit.yaml").unlink()
    assert "This is a submodule, and what is in it is not known" in refused(pull).err


@pytest.mark.parametrize("inside", ["evidence", "model", "model/deep/down"])
@pytest.mark.parametrize("form", ["directory", "file"])
def test_a_part_of_a_model_is_a_repository_of_its_own(pull: PullRequest, inside: str, form: str) -> None:
    folder = pull.credit / inside
    folder.mkdir(parents=True, exist_ok=True)
    if form == "directory":
        git(folder, "init", "--quiet")
    else:
        (folder / ".git").write_text("gitdir: ../elsewhere\n", encoding="utf-8")
    code, out, err = pull.said("--fail-on", "new")
    assert (code, out) == (2, "")
    assert f"governance/credit/{inside}/.git: This is another repository inside the tree" in err
