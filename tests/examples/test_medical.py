# SPDX-License-Identifier: Apache-2.0
"""The medical example: its model is real, and its README claims nothing that is not measured here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import cells
import diagnosis
import waived
from drafts import Variant
from qaqpa import times
from qaqpa.evidence.directory import read_directory
from qaqpa.gate import decide, request_about
from qaqpa.model import Decision, Settings, Stage
from qaqpa.policy.embedded import EmbeddedEngine

BASE = Path(__file__).parents[2] / "examples" / "medical-diagnosis"


def met(rates: dict[str, float]) -> bool:
    return all(rates[name] >= limit for name, limit in cells.LIMITS.items())


def decided(variant: str, engine: EmbeddedEngine, profile: str, day: str) -> Decision:
    directory = read_directory(BASE / variant)
    request = request_about(
        directory.subject,
        directory.carried,
        stage=Stage.REVIEW,
        profiles=(profile,),
        settings=Settings(),
        now=times.parse(day),
    )
    return decide(request, engine)


def failed(decision: Decision) -> list[str]:
    return [finding["control"] for finding in decision.findings if finding["status"] == "fail"]


def test_the_halves_share_no_sample_and_no_digest() -> None:
    train, test = cells.halves()
    assert (len(train), len(test), len(train) + len(test)) == (285, 284, len(cells.cells()))
    assert (int(train.malignant.sum()), int(test.malignant.sum())) == (102, 110)
    assert not {row.tobytes() for row in train.measures} & {row.tobytes() for row in test.measures}
    assert train.sha256 != test.sha256


def test_only_the_threshold_tells_the_variants_apart() -> None:
    files = [json.loads((BASE / variant / "model" / "model.json").read_bytes()) for variant in cells.THRESHOLDS]
    assert [file.pop("threshold") for file in files] == [0.5, 0.3]
    assert files[0] == files[1]


def test_numbers_of_the_readme() -> None:
    train, test = cells.halves()
    failing, mended = (cells.train(train, threshold) for threshold in cells.THRESHOLDS.values())
    assert cells.rates(failing, test) == {"sensitivity": 0.873, "specificity": 0.989}
    assert cells.rates(mended, test) == {"sensitivity": 0.964, "specificity": 0.96}
    called = [int((model.calls_malignant(test.measures) & test.malignant).sum()) for model in (failing, mended)]
    assert called == [96, 106]
    assert cells.rates(mended, train)["sensitivity"] == 0.99


def test_over_ten_other_cuts_the_mended_model_meets_the_limits_and_the_failing_one_often_does_not() -> None:
    orders = [np.random.RandomState(seed).permutation(len(cells.cells())) for seed in range(10)]
    results = {
        variant: [met(cells.rates(cells.train(train, threshold), test)) for train, test in map(cells.halves, orders)]
        for variant, threshold in cells.THRESHOLDS.items()
    }
    assert {variant: sum(meets) for variant, meets in results.items()} == {"failing": 4, "mended": 10}


@pytest.mark.parametrize("variant", cells.THRESHOLDS)
def test_evidence_says_what_was_measured(variant: str) -> None:
    drafts = Variant("medical-diagnosis", variant, diagnosis.measured(variant))
    evaluation, card = drafts.content("evaluation"), drafts.content("model_card")
    metrics = {metric["name"]: metric["value"] for metric in evaluation["metrics"]}
    assert met(metrics) == (variant == "mended")
    assert metrics.items() <= {entry["metric"]: entry["value"] for entry in card["performance"]}.items()
    assert drafts.content("datasheets")["trained_on"][0]["sha256"] != evaluation["holdout_sha256"]
    assert drafts.content("explanation")["fidelity"]["value"] > 0.9


@pytest.mark.parametrize(("variant", "controls"), [("failing", ["NDQ-02", "SRS-02"]), ("mended", ["NDQ-02"])])
def test_without_trust_the_waiver_counts_for_nothing(variant: str, controls: list[str], engine: EmbeddedEngine) -> None:
    decision = decided(variant, engine, "article-baseline", "2026-11-23")
    assert failed(decision) == controls
    assert [one["kind"] for one in decision.document["rejected"]] == ["waiver"]


@pytest.mark.parametrize(("variant", "verdict"), [("failing", "deny"), ("mended", "allow")])
def test_in_the_eu_the_same_finding_denies_from_the_day_of_the_duty(
    variant: str, verdict: str, engine: EmbeddedEngine
) -> None:
    assert decided(variant, engine, "eu-ai-act-high-risk", "2028-08-01").verdict.value == "allow"
    decision = decided(variant, engine, "eu-ai-act-high-risk", "2028-08-02")
    assert decision.verdict.value == verdict
    assert failed(decision) == (["SRS-02"] if verdict == "deny" else [])


def test_the_waiver_is_about_these_bytes() -> None:
    variants = [Variant("medical-diagnosis", variant, diagnosis.measured(variant)) for variant in cells.THRESHOLDS]
    signed = [waived.waiver(one.measured.files, one.context) for one in variants]
    assert len(set(signed)) == len(signed)
