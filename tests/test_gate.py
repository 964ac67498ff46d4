# SPDX-License-Identifier: Apache-2.0
"""The gate: what complete evidence allows, and what each piece that lacks or is void denies."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qaqpa.config import Config, PartiesSource
from qaqpa.documents import validator
from qaqpa.errors import UndecidedError
from qaqpa.evidence.kinds import kinds
from qaqpa.evidence.statement import context_digest
from qaqpa.evidence.trust import Trust
from qaqpa.gate import decide, input_document, open_engine
from qaqpa.model import Problem, Separation, Settings, Stage, Status, Strength, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from support.contents import contents, context, waiver
from support.statements import NOW, SUBJECT, carried, everything, everything_of_all_profiles, request, stage_of

ALL = contents(NOW)


DAY = timedelta(days=1)


SIGNED = Settings(minimum_strength=Strength.SIGNED)


def statuses(document: Any) -> dict[str, str]:
    return {finding["control"]: finding["status"] for finding in document["findings"]}


def asked_by(profile: str, engine: EmbeddedEngine) -> list[str]:
    """The controls that a profile asks for."""
    return sorted(engine.catalog.profiles[profile]["controls"])


@pytest.mark.parametrize("day", [NOW, NOW + timedelta(days=375), NOW + timedelta(days=620)])
def test_evidence_of_every_kind_is_allowed_by_all_profiles_without_a_warning(
    engine: EmbeddedEngine, day: datetime
) -> None:
    """Also on days on which the last duties of the EU apply."""
    complete = request(everything_of_all_profiles(day), now=day, profiles=sorted(engine.catalog.profiles))
    decision = decide(complete, engine)
    assert list(decision.problems) == []
    exempt = {control for control, status in statuses(decision.document).items() if status == "not_applicable"}
    assert exempt == {"DPB-02", "DPB-03", "NOT-02"}
    rest = set(engine.catalog.controls) - exempt
    assert statuses(decision.document) == {**dict.fromkeys(rest, "pass"), **dict.fromkeys(exempt, "not_applicable")}
    assert decision.verdict is Verdict.ALLOW


def test_complete_evidence_is_allowed_and_every_control_passes(engine: EmbeddedEngine) -> None:
    decision = decide(request(everything()), engine)
    assert (decision.verdict, list(decision.problems)) == (Verdict.ALLOW, [])
    assert statuses(decision.document) == dict.fromkeys(asked_by("article-baseline", engine), "pass")
    assert decision.policy_digest == engine.policy_digest
    assert decision.engine == engine.name
    assert list(validator("decision").iter_errors(decision.document)) == []


@pytest.mark.parametrize("left_out", sorted(ALL))
def test_each_kind_is_needed(engine: EmbeddedEngine, left_out: str) -> None:
    pieces = [piece for piece in everything() if piece.kind != left_out]
    decision = decide(request(pieces), engine)
    # The article asks for a commission where the state adopts the system, and this operator is private.
    only_warns = left_out == "commission"
    assert decision.verdict is (Verdict.ALLOW if only_warns else Verdict.DENY)
    status = Status.WARN if only_warns else Status.FAIL
    failed = [finding for finding in decision.findings if finding["status"] == status]
    codes = {(violation["code"], violation["field"]) for finding in failed for violation in finding["violations"]}
    # Whoever signs for responsibility is the owner; without an owner nobody can be shown to be independent of one.
    also = {
        ("evidence_refused", "audit"),
        ("evidence_refused", "ethics_assessment"),
        ("evidence_too_weak", "release_approval"),
        ("approver_not_independent", "approvers"),
        ("compliance_not_independent", "approvers/function"),
    }
    assert codes == {("evidence_missing", left_out), *(also if left_out == "responsibility" else ())}


def test_one_changed_byte_denies_and_says_what_is_void(engine: EmbeddedEngine) -> None:
    decision = decide(request(everything(), subject=replace(SUBJECT, digest="cd" * 32)), engine)
    assert decision.verdict is Verdict.DENY
    failed = [control for control, status in statuses(decision.document).items() if status == "fail"]
    assert failed == ["ACC-02", "AUD-01", "NDQ-01", "NDQ-02", "SRS-02", "TRN-01", "TRN-02"]
    codes = {violation["code"] for finding in decision.findings for violation in finding["violations"]}
    assert codes == {"evidence_refused"}


def test_the_worst_word_counts(engine: EmbeddedEngine) -> None:
    negative = carried({**ALL["audit"], "conclusion": "negative"}, issued_at=NOW - timedelta(days=9))
    for pieces in ([*everything(), negative], [negative, *everything()]):
        decision = decide(request(pieces), engine)
        assert decision.verdict is Verdict.DENY
        assert statuses(decision.document)["AUD-01"] == "fail"


def test_without_context_every_condition_is_at_its_strictest(engine: EmbeddedEngine) -> None:
    harmless = context(
        affects_rights=False, significant_decision=False, personal_data=False, kz_risk="minimal", eu_class="minimal"
    )
    exempt = [
        finding["control"]
        for finding in decide(request([carried(harmless)]), engine).findings
        if finding["status"] == Status.NOT_APPLICABLE
    ]
    assert exempt == (
        [
            "AUD-01",
            "AUD-02",
            "AUD-03",
            "CON-01",
            "CON-02",
            "DOC-03",
            "DPB-01",
            "HOV-01",
            "HOV-02",
            "HOV-03",
            "IMP-03",
            "NDQ-02",
            "TRN-02",
        ]
    )
    without = decide(request([]), engine)
    assert set(statuses(without.document).values()) == {"fail"}
    assert len(without.findings) == len(asked_by("article-baseline", engine))


def test_a_context_that_nobody_signed_leaves_every_condition_at_its_strictest(engine: EmbeddedEngine) -> None:
    harmless = request([carried(context(affects_rights=False, significant_decision=False), [])])
    document = input_document(harmless)
    assert (document["context"], document["context_digest"]) == ({}, None)
    decision = decide(harmless, engine)
    assert set(statuses(decision.document).values()) == {"fail"}


def test_nothing_that_nobody_signed_counts_in_production(engine: EmbeddedEngine) -> None:
    declared = [piece if piece.kind == "system" else carried(ALL[piece.kind], []) for piece in everything()]
    decision = decide(request(declared), engine)
    assert decision.verdict is Verdict.DENY
    weak = [violation for finding in decision.findings for violation in finding["violations"]]
    assert {violation["code"] for violation in weak} == {"evidence_too_weak"}
    assert {violation["required"] for violation in weak} == {"signed", "independent"}


def test_what_nobody_signed_counts_at_staging_unless_the_configuration_asks_for_more(engine: EmbeddedEngine) -> None:
    staging = {kind: stage_of(kinds()[kind], Stage.STAGING) for kind in ALL}
    declared = [carried(context(), []), *(carried(content, [], **staging[kind]) for kind, content in ALL.items())]
    assert decide(request(declared, stage=Stage.STAGING), engine).verdict is Verdict.ALLOW
    assert decide(request(declared, stage=Stage.STAGING, settings=SIGNED), engine).verdict is Verdict.DENY


def test_the_strength_that_is_asked_for_everywhere_is_asked_of_the_context_too(engine: EmbeddedEngine) -> None:
    independent = Settings(minimum_strength=Strength.INDEPENDENT)
    decision = decide(request(everything(), settings=independent), engine)
    assert decision.document["context_digest"] == context_digest(context())
    statuses_now = statuses(decision.document)
    assert (statuses_now["AUD-01"], statuses_now["NDQ-02"]) == ("pass", "fail")


def test_whoever_asks_is_not_the_only_one_who_signed(engine: EmbeddedEngine) -> None:
    asked = request(everything(), asked_by="deployer")
    assert (asked.actor, decide(asked, engine).verdict) == ("deployer", Verdict.ALLOW)
    alone = [replace(fact, signers=[replace(fact.signers[0], id="x")]) for fact in asked.evidence]
    decision = decide(replace(asked, evidence=alone, actor="x"), engine)
    assert decision.verdict is Verdict.DENY
    assert "separation_of_duties" in [problem["code"] for problem in decision.problems]


def test_where_separation_is_required_it_must_be_known_who_asks(engine: EmbeddedEngine) -> None:
    required = Settings(separation_of_duties=Separation.REQUIRED)
    decision = decide(request(everything(), settings=required), engine)
    assert decision.verdict is Verdict.DENY
    assert [problem["code"] for problem in decision.problems] == ["actor_unknown"]
    assert decide(request(everything(), settings=required, asked_by="ci"), engine).verdict is Verdict.ALLOW


def test_a_waiver_stays_visible_and_lets_pass(engine: EmbeddedEngine) -> None:
    pieces = [piece for piece in everything() if piece.kind != "model_card"]
    granted = carried(waiver(), expires_at=NOW + timedelta(days=20))
    decision = decide(request([*pieces, granted]), engine)
    assert decision.verdict is Verdict.ALLOW
    finding = next(finding for finding in decision.findings if finding["control"] == "TRN-01")
    assert finding["status"] == "waived"
    assert [violation["code"] for violation in finding["violations"]] == ["evidence_missing"]
    assert [(found["ticket"], found["signers"]) for found in finding["waivers"]] == [("T-1", ["risk"])]
    assert (
        decide(request([*pieces, carried(waiver(), ["owner"], expires_at=NOW + DAY)]), engine).verdict is Verdict.DENY
    )


def test_a_control_that_cannot_be_waived_is_not(engine: EmbeddedEngine) -> None:
    pieces = [piece for piece in everything() if piece.kind != "legal_basis"]
    granted = carried(waiver(controls=["DPB-01"]), expires_at=NOW + DAY)
    decision = decide(request([*pieces, granted]), engine)
    assert decision.verdict is Verdict.DENY
    finding = next(finding for finding in decision.findings if finding["control"] == "DPB-01")
    assert [violation["code"] for violation in finding["violations"]] == ["evidence_missing", "waiver_not_allowed"]


def test_where_the_bytes_are_elsewhere_production_is_denied_and_review_is_not(engine: EmbeddedEngine) -> None:
    elsewhere = [Problem("bytes_elsewhere", "The weights are on a hub.")]
    for stage, verdict in (
        (Stage.PRODUCTION, Verdict.DENY),
        (Stage.STAGING, Verdict.DENY),
        (Stage.REVIEW, Verdict.ALLOW),
    ):
        assert decide(request(everything(stage=stage), stage=stage, problems=elsewhere), engine).verdict is verdict


def test_without_a_parties_file_in_force_nothing_is_allowed(engine: EmbeddedEngine, tmp_path: Path) -> None:
    gone = Trust(PartiesSource(tmp_path / "gone.json", ("SHA256:x",), 1))
    asked = request(everything(), trust=gone)
    decision = decide(asked, engine)
    assert decision.verdict is Verdict.DENY
    assert [problem["code"] for problem in decision.problems] == ["parties_missing"]
    assert {refusal.code for refusal in asked.rejected} == {"no_parties"}
    review = decide(request(everything(stage=Stage.REVIEW), trust=gone, stage=Stage.REVIEW), engine)
    assert review.verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("problem", [Problem("context_conflict", "x"), Problem("bytes_missing", "")])
def test_a_problem_blocks_what_would_be_allowed(engine: EmbeddedEngine, problem: Problem) -> None:
    decision = decide(replace(request(everything()), problems=[problem]), engine)
    assert decision.verdict is Verdict.UNDECIDED
    assert [found["code"] for found in decision.problems] == [problem.code]


@pytest.mark.parametrize(
    ("profiles", "code"),
    [([], "no_profile"), (["kzz"], "no_profile"), (["article-baseline", "kzz"], "unknown_profile")],
)
def test_a_profile_that_is_missing_or_unknown_blocks(engine: EmbeddedEngine, profiles: list[str], code: str) -> None:
    decision = decide(replace(request(everything()), profiles=profiles), engine)
    assert decision.verdict is Verdict.UNDECIDED
    assert code in [problem["code"] for problem in decision.problems]


def test_a_threshold_that_is_law_cannot_be_loosened_past_the_configuration(engine: EmbeddedEngine) -> None:
    settings = Settings(thresholds={"DPB-01": {"kz_withdrawal_working_days": 16}})
    decision = decide(request(everything(), settings=settings), engine)
    assert decision.verdict is Verdict.UNDECIDED
    assert [problem["code"] for problem in decision.problems] == ["threshold_loosened"]


def test_the_input_document_fits_its_schema_and_repeats_no_profile() -> None:
    asked = replace(request(everything()), profiles=["article-baseline", "article-baseline"])
    document = input_document(replace(asked, subject=replace(SUBJECT, trained_at=NOW)))
    assert list(validator("input").iter_errors(document)) == []
    assert document["profiles"] == ["article-baseline"]
    assert document["subject"]["trained_at"] == {"text": "2026-11-23T00:00:00Z", "seconds": 1795392000}
    assert document["stage"] == Stage.PRODUCTION.value
    assert "workspace" not in document["subject"]


def test_the_engine_that_the_configuration_names_is_opened(tmp_path: Any) -> None:
    assert open_engine(Config()).name.startswith("embedded")
    with pytest.raises(UndecidedError):
        open_engine(Config(policy=tmp_path))
