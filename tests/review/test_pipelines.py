# SPDX-License-Identifier: Apache-2.0
"""The hook for pre-commit and the example for GitLab: what they run works, on a real repository."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from qaqpa.cli.main import main
from support.pull_requests import Capture, PullRequest, git, write_evidence

ROOT = Path(__file__).parents[2]
GITLAB = ROOT / "examples" / "ci" / "gitlab-ci.yml"
BRANCH = "refs/remotes/origin/main"


@pytest.fixture
def pull(here: Path, capsys: Capture) -> PullRequest:
    """A change that takes the audit away; the target branch is known as GitLab's job fetches it."""
    request = PullRequest(here, capsys)
    request.system()
    request.branch()
    git(here, "update-ref", BRANCH, "main")
    (request.credit / "evidence" / "audit.yaml").unlink()
    return request


def hook() -> Any:
    [found] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    return found


def test_the_hook_refuses_a_commit_that_makes_something_worse(pull: PullRequest, capsys: Capture) -> None:
    program, *arguments = [*shlex.split(hook()["entry"]), *hook()["args"]]
    assert program == "qaqpa"
    git(pull.top, "add", "--all")
    assert main(arguments) == 3
    assert "NEW AUD-01/evidence_missing" in capsys.readouterr().out
    pull.commit()
    assert main(arguments) == 0, "it is in HEAD now, and no commit makes it worse"


def test_the_hook_runs_at_each_commit_for_deleted_files_are_passed_to_none() -> None:
    assert hook()["always_run"] is True
    assert hook()["pass_filenames"] is False
    assert not {"files", "types", "types_or"} & set(hook())


@pytest.mark.parametrize("form", ["only in the work tree", "only in the index", "ignored", "different", "a link"])
def test_evidence_that_would_not_be_committed_does_not_pass_for_it(
    pull: PullRequest, capsys: Capture, form: str
) -> None:
    git(pull.top, "checkout", "--quiet", "--", "governance")
    arguments = [*shlex.split(hook()["entry"])[1:], *hook()["args"]]
    assert main(arguments) == 0
    audit = pull.credit / "evidence" / "audit.yaml"
    if form in {"only in the work tree", "ignored"}:
        git(pull.top, "rm", "--quiet", "--cached", str(audit))
        (pull.top / ".gitignore").write_text("audit.yaml\n" if form == "ignored" else "", encoding="utf-8")
    elif form == "only in the index":
        audit.unlink()
    elif form == "different":
        git(pull.top, "update-index", "--assume-unchanged", str(audit))
        audit.write_text(audit.read_text("utf-8") + "\n", encoding="utf-8")
    else:
        audit.rename(pull.top / "elsewhere.yaml")
        audit.symlink_to(pull.top / "elsewhere.yaml")
    capsys.readouterr()
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert "--staged: The work tree is judged, and the commit would have something else" in err
    assert "governance/credit/evidence/audit.yaml" in err


def test_the_hook_judges_the_first_commit_as_new_altogether(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system(without=["audit"])
    git(here, "add", "--all")
    arguments = [*shlex.split(hook()["entry"])[1:], *hook()["args"]]
    assert main(arguments) == 3
    assert "NEW AUD-01/evidence_missing" in capsys.readouterr().out
    write_evidence(pull, "audit")
    git(here, "add", "--all")
    assert main(arguments) == 0


def test_the_hook_runs_inside_git_commit(pull: PullRequest) -> None:
    """Git sets variables that would lead the check elsewhere, and names another index for a commit of all."""
    arguments = [*shlex.split(hook()["entry"])[1:], *hook()["args"]]
    script = pull.top / ".git" / "hooks" / "pre-commit"
    script.write_text(
        f"#!/bin/sh\nexec {shlex.join([sys.executable, '-m', 'qaqpa.cli.main', *arguments])}\n", encoding="utf-8"
    )
    script.chmod(0o755)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        git(pull.top, "commit", "--quiet", "--all", "--message", "no audit")
    assert b"AUD-01/evidence_missing" in caught.value.stderr + caught.value.output


def test_the_job_for_gitlab_runs_and_writes_what_it_hands_over(pull: PullRequest) -> None:
    job = yaml.safe_load(GITLAB.read_text("utf-8"))["qaqpa"]
    [line] = job["script"]
    assert "$CI_MERGE_REQUEST_TARGET_BRANCH_NAME" in line
    line = line.replace("$CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")
    assert "$" not in line
    assert not [name for name in job["variables"] if name.startswith("QAQPA_")]
    program, *arguments = shlex.split(line)
    assert (program, main(arguments)) == ("qaqpa", 3)
    for path in (*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]):
        assert "AUD-01" in (pull.top / path).read_text("utf-8"), path
    assert any(BRANCH.replace("main", "$CI_MERGE_REQUEST_TARGET_BRANCH_NAME") in one for one in job["before_script"])


def test_the_job_for_gitlab_fits_the_schema_of_gitlab() -> None:
    pytest.importorskip("check_jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", str(GITLAB)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stdout + answer.stderr
