# SPDX-License-Identifier: Apache-2.0
"""Reports: what they say, and that nothing hostile in them reaches a terminal."""

from __future__ import annotations

import io
import json
import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from qaqpa.cli.common import console
from qaqpa.escape import MAX_SHOWN, visible
from qaqpa.evidence.carriers import Carried, carried_in_tags
from qaqpa.evidence.kinds import kinds
from qaqpa.gate import decide
from qaqpa.model import Decision, Problem, Recorded, Rejection, Settings, Stage, Strength, Subject, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report import json as json_report
from qaqpa.report import text as text_report
from qaqpa.report.line import one_line
from support.contents import contents, context
from support.engine import FakeEngine
from support.reports import unplaced
from support.statements import NOW, SUBJECT, carried, everything, request, stage_of

ALL = contents(NOW)
HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;http://example.org\x07click\x1b]8;;\x07",
    "\x9b31m",
    "line\nbreak\r\nand\rreturn\x0b\x0c\x85\u2028\u2029",
    "\u202eright to left\u202c\u2066\u2069",
    "zero\u200b\u200c\u200d\u2060\ufeffwidth",
    "tag\U000e0041\U000e007f",
    "[red]markup[/red] [link=http://example.org]x[/link] [/]",
    ":smile:",
    "bell\x07back\x08null\x00delete\x7f",
    "soft\xadhyphen",
    "\ue000private",
    "x" * 5000,
    "{found} {required} %s {0}",
]


def harmless(text: str, *, breaks: str = "") -> bool:
    return not [
        c for c in text if c not in breaks and unicodedata.category(c) in {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
    ]


def as_text(decision: Decision, engine: EmbeddedEngine, **options: Any) -> str:
    out = io.StringIO()
    text_report.render(decision, engine.catalog, console(out), **options)
    return out.getvalue()


def hostile_decision(engine: EmbeddedEngine, evil: str) -> Decision:
    """A decision in which every text that anybody may choose is the same hostile one."""
    pieces = [
        carried(context()),
        carried({**ALL["classification"], "domain": "hr"}),
        carried(
            {
                **ALL["bias"],
                "groups": [
                    {"attribute": f"{evil}a"[:4000], "group": f"{evil}{letter}"[:4000], "n": 1000, "selected": selected}
                    for letter, selected in (("a", 900), ("b", 1))
                ]
                + [{"attribute": evil[:4000], "group": evil[:4000], "n": 1, "selected": 1}],
            }
        ),
        carried(
            {
                **ALL["commission"],
                "chair": evil[:4000],
                "members": [{"id": evil[:4000], "disciplines": ["law"], "employer_is_owner": True}] * 2,
            }
        ),
        carried(
            {
                **ALL["audit"],
                "conclusion": "positive_with_conditions",
                "findings": [{"id": evil[:4000], "severity": "high", "status": "open"}],
            }
        ),
        carried({**ALL["oversight"], "persons": [{"post": evil[:4000], "trained_on": "2020-01-01"}]}),
        Carried(f"tag {evil}", "{", "model_card"),
    ]
    asked = request(pieces, subject=replace(SUBJECT, name=evil[:900], version=evil[:900]))
    asked = replace(
        request(pieces),
        subject=asked.subject,
        rejected=[Rejection("malformed", "explanation", evil, evil)],
        problems=[Problem("digest_failed", evil)],
    )
    return decide(asked, engine)


@pytest.mark.parametrize("evil", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_never_reaches_the_terminal(engine: EmbeddedEngine, evil: str) -> None:
    decision = hostile_decision(engine, evil)
    assert {found["status"] for found in decision.findings} >= {"fail"}, decision.problems
    assert harmless(as_text(decision, engine), breaks="\n")
    assert harmless(as_text(replace(decision, verdict=Verdict.UNDECIDED), engine), breaks="\n")
    for verdict in Verdict:
        line = one_line(replace(decision, verdict=verdict), engine.catalog)
        assert harmless(line)
        assert len(line) < 20_000
    written = json_report.render(unplaced(decision), engine.catalog)
    assert written.isascii()
    assert harmless(written, breaks="\n")
    assert json.loads(written)["decision"] == decision.document, "nothing is lost or changed"


def test_markup_is_shown_and_not_obeyed(engine: EmbeddedEngine) -> None:
    markup = "[bold red]x[/bold red] :smile:"
    out = io.StringIO()
    decision = hostile_decision(engine, markup)
    text_report.render(
        decision, engine.catalog, Console(file=out, width=200, force_terminal=True, color_system="truecolor")
    )
    assert markup in out.getvalue()
    assert markup in as_text(decision, engine)


def test_a_hostile_answer_of_a_server_is_shown_harmlessly(engine: EmbeddedEngine) -> None:
    def spoil(document: dict[str, Any]) -> None:
        evil = "\x1b[2J\n"
        document["rejected"].append({"code": evil, "kind": evil, "source": evil, "detail": evil})
        document["problems"].append({"code": "brand_new", "detail": evil})
        document["findings"][0]["violations"].append(
            {
                "code": "brand_new",
                "level": "deny",
                "evidence": "",
                "field": evil,
                "found": {evil: [evil]},
                "required": evil,
                "asked_by": [{"profile": "article-baseline", "basis": "direct", "severity": "deny", "from": []}],
            }
        )
        document["findings"][0]["status"] = "fail"
        document["verdict"] = "deny"

    decision = decide(request(everything()), FakeEngine(engine, spoil))
    assert decision.verdict is Verdict.DENY, decision.problems
    assert harmless(as_text(decision, engine), breaks="\n")
    assert harmless(one_line(decision, engine.catalog))


@settings(max_examples=40)
@given(st.text(min_size=1, max_size=60))
@example("\ud800")
def test_any_model_name_gives_one_harmless_line(engine: EmbeddedEngine, name: str) -> None:
    decision = decide(request(everything(), subject=Subject(name, "7", SUBJECT.digest)), engine)
    assert harmless(one_line(decision, engine.catalog))
    assert harmless(as_text(decision, engine), breaks="\n")


@given(st.text())
@example("\U0010ffff\u0378")
def test_visible_text_is_one_line_short_and_keeps_ordinary_letters(text: str) -> None:
    assert harmless(visible(text))
    assert len(visible(text)) <= 10 * MAX_SHOWN
    assert visible("қақпа é 漢字 😀 [x] 100%") == "қақпа é 漢字 😀 [x] 100%"


def test_visible_text_is_cut_at_its_limit() -> None:
    assert visible("x" * MAX_SHOWN) == "x" * MAX_SHOWN
    assert visible("x" * (MAX_SHOWN + 1)) == "x" * MAX_SHOWN + "…"
    assert visible("xyz", 2) == "xy…"
    assert visible(None) == "None"


def test_the_line_of_an_allow_says_what_was_allowed(engine: EmbeddedEngine) -> None:
    line = one_line(decide(request(everything()), engine), engine.catalog)
    assert line == "Qaqpa: promotion of credit version 7 to production is allowed."


def test_the_line_of_a_denial_names_what_is_missing_and_who_supplies_it(engine: EmbeddedEngine) -> None:
    pieces = [piece for piece in everything() if piece.kind not in {"audit", "bias"}]
    pieces.append(carried(ALL["bias"], model_digest="cd" * 32))
    line = one_line(decide(request(pieces), engine), engine.catalog)
    assert line == (
        "Qaqpa: promotion of credit version 7 to production is refused. Nothing was changed."
        " Requirements not met: 2 of 23."
        " To see all: `qaqpa check models:/credit/7`."
        " 1) NDQ-02 (ML engineer): bias refused: other_model (It is about other model bytes)."
        " The model was changed after the signature, or the statement was copied from another one."
        " Ask the signer to judge this version and to sign again."
        " 2) Missing evidence, to be signed by somebody independent: audit (AUD-01, independent auditor)."
    )


def test_the_line_says_once_what_lacks_for_the_same_reason(engine: EmbeddedEngine) -> None:
    line = one_line(decide(request([]), engine), engine.catalog)
    signed, independent = line.split(" 2) ")
    assert signed.count("Missing evidence") == independent.count("Missing evidence") == 1
    assert "names for it: responsibility (ACC-01, model owner), contest (CON-01, model owner)" in signed
    assert "somebody independent: release_approval (ACC-02, approver), audit (AUD-01, indep" in independent
    assert " 3) " not in line


def test_the_line_names_a_problem_first_whatever_the_verdict(engine: EmbeddedEngine) -> None:
    conflict = [*everything(), carried(context(title="x"))]
    denied = decide(request(conflict), engine)
    assert denied.verdict is Verdict.DENY
    assert " 1) Two contexts contradict each other." in one_line(denied, engine.catalog)
    undecided = decide(replace(request(everything()), problems=[Problem("bytes_missing", "No model/.")]), engine)
    line = one_line(undecided, engine.catalog)
    assert "because nothing could be decided. Nothing was changed." in line
    assert " 1) The model's bytes are not there. " in line
    assert line.endswith(" No model/.")


def test_the_line_stops_after_eight_reasons_and_says_so(engine: EmbeddedEngine) -> None:
    problems = [Problem("digest_failed", str(number)) for number in range(10)]
    line = one_line(decide(replace(request([]), problems=problems), engine), engine.catalog)
    assert " 8) " in line
    assert " 9) " not in line
    assert line.endswith("And 4 more.")


def test_the_line_names_no_command_for_a_version_that_does_not_exist_yet(engine: EmbeddedEngine) -> None:
    line = one_line(decide(request([], subject=Subject("credit"), stage=Stage.REVIEW), engine), engine.catalog)
    assert line.startswith("Qaqpa: promotion of credit to review is refused. Nothing was changed.")
    assert "qaqpa check" not in line


def test_the_text_groups_what_is_to_do_by_who_has_to_act(engine: EmbeddedEngine) -> None:
    kept = [piece for piece in everything() if piece.kind not in {"audit", "bias", "explanation"}]
    text = as_text(decide(request([*kept, Carried("tag x", "{", "bias")]), engine), engine)
    assert text.startswith(
        "DENIED  credit version 7  (stage production, profile article-baseline)\nRequirements not met: 3 of 23."
    )
    assert text.count("To do for the ML engineer") == 1
    first, second = text.split("To do for the independent auditor")
    for control in ("NDQ-02", "TRN-02"):
        assert (f"✗ {control}" in first) != (f"✗ {control}" in second)
    assert "✗ AUD-01" in second.split("To do for")[0]
    assert (
        "Evidence that was refused\n  malformed: not a statement, or a broken one.\n    bias, tag x: This is no" in text
    )
    assert "[malformed, tag x]" in first + second
    assert "Passed\n  ACC-01, ACC-02, AUD-02," in text
    assert "What a requirement means: qaqpa explain AUD-01" in text


def test_the_text_of_an_allow_does_not_promise_anything(engine: EmbeddedEngine) -> None:
    text = as_text(decide(request(everything()), engine), engine)
    assert text.startswith("ALLOWED  credit version 7")
    assert "Evidence is present and consistent for all 23 requirements that apply." in text
    assert "nobody signed" not in text
    assert "It does not say that the model is lawful." in " ".join(text.split())
    staging = {kind: stage_of(kinds()[kind], Stage.STAGING) for kind in ALL}
    unsigned = [carried(context(), []), *(carried(content, [], **staging[kind]) for kind, content in ALL.items())]
    decision = decide(request(unsigned, stage=Stage.STAGING), engine)
    assert decision.verdict is Verdict.ALLOW, decision.document
    assert "Evidence that nobody signed counts at this stage." in as_text(decision, engine)
    signed = Settings(minimum_strength=Strength.SIGNED)
    assert "nobody signed" not in as_text(
        decide(request(everything(stage=Stage.STAGING), stage=Stage.STAGING, settings=signed), engine), engine
    )


def test_an_audit_by_whoever_trained_the_model_is_told_as_such(engine: EmbeddedEngine) -> None:
    people = (*SUBJECT.people, Recorded("trainer", "peer", "the server's record", trusted=True))
    kept = [piece for piece in everything() if piece.kind != "audit"]
    pieces = [*kept, carried(ALL["audit"], ["peer"])]
    decision = decide(request(pieces, subject=replace(SUBJECT, people=people)), engine)
    said = "peer signed it and is recorded as trainer of this model"
    at_finding, listed = " ".join(as_text(decision, engine).split()).split("Evidence that was refused")
    assert said in at_finding
    assert said in listed
    line = one_line(decision, engine.catalog)
    assert f"AUD-01 (independent auditor): audit refused: not_independent ({said}). Somebody outside must" in line


def test_a_waiver_of_a_risk_owner_is_told_with_its_end(engine: EmbeddedEngine) -> None:
    kept = [piece for piece in everything() if piece.kind not in {"audit", "legal_basis"}]
    waiver = {
        "kind": "waiver",
        "controls": ["AUD-01", "DPB-01"],
        "category": "mitigated",
        "compensating": ["Two officers decide"],
        "reason": "No auditor is free.",
        "ticket": "RISK-1",
        "requested_by": "owner",
    }
    waived = carried(waiver, stage=Stage.PRODUCTION, expires_at=NOW + timedelta(days=20))
    decision = decide(request([*kept, waived], asked_by="trainer"), engine)
    text = " ".join(as_text(decision, engine).split())
    assert "asked for by trainer" in text
    assert "~ AUD-01 Independent audit with a positive conclusion WAIVED - The evidence audit is missing." in text
    assert "Waived until 13 December 2026, 00:00 UTC: other measures stand in" in text
    assert "Measure instead: Two officers decide Ticket: RISK-1 Signed by: risk" in text
    assert "! There is a waiver for DPB-01, but this requirement cannot be waived." in text


def test_warnings_and_what_does_not_apply_are_shown(engine: EmbeddedEngine) -> None:
    own = context(
        affects_rights=False, significant_decision=False, personal_data=False, kz_risk="minimal", eu_class="minimal"
    )
    card = carried({name: value for name, value in ALL["model_card"].items() if name != "approved_by"})
    text = as_text(decide(request([carried(own), card]), engine), engine)
    assert "Warnings\n  ! TRN-01" in text
    assert "! The model card does not say who approved it." in text
    assert "Not applicable\n" in text
    assert "HOV-01: the context says so in part in significant decisions (significant_decision)" in text


def test_a_problem_is_shown_with_its_detail(engine: EmbeddedEngine) -> None:
    decision = decide(replace(request(everything()), problems=[Problem("bytes_missing", "No model/.")]), engine)
    text = as_text(decision, engine)
    assert text.startswith("UNDECIDED  credit")
    assert "Why nothing was decided\n  ? The model's bytes are not there. " in text
    assert "\n    No model/.\n" in text


def test_brief_leaves_out_why_and_how(engine: EmbeddedEngine) -> None:
    decision = decide(request([]), engine)
    long, brief = as_text(decision, engine), as_text(decision, engine, brief=True)
    assert "To mend:" in long
    assert "Because:" in long
    assert "To mend:" not in brief
    assert "Because:" not in brief


def test_the_json_report_names_engine_and_policies(engine: EmbeddedEngine) -> None:
    report = json.loads(json_report.render(unplaced(decide(request(carried_in_tags({})), engine)), engine.catalog))
    assert report["schema"] == "urn:qaqpa:schema:report:v1"
    assert (report["engine"], report["policy_digest"]) == (engine.name, engine.policy_digest)
    assert report["decision"]["verdict"] == "deny"
