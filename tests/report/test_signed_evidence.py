# SPDX-License-Identifier: Apache-2.0
"""What reports say of who has to sign, of evidence that was refused, of waivers and of whoever asks."""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Iterable
from typing import Any

import pytest
from rich.console import Console

from qaqpa.model import Decision, Json, JsonObject, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report import json as json_report
from qaqpa.report import text as text_report
from qaqpa.report.codes import PROBLEM_CODES, REJECTION_CODES
from qaqpa.report.line import one_line
from support.reports import unplaced

OWN_AUDIT = "owner signed it and is recorded as owner of this model."
WAIVER = {
    "id": "9a" * 32,
    "category": "mitigated",
    "reason": "The audit is booked for January.",
    "ticket": "RISK-1234",
    "compensating": ["Two officers decide each case", "A weekly review of refusals"],
    "until": {"text": "2026-12-20T00:00:00Z", "seconds": 1797724800},
    "signers": ["risk", "second"],
}
EVIL = ["\x1b[31mred\x1b[0m", "line\nbreak\r\u2028", "\u202eleft", "[red]x[/red] {detail} {found}", "x" * 5000]


def lacking(code: str, kind: str = "audit", found: Json = (), required: Json = "independent") -> JsonObject:
    return {
        "code": code,
        "level": "deny",
        "evidence": "",
        "field": kind,
        "found": list(found) if isinstance(found, tuple) else found,
        "required": required,
        "asked_by": [{"profile": "article-baseline", "basis": "direct", "severity": "deny", "from": []}],
    }


def finding(control: str, status: str, *violations: JsonObject, **more: Json) -> JsonObject:
    return {
        "control": control,
        "status": status,
        "profiles": ["article-baseline"],
        "violations": list(violations),
        "not_applicable_because": [],
        "evidence": [],
        "denies_from": [],
        "waivers": [],
        **more,
    }


def refusal(code: str, kind: str = "audit", detail: str = "Why.", source: str = "tag t") -> JsonObject:
    return {"code": code, "kind": kind, "source": source, "detail": detail}


def decided(verdict: str, findings: Iterable[JsonObject] = (), **more: Json) -> Decision:
    document = {
        "schema": "urn:qaqpa:schema:decision:v1",
        "verdict": verdict,
        "stage": "production",
        "now": {"text": "2026-11-23T00:00:00Z", "seconds": 1795392000},
        "as_of": False,
        "actor": None,
        "subject": {"name": "credit", "version": "7", "digest": "ab" * 32},
        "context_digest": "cd" * 32,
        "profiles": ["article-baseline"],
        "settings": {
            "minimum_strength": "declared",
            "thresholds": {},
            "raised": [],
            "separation_of_duties": "when_known",
        },
        "findings": list(findings),
        "problems": [],
        "rejected": [],
        **more,
    }
    return Decision(Verdict(verdict), document, "0" * 64, "none")


def own_audit() -> Decision:
    """An audit that the model's owner signed, beside one of other bytes."""
    refused = [refusal("not_independent", detail=OWN_AUDIT), refusal("other_model", detail="It is about other bytes.")]
    found = lacking("evidence_refused", found=("not_independent", "other_model"))
    return decided("deny", [finding("AUD-01", "fail", found), finding("TRN-01", "pass")], rejected=refused)


def text_of(decision: Decision, engine: EmbeddedEngine, **options: Any) -> str:
    """The text report on one line, as it does not matter here where lines end."""
    return " ".join(lines_of(decision, engine, **options).split())


def lines_of(decision: Decision, engine: EmbeddedEngine, **options: Any) -> str:
    out = io.StringIO()
    console = Console(file=out, width=100, highlight=False, markup=False, emoji=False)
    text_report.render(decision, engine.catalog, console, **options)
    return out.getvalue()


def harmless(text: str) -> bool:
    hidden = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
    return not [character for character in text if character != "\n" and unicodedata.category(character) in hidden]


def test_a_finding_says_who_signed_the_evidence_that_does_not_count_and_who_has_to(engine: EmbeddedEngine) -> None:
    text = text_of(own_audit(), engine)
    at_finding, listed = text.split("Evidence that was refused")
    assert "There is evidence of the kind audit, but it does not count. It must be signed by somebody" in at_finding
    assert f"{OWN_AUDIT} [not_independent, tag t] It is about other bytes. [other_model, tag t]" in at_finding
    assert "To mend: Somebody outside must sign" in at_finding
    assert at_finding.count("To mend:") == 1
    assert (
        f"not_independent: its signer has a part in what it judges. audit, tag t: {OWN_AUDIT} To mend: Some" in listed
    )
    assert "To mend: The model was changed after the signature" in listed


def test_a_brief_report_leaves_out_how_to_mend_what_was_refused(engine: EmbeddedEngine) -> None:
    text = text_of(own_audit(), engine, brief=True)
    assert text.count(OWN_AUDIT) == 2
    assert "To mend:" not in text


def test_a_finding_shows_three_refusals_and_says_how_many_more_there_are(engine: EmbeddedEngine) -> None:
    refused = [refusal("expired", detail=f"It ended {number}.") for number in range(5)]
    decision = decided("deny", [finding("AUD-01", "fail", lacking("evidence_refused", found=("expired",)))])
    text = text_of(Decision(decision.verdict, {**decision.document, "rejected": refused}, "", ""), engine)
    at_finding, listed = text.split("Evidence that was refused")
    assert "It ended 2. [expired, tag t] And 2 more; see below." in at_finding
    assert "It ended 3." not in at_finding
    assert all(f"It ended {number}." in listed for number in range(5))
    assert listed.count("past its end") == 1, "the same reason is said once"


@pytest.mark.parametrize(
    ("violation", "said"),
    [
        (lacking("evidence_missing", required="declared"), "The evidence audit is missing. Required:"),
        (lacking("evidence_missing", required="signed"), "is missing. It must be signed by somebody whom the parties"),
        (lacking("evidence_missing"), "is missing. It must be signed by somebody independent. Required:"),
        (lacking("evidence_too_weak", found=("declared", "declared")), "but it does not count: nobody signed it. It"),
        (lacking("evidence_too_weak", found=("signed",)), "nobody independent signed it. It must be signed by some"),
        (lacking("evidence_too_weak", found=("signed",)), "To mend: Have what is there signed by somebody independent"),
        (lacking("evidence_missing", required=["?"]), "The evidence audit is missing. Required:"),
        (lacking("evidence_too_weak", found=7), "but it does not count: 7. It must be signed by somebody independent."),
    ],
)
def test_evidence_that_lacks_says_who_has_to_sign_it(violation: JsonObject, said: str, engine: EmbeddedEngine) -> None:
    assert said in text_of(decided("deny", [finding("AUD-01", "fail", violation)]), engine)


def test_a_waived_finding_stays_visible_with_what_the_rule_says_and_who_excused_it(engine: EmbeddedEngine) -> None:
    left_open = {**WAIVER, "category": "waiver", "compensating": [], "reason": "No auditor is free."}
    waived = finding("AUD-01", "waived", lacking("evidence_missing"), waivers=[WAIVER, left_open])
    text = text_of(decided("allow", [waived, finding("TRN-01", "pass")]), engine)
    assert "ALLOWED credit version 7" in text
    assert "Nothing denies. Not met, but waived: 1 (AUD-01)." in text
    assert "are met" not in text
    assert "~ AUD-01 Independent audit with a positive conclusion WAIVED - The evidence audit is missing." in text
    assert (
        "Waived until 20 December 2026, 00:00 UTC: other measures stand in for the requirement."
        " Reason: The audit is booked for January."
        " Measure instead: Two officers decide each case Measure instead: A weekly review of refusals"
        " Ticket: RISK-1234 Signed by: risk, second"
        " Waived until 20 December 2026, 00:00 UTC: the requirement is left open."
        " Reason: No auditor is free. Ticket: RISK"
    ) in text
    assert "Passed TRN-01" in text


def test_warnings_and_waivers_are_both_counted(engine: EmbeddedEngine) -> None:
    waived = finding("AUD-01", "waived", lacking("evidence_missing"), waivers=[WAIVER])
    warned = finding("TRN-01", "warn", {**lacking("approved_by_missing", "approved_by"), "level": "warn"})
    text = text_of(decided("allow", [waived, warned]), engine)
    assert "Nothing denies; 1 of 2 requirements warn. Not met, but waived: 1 (AUD-01)." in text


def test_a_waiver_that_is_not_allowed_is_told_at_the_finding_that_still_fails(engine: EmbeddedEngine) -> None:
    vain = {
        **lacking("waiver_not_allowed", "waiver", "DPB-01", "no waiver"),
        "level": "warn",
        "evidence": WAIVER["id"],
        "asked_by": [{"profile": "article-baseline", "basis": "direct", "severity": "warn", "from": []}],
    }
    missing = lacking("evidence_missing", "legal_basis", required="signed")
    decision = decided("deny", [finding("DPB-01", "fail", missing, vain)])
    assert "! There is a waiver for DPB-01, but this requirement cannot be waived." in text_of(decision, engine)
    assert "Missing evidence, to be signed by" in one_line(decision, engine.catalog)


def test_what_does_not_apply_names_the_fields_and_the_statement_they_rest_on(engine: EmbeddedEngine) -> None:
    reasons = {"not_applicable_because": ["affects_rights", "significant_decision"]}
    signed = finding("HOV-01", "not_applicable", **reasons, evidence=["0123456789abcdef" * 4])
    text = text_of(decided("allow", [signed, finding("TRN-01", "pass")]), engine)
    fields = "effect on rights (affects_rights), part in significant decisions (significant_decision)"
    assert f"HOV-01: the context says so in {fields} (statement 0123456789abcdef)" in text
    text = text_of(decided("allow", [finding("HOV-01", "not_applicable", **reasons)]), engine)
    assert f"HOV-01: the context says so in {fields} A pass" in text


def test_a_refused_context_is_told_first_where_none_counts(engine: EmbeddedEngine) -> None:
    refused = [
        refusal("wrong_role", "system", "trainer signed it and is ml_engineer; required: risk_owner."),
        refusal("context_missing", detail="No context counts."),
    ]
    failed = [finding("AUD-01", "fail", lacking("evidence_refused", found=("context_missing",)))]
    without = decided("deny", failed, rejected=refused, context_digest=None)
    text = text_of(without, engine)
    assert text.index("Why the context does not count") < text.index("To do for the")
    assert "required: risk_owner. [wrong_role, tag t] To mend: Ask somebody who holds the required role" in text
    line = one_line(without, engine.catalog)
    assert (
        " 1) The context does not count, so every requirement applies at its strictest:"
        " wrong_role (trainer signed it and is ml_engineer; required: risk_owner). 2) AUD-01"
    ) in line
    other = decided("deny", failed, rejected=refused)
    assert "context does not count" not in text_of(other, engine), "another one counts"
    assert "context does not count" not in one_line(other, engine.catalog)


def test_the_line_says_of_the_first_refused_evidence_why_and_whom_to_ask(engine: EmbeddedEngine) -> None:
    line = one_line(own_audit(), engine.catalog)
    assert line == (
        "Qaqpa: promotion of credit version 7 to production is refused. Nothing was changed."
        " Requirements not met: 1 of 2. To see all: `qaqpa check models:/credit/7`."
        " 1) AUD-01 (independent auditor): audit refused: not_independent"
        " (owner signed it and is recorded as owner of this model)."
        " Somebody outside must sign: nobody who trained, owns or deploys this model, nor who asked for a waiver of"
        " it. `qaqpa parties show` lists who holds which role."
    )


def test_the_line_tells_of_the_piece_that_was_nearest_to_counting(engine: EmbeddedEngine) -> None:
    codes = ("too_large", "other_model", "same_unit", "not_a_code", "expired")
    refused = [refusal(code, detail=f"About {code}.") for code in codes]
    decision = decided(
        "deny", [finding("AUD-01", "fail", lacking("evidence_refused", found=tuple(sorted(codes))))], rejected=refused
    )
    assert "audit refused: same_unit (About same_unit)." in one_line(decision, engine.catalog)
    text = text_of(decision, engine)
    shown = [text.index(f"About {code}.") for code in ("same_unit", "expired", "other_model")]
    assert shown == sorted(shown)


def test_the_line_groups_all_other_evidence_by_why_it_lacks_and_who_has_to_sign(engine: EmbeddedEngine) -> None:
    kinds = [("DPB-01", "legal_basis", "signed"), ("NDQ-02", "bias", "signed"), ("AUD-03", "ethics_assessment", "")]
    failed = [finding("AUD-01", "fail", lacking("evidence_refused", found=("expired",)))]
    failed += [finding(own, "fail", lacking("evidence_missing", kind, required=least)) for own, kind, least in kinds]
    failed += [finding("TRN-01", "fail", lacking("evidence_refused", "model_card", ("expired", "draft"), "signed"))]
    refused = [refusal("expired"), refusal("draft", "model_card"), refusal("expired", "model_card")]
    line = one_line(decided("deny", failed, rejected=refused), engine.catalog)
    by_file = "to be signed by somebody whom the parties file names for it"
    assert f" 2) Missing evidence, {by_file}: legal_basis (DPB-01, data-protection officer), bias (NDQ-02, ML" in line
    assert " 3) Missing evidence: ethics_assessment (AUD-03, risk owner)." in line
    assert f" 4) Evidence that does not count (past its end; a draft, not attested), {by_file}: model_card (TRN" in line


def test_the_line_counts_what_is_waived_whatever_the_verdict(engine: EmbeddedEngine) -> None:
    waived = finding("AUD-01", "waived", lacking("evidence_missing"), waivers=[WAIVER])
    assert one_line(decided("allow", [waived]), engine.catalog) == (
        "Qaqpa: promotion of credit version 7 to production is allowed. Not met, but waived: 1 (AUD-01)."
    )
    failed = finding("TRN-01", "fail", lacking("evidence_missing", "model_card"))
    line = one_line(decided("deny", [waived, failed]), engine.catalog)
    assert "Requirements not met: 1 of 2. Not met, but waived: 1 (AUD-01). To see all" in line
    assert "audit (AUD-01" not in line, "what is waived is not asked for"


def test_a_denial_by_separation_of_duties_names_who_asks(engine: EmbeddedEngine) -> None:
    problem = {"code": "separation_of_duties", "detail": "trainer"}
    decision = decided("deny", [finding("TRN-01", "pass")], problems=[problem], actor="trainer")
    text = text_of(decision, engine)
    assert "(stage production, profile article-baseline, asked for by trainer)" in text
    assert "No requirement fails, and yet the promotion is refused." in text
    assert "trainer asks for this promotion and is the only one who signed its evidence." in text
    assert "Why nothing was decided" not in text
    line = one_line(decision, engine.catalog)
    assert line.endswith(
        " 1) trainer asks for this promotion and is the only one who signed its evidence."
        " Somebody else must sign too, or somebody else must ask."
    )
    assert "Requirements not met" not in line


def test_separation_of_duties_that_is_off_is_told_where_it_would_count(engine: EmbeddedEngine) -> None:
    off = {"minimum_strength": "signed", "thresholds": {}, "raised": [], "separation_of_duties": "off"}
    passed = [finding("TRN-01", "pass")]
    assert "Separation of duties is switched off" in text_of(decided("allow", passed, settings=off), engine)
    assert "switched off" not in text_of(decided("allow", passed, settings=off, stage="staging"), engine)
    assert "switched off" not in text_of(decided("allow", passed), engine)


def test_that_unsigned_evidence_counts_is_told_only_where_it_does(engine: EmbeddedEngine) -> None:
    passed = [finding("TRN-01", "pass")]
    said = "Evidence that nobody signed counts at this stage."
    assert said in text_of(decided("allow", passed, stage="staging"), engine)
    assert said not in text_of(decided("allow", passed), engine), "production always asks for a signature"


@pytest.mark.parametrize("code", REJECTION_CODES)
def test_each_refusal_is_told_with_why_and_whom_to_ask(code: str, engine: EmbeddedEngine) -> None:
    text = text_of(decided("deny", [finding("TRN-01", "pass")], rejected=[refusal(code)]), engine)
    listed = text.split("Evidence that was refused ")[1]
    assert listed.startswith(f"{code}: ")
    assert f"reason.{code}" not in text
    assert "audit, tag t: Why. To mend: " in listed


@pytest.mark.parametrize("code", PROBLEM_CODES)
def test_each_problem_is_told_in_words_with_its_detail_once(code: str, engine: EmbeddedEngine) -> None:
    decision = decided("undecided", [finding("TRN-01", "pass")], problems=[{"code": code, "detail": "the-detail"}])
    for report in (text_of(decision, engine), one_line(decision, engine.catalog)):
        assert f"problem.{code}" not in report
        assert report.count("the-detail") == 1


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_hostile_text_of_waivers_and_refusals_is_shown_harmlessly(evil: str, engine: EmbeddedEngine) -> None:
    texts = {"reason": evil, "ticket": evil, "compensating": [evil], "signers": [evil], "id": evil}
    document = decided(
        "deny",
        [
            finding("AUD-01", "fail", lacking("evidence_refused", found=(evil, "expired"), required=evil)),
            finding("AUD-02", "waived", lacking("evidence_missing", evil), waivers=[{**WAIVER, **texts}]),
            finding("AUD-03", "fail", lacking("evidence_refused", evil, ({evil: evil}, 7, None), {evil: evil})),
            finding("DPB-01", "fail", lacking("evidence_too_weak", evil, (evil, ["x"]), evil)),
            finding("HOV-01", "not_applicable", not_applicable_because=["x"], evidence=[evil]),
        ],
        rejected=[refusal(evil, kind, evil, evil) for kind in ("audit", "system", evil)],
        problems=[{"code": "separation_of_duties", "detail": evil}],
        actor=evil,
        context_digest=None,
    )
    assert harmless(lines_of(document, engine))
    line = one_line(document, engine.catalog)
    assert harmless(line)
    assert "\n" not in line
    assert len(line) <= 8001
    written = json_report.render(unplaced(document), engine.catalog)
    assert written.isascii()
    assert json.loads(written)["decision"] == document.document, "nothing is lost or changed"
