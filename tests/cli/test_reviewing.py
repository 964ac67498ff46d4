# SPDX-License-Identifier: Apache-2.0
"""`qaqpa check TREE --base REF`: what it refuses, what it says, and what it takes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from qaqpa.cli.main import main
from support.pull_requests import (
    Capture,
    PullRequest,
    git,
    write_evidence,
)

EXAMPLES = Path(__file__).parents[2] / "examples"
MISSING = ("AUD-01", "evidence_missing", "audit", "deny")


@pytest.fixture
def pull(here: Path, capsys: Capture) -> PullRequest:
    """A pull request that changes nothing yet, and a base without a parties file."""
    request = PullRequest(here, capsys)
    request.system()
    request.branch()
    return request


def test_nothing_changed_says_so_and_is_allowed(pull: PullRequest) -> None:
    code, out, err = pull.said("--fail-on", "any")
    assert code == 0
    assert "governance/credit" in out
    code, out, err = pull.said("--fail-on", "new")
    assert (code, err) == (
        0,
        "qaqpa: main:qaqpa.yaml does not exist: the shipped policies judge, and nobody's signature counts\n",
    )
    assert "No model differs from the base." in out


@pytest.mark.parametrize(("fail_on", "code"), [(None, 0), ("never", 0), ("new", 3), ("any", 3)])
def test_evidence_that_was_deleted_is_named_and_refused_where_that_was_asked(
    pull: PullRequest, fail_on: str | None, code: int
) -> None:
    (pull.credit / "evidence" / "audit.yaml").unlink()
    pull.commit()
    found = pull.check(*(["--fail-on", fail_on] if fail_on else []))
    assert found.code == code
    assert found.review["outcome"] == ("deny" if code else "allow")
    assert found.review["commit"] == git(pull.top, "rev-parse", "main")
    assert found.new() == {MISSING}
    assert found.report()["comparison"]["base_verdict"] == "allow"


def test_the_work_tree_is_judged_whether_it_was_committed_or_not(pull: PullRequest) -> None:
    (pull.credit / "evidence" / "audit.yaml").unlink()
    assert pull.check("--fail-on", "new").code == 3
    git(pull.top, "add", "--all")
    assert pull.check("--fail-on", "new").code == 3
    assert pull.check("--fail-on", "new", base="HEAD").code == 3


def test_all_reports_of_a_review_are_written_at_once(pull: PullRequest) -> None:
    (pull.credit / "evidence" / "audit.yaml").unlink()
    names = ("text", "json", "sarif", "junit", "markdown", "html")
    wanted = [option for name in names for option in ("--format", f"{name}=report.{name}")]
    code, out, _ = pull.said("--fail-on", "new", *wanted, "--format", "github")
    assert code == 3
    assert "::error" in out
    for name in names:
        assert "AUD-01" in (pull.top / f"report.{name}").read_text("utf-8"), name


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--stage", "production"], "A pull request is reviewed, not decided about for production"),
        (["--stage", "staging"], "not decided about for staging"),
        (["--name", "credit"], "--name: This does not go with --base"),
        (["--fetch-documents"], "--fetch-documents: This does not go with --base"),
        (["--verdict", "out"], "--base: There is no verdict on a comparison"),
        (["--profile", "none"], "There is no profile 'none'"),
        (["--as-of", "never"], "neither a date nor a time"),
        (["--config", "none.yaml"], ""),
    ],
)
def test_what_does_not_go_together_exits_with_2(pull: PullRequest, arguments: list[str], found: str) -> None:
    code, _, err = pull.said(*arguments)
    assert code == (2 if found else 0)
    assert found in err


def test_a_failure_needs_a_base_to_be_worse_than(pull: PullRequest, capsys: Capture) -> None:
    assert main(["check", str(pull.credit), "--fail-on", "new"]) == 2
    assert "--fail-on" in capsys.readouterr().err
    assert main(["check", "models:/credit/1", "--base", "main"]) == 2
    assert "A version of a registry has no base" in capsys.readouterr().err


def test_every_broken_file_of_the_tree_is_told_at_once(pull: PullRequest) -> None:
    pull.system("hiring")
    for name in ("credit", "hiring"):
        (pull.tree / name / "evidence" / "audit.yaml").write_text("kind: audit\nconclusion: [\n", encoding="utf-8")
    code, out, err = pull.said()
    assert (code, out) == (2, "")
    assert "2 models cannot be read:" in err
    assert "governance/credit/evidence/audit.yaml:3:1" in err
    assert "governance/hiring/evidence/audit.yaml:3:1" in err


def test_a_base_that_cannot_be_judged_makes_everything_new(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system(without=["audit"])
    (pull.credit / "evidence" / "bias.yaml").write_text("kind: bias\ngroups: [\n", encoding="utf-8")
    pull.branch()
    write_evidence(pull, "bias")
    found = pull.check("--fail-on", "new")
    assert (found.code, found.new()) == (3, {MISSING})
    assert "main:governance/credit/evidence/bias.yaml:3:1: This is not YAML" in found.err
    assert found.report()["comparison"]["base_verdict"] == ""


def test_an_engine_that_does_not_answer_leaves_it_undecided_whatever_fails(
    pull: PullRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("opa_client")
    monkeypatch.setenv("QAQPA_OPA_URL", "http://127.0.0.1:9")
    write_evidence(pull, "explanation", answer_days=11)
    found = pull.check("--engine", "opa", "--fail-on", "never")
    assert (found.code, found.review["outcome"]) == (4, "undecided")


def test_eight_systems_are_reviewed_within_seconds(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    for system in sorted(EXAMPLES.glob("*/mended")):
        shutil.copytree(system, pull.tree / system.parent.name)
    pull.branch()
    for system in sorted(EXAMPLES.glob("*/failing")):
        shutil.copytree(system, pull.tree / system.parent.name, dirs_exist_ok=True)
    found = pull.check("--as-of", "2026-11-23", "--fail-on", "new")
    assert found.code == 3
    assert len(found.targets) == 8
    assert ("NDQ-02", "selection_ratio_low", "groups", "deny") in found.new("governance/credit-scoring")
    assert ("AUD-01", "validity_ended", "valid_until", "deny") in found.new("governance/recruitment")
    assert all(not report["comparison"]["mended"] for report in found.review["reports"])
