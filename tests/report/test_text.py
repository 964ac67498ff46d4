# SPDX-License-Identifier: Apache-2.0
"""The text: short where reasons repeat or only warn, whole where a requirement denies, and of several models."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from qaqpa.cli.common import console
from qaqpa.gate import decide
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report import brief, text
from qaqpa.report.because import reasons
from qaqpa.report.judged import Comparison, Judged, Review
from qaqpa.report.texts import Texts
from support.reports import ALL_PROFILES, EXAMPLES, LOW, of_directory, review_of, unplaced, waived
from support.statements import everything, request

FAILING = EXAMPLES / "credit-scoring" / "failing"


def rendered(report: Judged | Review, engine: EmbeddedEngine, language: str = "en") -> str:
    out = io.StringIO()
    text.render(report, engine.catalog, console(out), language)
    return out.getvalue()


def folded(report: Judged | Review, engine: EmbeddedEngine) -> str:
    return " ".join(rendered(report, engine).split())


def test_each_finding_that_denies_has_its_four_parts_and_a_warning_its_first(engine: EmbeddedEngine) -> None:
    judged = of_directory(engine, FAILING, profiles=ALL_PROFILES)
    denying, warning = rendered(judged, engine).split("\nWarnings\n")
    failed = [finding for finding in judged.decision.findings if finding["status"] == "fail"]
    for label in ("Required:", "Because:", "To mend:"):
        assert denying.count(f"    {label}") >= len(failed)
        assert label not in warning.split("\nPassed")[0]
    assert "How right the labels of boston_hmda.csv" in warning
    assert "qaqpa explain" in warning.split("\nPassed")[0]


def test_with_no_evidence_at_all_every_requirement_still_has_its_four_parts(engine: EmbeddedEngine) -> None:
    judged = unplaced(decide(request([], profiles=ALL_PROFILES), engine))
    failed = [finding for finding in judged.decision.findings if finding["status"] == "fail"]
    written = rendered(judged, engine).split("\nWarnings\n")[0]
    parts = written.split("\n  ✗ ")[1:]
    assert len(parts) == len(failed) > 30
    for part in parts:
        for label in ("    - ", "    Required: ", "    Because: ", "    To mend: "):
            assert label in part, part
    assert len(written.splitlines()) < 400


def test_a_reason_that_was_told_before_is_named_and_one_that_warns_too(engine: EmbeddedEngine) -> None:
    written = folded(unplaced(decide(request([], profiles=ALL_PROFILES), engine)), engine)
    assert "Because: article-baseline, gdpr: as for CON-01" in written
    assert "Asked for as a warning as well: eu-ai-act-high-risk, kz" in written
    judged = unplaced(decide(request([], profiles=ALL_PROFILES), engine))
    failed = [finding for finding in judged.decision.findings if finding["status"] == "fail"]
    texts = Texts(engine.catalog)
    every = [reason for finding in failed for reason in reasons(finding, judged.decision, texts) if reason.denies]
    assert len({reason.line for reason in every}) < len(every)
    assert {written.count(f"Because: {reason.line} ") for reason in every} == {1}


def test_what_changed_against_the_base_stands_before_the_rest(engine: EmbeddedEngine) -> None:
    mended = (replace(LOW, code="nothing_tested"),)
    compared = Comparison(existed=True, base_verdict="allow", new=(LOW,), mended=mended, ending=("AUD-01",))
    written = rendered(of_directory(engine, FAILING, comparison=compared), engine)
    order = [
        "ALLOWED at the base.",
        "Worse than at the base\n  NDQ-02 Bias test across protected groups: By race, Black is selected",
        "Mended\n  NDQ-02 Bias test across protected groups: nothing_tested (groups)",
        "Waivers that end within 14 days, or were lost\n  AUD-01 Independent audit with a positive conclusion: its",
        "To do for the ML engineer",
    ]
    assert sorted(order, key=written.index) == order


@pytest.mark.parametrize(
    ("comparison", "said"),
    [
        (Comparison(existed=False, base_verdict=""), "New: the base does not have this model."),
        (Comparison(existed=True, base_verdict=""), "What was at the base could not be judged."),
        (Comparison(existed=True, base_verdict="undecided"), "UNDECIDED at the base."),
    ],
)
def test_what_is_known_of_the_base_is_said(engine: EmbeddedEngine, comparison: Comparison, said: str) -> None:
    assert said in rendered(replace(unplaced(decide(request(everything()), engine)), comparison=comparison), engine)


def test_a_review_has_a_section_for_each_model_the_worst_first_and_an_overview(engine: EmbeddedEngine) -> None:
    compared = Comparison(existed=True, base_verdict="allow", new=(LOW,))
    good = unplaced(decide(request(everything()), engine))
    bad = of_directory(engine, FAILING, comparison=compared)
    written = rendered(review_of(good, bad, waived(engine)), engine)
    assert written.startswith(f"{FAILING}\nDENIED  mortgage-approval")
    overview = written.split("\nModels\n")[1].splitlines()
    assert [line.split()[0] for line in overview[:3]] == ["DENIED", "DENIED", "ALLOWED"]
    assert overview[3:] == ["Compared with main (commit c0ffee000000). Only what became worse is refused.", "DENIED"]
    assert "No model differs from the base." in rendered(review_of(), engine)


def test_brief_has_a_line_for_each_model_and_each_finding(engine: EmbeddedEngine) -> None:
    compared = Comparison(existed=True, base_verdict="allow", new=(LOW,))
    lines = brief.render(
        review_of(waived(engine), of_directory(engine, FAILING, comparison=compared)), engine.catalog
    ).splitlines()
    assert lines[0].startswith("DENIED  mortgage-approval  (stage review, profile article-baseline): Requirements not")
    assert lines[1].startswith("  ✗ NEW NDQ-02/selection_ratio_low: By race, Black is selected in 45.6 %")
    assert [line[2] for line in lines[1:7]] == list("✗✗!!!!")
    assert lines[7].startswith("DENIED  credit version 7")
    assert lines[-1] == "DENIED"


def test_a_line_that_would_be_a_command_of_a_runner_is_none(engine: EmbeddedEngine) -> None:
    evil = "a " * 40 + "::add-mask::secret " * 20
    asked = request([], subject=replace(request([]).subject, name=evil))
    out = io.StringIO()
    narrow = Console(file=out, width=30, highlight=False, markup=False)
    text.render(unplaced(decide(asked, engine)), engine.catalog, narrow)
    commands = [line for line in out.getvalue().splitlines() if line.strip().startswith("::")]
    assert commands == []
    assert "::add-mask::" in out.getvalue()
