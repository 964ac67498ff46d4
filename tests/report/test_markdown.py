# SPDX-License-Identifier: Apache-2.0
"""The Markdown report: what it says, in which order, and what is left out first where it would be too long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qaqpa.gate import decide
from qaqpa.model import Problem, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report import markdown
from qaqpa.report.judged import Comparison
from support.reports import EXAMPLES, LOW, of_directory, review_of, unplaced, waived
from support.statements import everything, request


def test_what_stands_in_the_way_comes_first_and_the_meaning_of_a_pass_last(engine: EmbeddedEngine) -> None:
    text = markdown.render(of_directory(engine, EXAMPLES / "credit-scoring" / "failing"), engine.catalog)
    assert text.startswith("## ✗ Qaqpa: DENIED: mortgage-approval\n\n**Requirements not met: 1 of 23.**")
    order = [
        "**What stands in the way**",
        "45.6 %",
        "<summary>Warnings (4)</summary>",
        "<summary>Passed (20)</summary>",
    ]
    assert sorted(order, key=text.index) == order
    assert text.rstrip().endswith("It does not say that the model is lawful.</sub><br>")


def test_a_waiver_is_told_with_reason_ticket_signer_and_end(engine: EmbeddedEngine) -> None:
    text = markdown.render(waived(engine), engine.catalog)
    row = next(line for line in text.splitlines() if "RISK-1" in line)
    for said in ("`AUD-01`", "3 December 2026", "No auditor is free.", "risk"):
        assert said in row


def test_a_review_says_what_got_worse_what_was_mended_and_which_waivers_end(engine: EmbeddedEngine) -> None:
    compared = Comparison(existed=True, base_verdict="allow", new=(LOW,), mended=(replace(LOW, code="nothing_tested"),))
    failing = of_directory(engine, EXAMPLES / "credit-scoring" / "failing", comparison=compared)
    ending = replace(waived(engine), comparison=Comparison(existed=True, base_verdict="deny", ending=("AUD-01",)))
    fresh = replace(
        unplaced(decide(request(everything()), engine)), comparison=Comparison(existed=False, base_verdict="")
    )
    text = markdown.render(review_of(fresh, failing, ending), engine.catalog)
    assert text.startswith("## ✗ Qaqpa: DENIED\n\nCompared with main (commit `c0ffee")
    assert "Compared with main (commit `c0ffee000000`). Only what became worse is refused." in text
    models = [line for line in text.splitlines() if (line.startswith("| ") and "models:" in line) or "failing)" in line]
    assert [line.split(" | ")[1][:1] for line in models[:3]] == ["✗", "✗", "✓"]
    worse = "**Worse than at the base, and refused**\n\n- NDQ-02 Bias test across protected groups: By race, Black is"
    assert worse in text
    assert "\\[selection\\_ratio\\_low\\]" in text
    assert "**Mended**\n\n- NDQ-02 Bias test across protected groups: nothing\\_tested (groups)" in text
    assert "waived until 3 December 2026, 00:00 UTC" in text
    assert "New: the base does not have this model." in text
    assert "Bias test across protected groups **NEW**" in text


def test_a_review_of_nothing_says_so(engine: EmbeddedEngine) -> None:
    text = markdown.render(review_of(outcome=Verdict.ALLOW), engine.catalog)
    assert "No model differs from the base." in text
    assert "It does not say that the model is lawful." in text


@pytest.mark.parametrize("limit", [65_000, 20_000, 6_000, 2_500])
def test_what_weighs_least_is_left_out_first_and_counted(engine: EmbeddedEngine, limit: int) -> None:
    problems = [Problem("digest_failed", f"number {number} " + "x" * 400) for number in range(150)]
    judged = unplaced(decide(replace(request([]), problems=problems), engine))
    text = markdown.render(judged, engine.catalog, limit=limit)
    assert len(text) <= limit
    shown = text.count("| ✗ |")
    assert f"{150 + 23 - shown} that weigh least are left out here" in text
    assert "Passed" not in text
    assert "It does not say that the model is lawful." in text


def test_many_models_leave_out_the_best_ones(engine: EmbeddedEngine) -> None:
    bad, good = unplaced(decide(request([]), engine)), unplaced(decide(request(everything()), engine))
    text = markdown.render(review_of(*[good] * 300, bad), engine.catalog, limit=20_000)
    assert len(text) <= 20_000
    assert "### ✗ DENIED" in text
    assert "more models are left out here" in text
