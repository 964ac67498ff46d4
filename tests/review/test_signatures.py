# SPDX-License-Identifier: Apache-2.0
"""What a change does to signed evidence: taken away, weaker, withdrawn, sooner at its end, or waived."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from support.contents import context
from support.directories import keys_of, sign, write_yaml
from support.pull_requests import (
    Capture,
    PullRequest,
    sign_again,
    signed_for_review,
    trust_in,
    write_evidence,
)

EXAMPLES = Path(__file__).parents[2] / "examples"
MISSING = ("AUD-01", "evidence_missing", "audit", "deny")


@pytest.fixture
def signed(here: Path, capsys: Capture) -> PullRequest:
    """A pull request on a model of which everything is signed; the base says whose signatures count."""
    request = PullRequest(here, capsys)
    signed_for_review(request)
    request.branch()
    return request


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
    assert "whoever is independent of this model, of auditor, auditor2, peer: audit." in said
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
    assert "dpo (one signature): legal_basis." in said


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
