# SPDX-License-Identifier: Apache-2.0
"""What a review refuses is an error in every format, though the decision itself allows; and advice refuses nothing."""

from __future__ import annotations

import io
import json
import re

import pytest
from junitparser import Failure, JUnitXml

from qaqpa.cli.common import console
from qaqpa.gate import decide
from qaqpa.model import Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report import brief, github, html, junit, markdown, sarif, text
from qaqpa.report import json as json_report
from qaqpa.report.judged import Change, Comparison, Judged, Note, Review
from qaqpa.report.results import results
from qaqpa.report.strings import LANGUAGES
from qaqpa.report.texts import Texts
from support.reports import EXAMPLES, LOW, of_directory, review_of, unplaced
from support.statements import request

LOWERED = Change("", "context_lowered", "affects_rights", "deny")
SWITCHED_OFF = Change("TRN-01", "not_applicable_now", "affects_rights", "deny")
SAID = "the context is milder than at the base"


def weakened(engine: EmbeddedEngine, fail_on: str = "new", level: str = "deny") -> Review:
    new = tuple(Change(one.control, one.code, one.field, level) for one in (LOWERED, SWITCHED_OFF))
    compared = Comparison(existed=True, base_verdict="allow", new=new)
    judged = of_directory(engine, EXAMPLES / "credit-scoring" / "mended", comparison=compared)
    assert judged.decision.verdict is Verdict.ALLOW
    refused = fail_on in {"new", "any"} and level == "deny"
    return review_of(judged, outcome=Verdict.DENY if refused else Verdict.ALLOW, fail_on=fail_on)


def printed(review: Review, engine: EmbeddedEngine, language: str = "en") -> str:
    out = io.StringIO()
    text.render(review, engine.catalog, console(out), language)
    return out.getvalue()


@pytest.mark.parametrize("fail_on", ["new", "any"])
def test_what_makes_a_run_fail_blocks_and_stands_first(engine: EmbeddedEngine, fail_on: str) -> None:
    (report,) = json.loads(json_report.render(weakened(engine, fail_on), engine.catalog))["reports"]
    assert report["decision"]["verdict"] == "allow"
    assert {(one["code"], one["level"]) for one in report["results"][:2]} == {
        ("context_lowered", "warning"),
        ("not_applicable_now", "warning"),
    }
    assert [one["blocks"] for one in report["results"]] == [True, True] + [False] * (len(report["results"]) - 2)


@pytest.mark.parametrize(("fail_on", "level"), [("never", "deny"), ("new", "warn"), ("any", "warn")])
def test_what_is_not_refused_blocks_nothing(engine: EmbeddedEngine, fail_on: str, level: str) -> None:
    review = weakened(engine, fail_on, level)
    (report,) = json.loads(json_report.render(review, engine.catalog))["reports"]
    assert not any(one["blocks"] for one in report["results"])
    suite = JUnitXml.fromstring(junit.render(review, engine.catalog).encode())
    assert (suite.failures, suite.errors) == (0, 0)
    assert any(SAID in (case.system_out or "") for own in suite for case in own)
    assert "::error" not in github.render(review, engine.catalog)


def test_a_known_failure_does_not_block_what_refuses_only_the_new(engine: EmbeddedEngine) -> None:
    compared = Comparison(existed=True, base_verdict="deny", new=(LOW,))
    judged = of_directory(engine, EXAMPLES / "credit-scoring" / "failing", comparison=compared)
    found = results(review_of(judged).judged[0], Texts(engine.catalog))
    assert [(one.code, one.blocks) for one in found if one.level == "error"] == [
        ("selection_ratio_low", True),
        ("wrongly_refused_gap", False),
    ]
    assert all(one.blocks == (one.level == "error") for one in results(judged, Texts(engine.catalog)))


def test_junit_has_a_failure_for_it(engine: EmbeddedEngine) -> None:
    suite = JUnitXml.fromstring(junit.render(weakened(engine), engine.catalog).encode())
    assert suite.failures == 2
    failed = {case.name: case.result[0] for own in suite for case in own if case.result}
    failed = {name: result for name, result in failed.items() if isinstance(result, Failure)}
    assert sorted(failed) == ["TRN-01/not_applicable_now 1", "context_lowered 2"]
    assert SAID in failed["context_lowered 2"].message
    assert failed["context_lowered 2"].text.startswith(f"[refused] {SAID}")


def test_sarif_and_github_have_an_error_for_it(engine: EmbeddedEngine) -> None:
    review = weakened(engine)
    (run,) = json.loads(sarif.render(review, engine.catalog))["runs"]
    errors = [one for one in run["results"] if one["level"] == "error"]
    assert {one["ruleId"] for one in errors} == {"gate/context_lowered", "TRN-01"}
    first, second, *rest = github.render(review, engine.catalog).splitlines()
    assert first.startswith("::error ")
    assert second.startswith("::error ")
    assert not any(line.startswith("::error") for line in rest)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_headline_praises_what_is_refused(engine: EmbeddedEngine, language: str) -> None:
    review, texts = weakened(engine), Texts(engine.catalog, language)
    allowed, worse = texts.say("verdict.allow"), texts.say("compare.worse")
    page = markdown.render(review, engine.catalog, language)
    assert f"### ✗ {worse}: mortgage-approval" in page
    assert f"✓ {allowed}" not in page
    unfolded = page.split("<details>")[0]
    milder = texts.say("change.context_lowered", field=texts.context_fields(["affects_rights"]))
    assert unfolded.count(milder.replace("_", "\\_")) == 2
    assert printed(review, engine, language).splitlines()[1].startswith(f"{worse}  mortgage-approval")
    head, first, *_ = brief.render(review, engine.catalog, language).splitlines()
    assert head.startswith(worse)
    assert first.startswith("  ✗ ")
    assert 'class="verdict allow"' not in html.render(review, engine.catalog, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_advice_does_not_end_with_an_allow(engine: EmbeddedEngine, language: str) -> None:
    texts = Texts(engine.catalog, language)
    compared = Comparison(existed=True, base_verdict="deny")
    failing = of_directory(engine, EXAMPLES / "credit-scoring" / "failing", comparison=compared)
    for fail_on, key in (("never", "compare.advice"), ("new", "compare.not_worse")):
        review = review_of(failing, outcome=Verdict.ALLOW, fail_on=fail_on)
        said = texts.say(key)
        assert printed(review, engine, language).splitlines()[-1] == said
        assert brief.render(review, engine.catalog, language).splitlines()[-1] == said
        assert said in markdown.render(review, engine.catalog, language).splitlines()[0]
        assert f'<p class="word">{said}</p>' in html.render(review, engine.catalog, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_became_worse_is_said_as_a_sentence(engine: EmbeddedEngine, language: str) -> None:
    compared = Comparison(existed=True, base_verdict="allow", new=(LOW,))
    judged = of_directory(engine, EXAMPLES / "credit-scoring" / "failing", comparison=compared)
    sentence = next(one.message for one in results(judged, Texts(engine.catalog, language)) if one.code == LOW.code)
    said = " ".join(printed(review_of(judged), engine, language).split())
    assert f"{sentence} [selection_ratio_low]" in said


def gone(engine: EmbeddedEngine, *notes: Note) -> Judged:
    empty = unplaced(decide(request([]), engine))
    removed = Comparison(
        existed=True, base_verdict="allow", new=(Change("", "model_removed", "models/credit", "deny"),)
    )
    return Judged(empty.decision, "models/credit", empty.places, removed, notes)


def test_of_a_model_that_is_gone_people_are_told_that_and_machines_all(engine: EmbeddedEngine) -> None:
    review = review_of(gone(engine))
    for said in (
        printed(review, engine),
        brief.render(review, engine.catalog),
        markdown.render(review, engine.catalog),
        github.render(review, engine.catalog),
        html.render(review, engine.catalog),
    ):
        assert "the directory of the model is gone" in said
        assert not re.search(r"[A-Z]{3}-\d\d", said)
    (report,) = json.loads(json_report.render(review, engine.catalog))["reports"]
    assert {one["control"] for one in report["results"]} > {"AUD-01", "NDQ-02"}


def test_what_is_to_be_signed_later_stands_after_all_else(engine: EmbeddedEngine) -> None:
    review = weakened(engine)
    task = Note("todo.role", {"roles": ["risk_owner"], "kinds": ["system", "risk_file"]})
    judged = Judged(**{**vars(review.judged[0]), "notes": (task,)})
    review = review_of(judged)
    line = "risk owner: system, risk_file."
    written = printed(review, engine)
    assert written.index("Passed") < written.index(f"To be signed before production\n  {line}")
    folded = markdown.render(review, engine.catalog).split("<summary>To be signed before production</summary>")
    assert line.replace("_", "\\_") in folded[1].split("</details>")[0]
    assert f"To be signed before production: {line}" in brief.render(review, engine.catalog)
    page = html.render(review, engine.catalog)
    assert page.index("All requirements that were asked for") < page.index(line)
