# SPDX-License-Identifier: Apache-2.0
"""Limits and tests under stress: what is found is computed, and what is not good enough does not pass."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from qaqpa.demo import evaluate, measure
from qaqpa.demo.applications import Applications, halves, read_applications
from qaqpa.demo.train import train


@pytest.fixture(scope="module")
def split() -> tuple[Applications, Applications]:
    return halves(read_applications())


@pytest.fixture(scope="module", params=[True, False], ids=["balanced", "plain"])
def model(request: pytest.FixtureRequest, split: tuple[Applications, Applications]) -> Pipeline:
    return train(split[0], balanced=request.param)


class Contrary:
    """Approves the more, the more somebody owes, and swings with every digit; what is missing counts as nothing."""

    def predict_proba(self, inputs: pd.DataFrame) -> np.ndarray:
        owed = inputs["dir"].fillna(0).to_numpy()
        likely = np.clip(owed, 0, 1) * 0.5 + (owed * 1e6 % 2 > 1) * 0.5
        return np.column_stack([1 - likely, likely])

    def predict(self, inputs: pd.DataFrame) -> np.ndarray:
        return (self.predict_proba(inputs)[:, 1] > 0.5).astype(int)


def test_both_models_meet_every_limit_and_pass_under_stress(
    model: Pipeline, split: tuple[Applications, Applications]
) -> None:
    metrics = evaluate.metrics(model, split[1])
    for metric in metrics:
        sign = 1 if metric["direction"] == "higher_is_better" else -1
        assert sign * metric["value"] >= sign * metric["threshold"], metric
    assert [metric.get("subgroup") for metric in metrics] == [None, "race: Black", "race: not Black", None, None]
    assert {test["result"] for test in evaluate.stress_tests(model, split[1])} == {"passed"}


def test_what_two_reports_measure_is_the_same(model: Pipeline, split: tuple[Applications, Applications]) -> None:
    card = {
        entry["metric"]: entry["value"] for entry in measure.performance(model, split[1]) if "subgroup" not in entry
    }
    limited = {entry["name"]: entry["value"] for entry in evaluate.metrics(model, split[1]) if "subgroup" not in entry}
    for name in ("accuracy", "area under the ROC curve"):
        assert card[name] == limited[name]


def test_a_model_that_is_not_good_enough_fails_every_test(split: tuple[Applications, Applications]) -> None:
    stress = evaluate.stress_tests(Contrary(), split[1])
    assert [test["result"] for test in stress] == ["failed", "failed", "failed"]
    auc = evaluate.metrics(Contrary(), split[1])[0]
    assert auc["value"] < auc["threshold"]


def test_measuring_twice_gives_the_same(model: Pipeline, split: tuple[Applications, Applications]) -> None:
    first, second = ((evaluate.metrics(model, split[1]), evaluate.stress_tests(model, split[1])) for _ in range(2))
    assert first == second
