# SPDX-License-Identifier: Apache-2.0
"""`qaqpa check TREE --base REF`: what a change makes worse is named, and nothing else is."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from support.contents import contents, context
from support.directories import keys_of, sign, signed_system, write_trust, write_yaml
from support.pull_requests import Capture, PullRequest, edit, git

EXAMPLES = Path(__file__).parents[2] / "examples"
MISSING = ("AUD-01", "evidence_missing", "audit", "deny")


@pytest.fixture
def pull(here: Path, capsys: Capture) -> PullRequest:
    """A pull request that changes nothing yet, and a base without a parties file."""
    request = PullRequest(here, capsys)
    request.system()
    request.branch()
    return request


@pytest.fixture
def signed(here: Path, capsys: Capture) -> PullRequest:
    """A pull request on a model of which everything is signed; the base says whose signatures count."""
    request = PullRequest(here, capsys)
    signed_for_review(request)
    request.branch()
    return request


def signed_for_review(pull: PullRequest) -> None:
    """Signs everything but the approval of the release, which is for another stage, and remains a draft here."""
    signed_system(pull.credit)
    (pull.credit / "evidence" / "release_approval.json").unlink()
    write_evidence(pull, "release_approval")
    trust_in(pull.top)


def sign_again(pull: PullRequest, kind: str, draft: Path, *more: str) -> None:
    """Puts another statement in the place of one, and leaves no draft and no key behind."""
    (pull.credit / "evidence" / f"{kind}.json").unlink(missing_ok=True)
    assert sign(pull.credit, kind, draft, *more) == 0
    if draft.parent.name == "evidence":
        draft.unlink()
    shutil.rmtree(pull.tree / "keys")


def trust_in(top: Path) -> None:
    """A parties file in the repository, named by a path relative to the configuration."""
    write_trust(top)
    edit(top / "qaqpa.yaml", (json.dumps(str(top / "parties.signed.json")), '"parties.signed.json"'))


def write_evidence(pull: PullRequest, kind: str, **changes: Any) -> None:
    write_yaml(pull.credit / "evidence" / f"{kind}.yaml", {**contents(times.now())[kind], **changes})


def gap(selected: int) -> list[dict[str, Any]]:
    """The groups of the sound bias test, of which one is selected less."""
    groups: list[dict[str, Any]] = json.loads(json.dumps(contents(times.now())["bias"]["groups"]))
    groups[0]["selected"] = selected
    return groups


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


def test_what_failed_before_is_no_fault_of_the_change(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system(without=["audit"])
    pull.branch()
    write_evidence(pull, "explanation", answer_days=11)
    found = pull.check("--fail-on", "new")
    assert found.code == 0
    assert found.report()["decision"]["verdict"] == "deny"
    assert found.new() == set()
    assert {result["change"] for result in found.report()["results"]} == {"known"}
    assert pull.check("--fail-on", "any").code == 3


def test_what_is_mended_is_named(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system(without=["audit"])
    pull.branch()
    write_evidence(pull, "audit")
    found = pull.check("--fail-on", "any")
    assert (found.code, found.new(), found.mended()) == (0, set(), {MISSING})


def test_the_work_tree_is_judged_whether_it_was_committed_or_not(pull: PullRequest) -> None:
    (pull.credit / "evidence" / "audit.yaml").unlink()
    assert pull.check("--fail-on", "new").code == 3
    git(pull.top, "add", "--all")
    assert pull.check("--fail-on", "new").code == 3
    assert pull.check("--fail-on", "new", base="HEAD").code == 3


def test_each_weakening_of_one_change_is_named_exactly(pull: PullRequest) -> None:
    write_evidence(pull, "bias", groups=gap(10))
    write_evidence(pull, "audit", conclusion="negative")
    (pull.credit / "evidence" / "oversight.yaml").unlink()
    write_evidence(pull, "explanation", comprehension={"n": 40, "share_understood": 0.5})
    pull.commit()
    found = pull.check("--fail-on", "new")
    assert found.code == 3
    assert found.new() == {
        ("AUD-01", "conclusion_negative", "conclusion", "deny"),
        ("HOV-02", "evidence_missing", "oversight", "deny"),
        ("NDQ-02", "selection_ratio_low", "groups", "deny"),
        ("TRN-02", "comprehension_low", "comprehension/share_understood", "warn"),
    }
    assert found.mended() == set()
    code, out, _ = pull.said("--fail-on", "new", "--brief")
    assert code == 3
    assert out.count(" NEW ") == 4


def test_a_second_gap_is_new_and_a_gap_that_grows_is_worse(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    first = gap(40)
    write_evidence(pull, "bias", groups=first)
    pull.branch()
    low = ("NDQ-02", "selection_ratio_low", "groups", "deny")
    assert pull.check().targets == []
    write_evidence(pull, "bias", groups=gap(41))
    assert pull.check().new() == set(), "a gap that shrinks and still is one is known"
    write_evidence(pull, "bias", groups=gap(39))
    assert pull.check().new() == {low}
    second = json.loads(json.dumps(first))
    other = next(group for group in second if group["attribute"] != second[0]["attribute"])
    other["selected"] = 1
    write_evidence(pull, "bias", groups=second)
    found = pull.check()
    assert len([one for one in found.report()["comparison"]["new"] if one["code"] == low[1]]) == 1


def test_a_milder_context_is_named_field_by_field_and_by_what_it_switches_off(pull: PullRequest) -> None:
    harmless = context(affects_rights=False, significant_decision=False, jurisdictions=["KZ"], version=2)
    write_yaml(pull.credit / "context.yaml", harmless)
    found = pull.check("--fail-on", "new")
    assert found.report()["decision"]["verdict"] == "allow"
    assert (found.code, found.review["outcome"]) == (3, "deny")
    named = found.new()
    for field in ("affects_rights", "significant_decision", "jurisdictions"):
        assert ("", "context_lowered", field, "deny") in named
    off = {control for control, code, _, _ in named if code == "not_applicable_now"}
    assert {"NDQ-02", "HOV-01"} <= off
    assert off == {
        one["control"] for one in found.report()["decision"]["findings"] if one["status"] == "not_applicable"
    }
    code, out, _ = pull.said("--fail-on", "new", "--lang", "kk")
    assert code == 3
    assert "өзгертілген контекст бойынша енді қолданылмайды" in " ".join(out.split())


def test_a_milder_risk_that_turns_a_denial_into_a_warning_mends_nothing(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    write_yaml(pull.credit / "context.yaml", context(eu_class="minimal"))
    vulnerable = {"critical": 0, "high": 2}
    write_evidence(pull, "security", open_vulnerabilities=vulnerable)
    pull.branch()
    assert pull.check("--fail-on", "any").code == 3
    write_yaml(pull.credit / "context.yaml", context(eu_class="minimal", kz_risk="medium", version=2))
    found = pull.check("--fail-on", "new")
    assert found.code == 3
    assert ("SRS-03", "eased_by_context", "high_vulnerability_open", "deny") in found.new()
    assert not [control for control, *_ in found.mended() if control == "SRS-03"]


def test_a_milder_context_that_its_risk_owner_signed_only_warns(signed: PullRequest) -> None:
    milder = context(significant_decision=False, affects_rights=False, jurisdictions=["KZ"], version=2)
    write_yaml(signed.credit / "context.yaml", milder)
    unsigned = signed.check("--fail-on", "new")
    assert unsigned.code == 3
    sign_again(signed, "system", signed.credit / "context.yaml")
    levels = {level for _, code, _, level in signed.check().new() if code in {"context_lowered", "not_applicable_now"}}
    assert levels == {"warn"}


def test_a_signature_that_is_gone_is_weaker_and_a_task_but_no_failure(signed: PullRequest) -> None:
    (signed.credit / "evidence" / "audit.json").unlink()
    write_evidence(signed, "audit")
    code, out, err = signed.said("--fail-on", "new")
    assert (code, err) == (0, "")
    said = " ".join(out.split())
    assert "evidence is weaker than at the base, where it was signed: audit" in said
    assert (
        "To be signed before production by whoever is independent of this model, of auditor, auditor2, peer: audit."
        in said
    )
    assert signed.check().new() == {("", "strength_lowered", "audit", "warn")}


def test_drafts_without_any_signature_do_not_fail_and_name_who_has_to_sign(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    trust_in(here)
    pull.branch()
    pull.system()
    code, out, _ = pull.said("--fail-on", "any")
    assert code == 0
    said = " ".join(out.split())
    assert "New: the base does not have this model." in said
    assert "independent of this model, of risk, risk2: system" in said
    assert "To be signed before production by dpo, any of them: legal_basis." in said


def test_a_failed_audit_that_was_signed_cannot_be_taken_away(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    signed_for_review(pull)
    write_evidence(pull, "audit", conclusion="negative")
    (pull.credit / "evidence" / "audit.json").rename(pull.credit / "evidence" / "good.json")
    sign_again(pull, "audit", pull.credit / "evidence" / "audit.yaml")
    pull.branch()
    assert pull.check("--fail-on", "any").code == 3
    (pull.credit / "evidence" / "audit.json").unlink()
    found = pull.check("--fail-on", "new")
    assert found.report()["decision"]["verdict"] == "allow"
    assert found.code == 3
    assert found.new() == {("AUD-01", "evidence_silenced", "audit", "deny")}
    assert found.mended() == set()


def test_a_waiver_that_ends_soon_is_told_and_one_that_is_gone_denies_again(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    signed_for_review(pull)
    write_evidence(pull, "explanation", scope=["global"])
    sign_again(pull, "explanation", pull.credit / "evidence" / "explanation.yaml")
    waiver = [
        *("waive", "--model", str(pull.credit), "--control", "TRN-02", "--reason", "late", "--ticket", "T-1"),
        *("--requested-by", "owner", "--days", "10", "--stage", "review"),
        *("--output", str(pull.credit / "evidence" / "waiver.json"), *keys_of(here, ["risk"])),
    ]
    assert main(waiver) == 0
    shutil.rmtree(here / "keys")
    pull.branch()
    found = pull.check("--fail-on", "any")
    assert (found.code, found.report()["comparison"]["ending"], found.new()) == (0, ["TRN-02"], set())
    assert "waived until" in pull.said("--fail-on", "any")[1]
    (pull.credit / "evidence" / "waiver.json").unlink()
    found = pull.check("--fail-on", "new")
    assert (found.code, found.report()["comparison"]["ending"]) == (3, ["TRN-02"])
    assert {control for control, _, _, level in found.new() if level == "deny"} == {"TRN-02"}
    assert "its waiver is no more" in pull.said()[1]


def test_a_statement_that_its_signer_withdrew_is_named(signed: PullRequest) -> None:
    envelope = json.loads((signed.credit / "evidence" / "audit.json").read_bytes())
    statement = hashlib.sha256(base64.b64decode(envelope["payload"])).hexdigest()
    draft = signed.top / "withdrawal.yaml"
    write_yaml(draft, {"kind": "withdrawal", "statement": statement, "reason": "It was a mistake."})
    assert sign(signed.credit, "withdrawal", draft, signers=["auditor"]) == 0
    shutil.rmtree(signed.tree / "keys")
    found = signed.check("--fail-on", "new")
    assert found.code == 3
    assert found.new() == {
        ("", "evidence_withdrawn", "audit", "warn"),
        ("AUD-01", "evidence_refused", "audit", "deny"),
    }


def test_an_end_that_was_pulled_forward_is_named(signed: PullRequest) -> None:
    write_evidence(signed, "audit")
    soon = (times.now() + timedelta(days=2)).date().isoformat()
    sign_again(signed, "audit", signed.credit / "evidence" / "audit.yaml", "--expires", soon)
    assert ("", "ends_earlier", "audit", "warn") in signed.check("--fail-on", "new").new()


def test_a_new_model_is_new_altogether(pull: PullRequest) -> None:
    other = pull.system("hiring", without=["audit"])
    edit(other / "context.yaml", ('{"name": "credit"}', '{"name": "hiring"}'))
    found = pull.check("--fail-on", "new")
    assert (found.code, found.targets) == (3, ["governance/hiring"])
    assert found.report("governance/hiring")["comparison"]["existed"] is False
    assert found.new("governance/hiring") == {MISSING}


def test_a_directory_that_moved_is_compared_with_where_it_was(pull: PullRequest) -> None:
    git(pull.top, "mv", "governance/credit", "governance/loans")
    (pull.tree / "loans" / "evidence" / "audit.yaml").unlink()
    found = pull.check("--fail-on", "new")
    assert (found.code, found.targets) == (3, ["governance/loans"])
    assert found.report("governance/loans")["comparison"]["existed"] is True
    assert found.new("governance/loans") == {MISSING}


def test_changed_code_is_said_and_is_no_violation(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    (here / "qaqpa.yaml").write_text(
        "version: 1\nreview: {code: {governance/credit: ['src/**', train.py]}}\n", encoding="utf-8"
    )
    (here / "src").mkdir()
    (here / "src" / "score.py").write_text("THRESHOLD = 0.5\n", encoding="utf-8")
    pull.branch()
    (here / "other.py").write_text("", encoding="utf-8")
    assert pull.check().targets == []
    (here / "src" / "score.py").write_text("THRESHOLD = 0.4\n", encoding="utf-8")
    code, out, err = pull.said("--fail-on", "new")
    assert (code, err) == (0, "")
    assert "The code changed (src/score.py), and no evidence about the model's bytes did" in " ".join(out.split())
    write_evidence(pull, "bias", tested_on=times.now().date().isoformat())
    assert "The code changed" not in " ".join(pull.said()[1].split())


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
