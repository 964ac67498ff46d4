# SPDX-License-Identifier: Apache-2.0
"""What a change makes worse or mends, from real branches to the comparison."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from support.contents import contents, context
from support.directories import write_yaml
from support.pull_requests import (
    Capture,
    PullRequest,
    edit,
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


def gap(selected: int) -> list[dict[str, Any]]:
    """The groups of the sound bias test, of which one is selected less."""
    groups: list[dict[str, Any]] = json.loads(json.dumps(contents(times.now())["bias"]["groups"]))
    groups[0]["selected"] = selected
    return groups


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
    [own] = [
        one for one in found.report()["results"] if (one["code"], one["control"]) == ("not_applicable_now", "HOV-01")
    ]
    written = (pull.credit / "context.yaml").read_text("utf-8").splitlines()
    assert "significant_decision" in written[own["place"]["line"] - 1]
    levels = {result["level"] for result in found.report()["results"]}
    assert levels == {"warning"}, "the decision itself is an allow, and no result says otherwise"
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


def test_a_branch_that_only_restores_a_stricter_context_is_a_mend(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    write_yaml(pull.credit / "context.yaml", context(kz_risk="medium"))
    pull.branch()
    differs = ("DOC-01", "kz_risk_differs", "kz_risk", "deny")
    assert pull.check("--fail-on", "any").code == 3
    write_yaml(pull.credit / "context.yaml", context(kz_risk="high", version=2))
    found = pull.check("--fail-on", "new")
    assert (found.code, found.new()) == (0, set())
    assert differs in found.mended()


def test_a_context_that_a_record_does_not_fit_any_more_is_named_by_the_field_alone(pull: PullRequest) -> None:
    write_evidence(pull, "classification", kz_risk="medium")
    write_yaml(pull.credit / "context.yaml", context(kz_risk="medium", version=2))
    named = pull.check("--fail-on", "new").new()
    assert ("", "context_lowered", "kz_risk", "deny") in named
    assert not [one for one in named if one[1] == "eased_by_context" and one[2].endswith("_differs")]


def test_what_evidence_said_that_is_gone_is_not_mended(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system()
    write_evidence(pull, "security", open_vulnerabilities={"critical": 0, "high": 2})
    write_evidence(pull, "explanation", comprehension={"n": 40, "share_understood": 0.5})
    pull.branch()
    (pull.credit / "evidence" / "security.yaml").unlink()
    write_evidence(pull, "explanation")
    found = pull.check("--fail-on", "new")
    assert ("SRS-03", "evidence_missing", "security", "deny") in found.new()
    assert {control for control, *_ in found.mended()} == {"TRN-02"}


def test_values_that_differ_and_violate_nothing_are_told_in_every_language(pull: PullRequest) -> None:
    metrics = json.loads(json.dumps(contents(times.now())["evaluation"]["metrics"]))
    declared, measured = metrics[0]["threshold"], metrics[0]["value"]
    metrics[0].update(threshold=declared - 0.1, value=measured - 0.1)
    write_evidence(pull, "evaluation", metrics=metrics)
    write_yaml(pull.credit / "context.yaml", context(kz_risk="medium", version=2))
    found = pull.check()
    notes = "\n".join(found.report()["notes"])
    path = f"metrics/{metrics[0]['name']}"
    assert f"{path}/threshold: {declared} → {metrics[0]['threshold']}" in notes
    assert f"{path}/value: {measured} → {metrics[0]['value']}" in notes
    assert "context.yaml differs from the base: version: 1 → 2, kz_risk: high → medium." in notes
    for language, said in (("kk", "негізгі тармақтан айырмашылығы"), ("ru", "отличается от базовой ветки")):
        assert f"{said}: version: 1 → 2, kz_risk: high → medium." in " ".join(pull.said("--lang", language)[1].split())


@pytest.mark.parametrize("days", [-60, 0, 30])
def test_a_draft_that_says_an_earlier_end_of_itself_is_named(pull: PullRequest, days: int) -> None:
    until = times.parse(contents(times.now())["audit"]["valid_until"]) + timedelta(days=days)
    write_evidence(pull, "audit", valid_until=until.date().isoformat(), report={"uri": "x", "sha256": "ab" * 32})
    found = pull.check("--fail-on", "new")
    assert found.code == 0
    assert found.new() == ({("", "ends_earlier", "audit", "warn")} if days < 0 else set())


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


def test_what_is_mended_is_named(here: Path, capsys: Capture) -> None:
    pull = PullRequest(here, capsys)
    pull.system(without=["audit"])
    pull.branch()
    write_evidence(pull, "audit")
    found = pull.check("--fail-on", "any")
    assert (found.code, found.new(), found.mended()) == (0, set(), {MISSING})


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
