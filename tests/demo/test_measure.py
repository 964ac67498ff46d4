# SPDX-License-Identifier: Apache-2.0
"""Measurements: computed, consistent with each other, and with what the story claims about other splits."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from qaqpa.demo import measure
from qaqpa.demo.applications import Applications, halves, read_applications
from qaqpa.demo.train import train

RACE = "race"


@pytest.fixture(scope="module")
def split() -> tuple[Applications, Applications]:
    return halves(read_applications())


@pytest.fixture(scope="module", params=[True, False], ids=["balanced", "plain"])
def model(request: pytest.FixtureRequest, split: tuple[Applications, Applications]) -> Pipeline:
    return train(split[0], balanced=request.param)


def test_counts_of_each_attribute_add_up_to_all_persons(
    model: Pipeline, split: tuple[Applications, Applications]
) -> None:
    held_out = split[1]
    counted = measure.groups(model, held_out)
    selected = int((model.predict(held_out.inputs) == 1).sum())
    for attribute in held_out.groups:
        own = [entry for entry in counted if entry["attribute"] == attribute]
        assert sum(entry["n"] for entry in own) == len(held_out)
        assert sum(entry["selected"] for entry in own) == selected
        for entry in own:
            assert entry["positives"] + entry["negatives"] == entry["n"]
            assert entry["positives"] - entry["false_negatives"] + entry["false_positives"] == entry["selected"]


def test_counts_follow_the_model_and_the_bank_on_a_case_worked_by_hand(
    model: Pipeline, split: tuple[Applications, Applications]
) -> None:
    held_out = split[1]
    said = model.predict(held_out.inputs) == 1
    yes, no = np.flatnonzero(said)[:3], np.flatnonzero(~said)[:2]
    rows = np.concatenate([yes, no])
    five = Applications(
        held_out.inputs.iloc[rows],
        np.array([True, True, False, True, False]),
        {"side": np.array(["left", "left", "right", "right", "right"])},
    )
    left, right = measure.groups(model, five)
    assert left == {
        "attribute": "side",
        "group": "left",
        "n": 2,
        "selected": 2,
        "positives": 2,
        "false_negatives": 0,
        "negatives": 0,
        "false_positives": 0,
    }
    assert right == {
        "attribute": "side",
        "group": "right",
        "n": 3,
        "selected": 1,
        "positives": 1,
        "false_negatives": 1,
        "negatives": 2,
        "false_positives": 1,
    }
    assert measure.lowest_ratio([left, right], "side") == pytest.approx(1 / 3)


def test_contributions_add_up_to_the_log_odds(model: Pipeline, split: tuple[Applications, Applications]) -> None:
    parts, common = measure.contributions(model, split[1])
    assert np.allclose(parts.sum(axis=1) + common, model.decision_function(split[1].inputs))


def test_fidelity_is_complete_with_all_reasons_and_less_with_one(
    model: Pipeline, split: tuple[Applications, Applications]
) -> None:
    assert measure.fidelity(model, split[1], reasons=9)["value"] == 1.0
    assert measure.fidelity(model, split[1], reasons=1)["value"] < measure.fidelity(model, split[1])["value"] < 1.0


def test_performance_is_between_chance_and_perfect(model: Pipeline, split: tuple[Applications, Applications]) -> None:
    measured = {
        (entry["metric"], entry.get("subgroup")): entry["value"] for entry in measure.performance(model, split[1])
    }
    assert 0.5 < measured["balanced accuracy", None] < 1
    assert 0.7 < measured["area under the ROC curve", None] < 1
    right = model.predict(split[1].inputs) == split[1].approved
    assert measured["accuracy", None] == round(float(right.mean()), 3)


def test_letters_are_five_and_name_the_data_used(model: Pipeline, split: tuple[Applications, Applications]) -> None:
    text = measure.letters(model, split[1])
    assert text.count("## Letter") == measure.LETTERS
    assert text.count("We used only what you and the credit register told us") == measure.LETTERS
    assert "black" not in text.lower()


def test_measuring_twice_gives_the_same(split: tuple[Applications, Applications]) -> None:
    first, second = (measure.groups(train(split[0], balanced=True), split[1]) for _ in range(2))
    assert json.dumps(first) == json.dumps(second)


@pytest.mark.parametrize("seed", range(10))
def test_whatever_the_split_balancing_halves_the_ratio_and_the_plain_model_keeps_it(seed: int) -> None:
    train_half, test_half = halves(read_applications(), seed)
    ratios = {
        balanced: measure.lowest_ratio(measure.groups(train(train_half, balanced=balanced), test_half), RACE)
        for balanced in (True, False)
    }
    assert ratios[True] < 0.72
    assert 0.87 < ratios[False] < 0.94


def test_the_share_of_wrong_approvals_does_hang_on_the_split() -> None:
    gaps = []
    for seed in range(10):
        train_half, test_half = halves(read_applications(), seed)
        counted = measure.groups(train(train_half, balanced=False), test_half)
        black, others = (
            entry["false_positives"] / entry["negatives"] for entry in counted if entry["attribute"] == RACE
        )
        gaps.append(abs(black - others))
    assert sum(gap > 0.1 for gap in gaps) == 8, "examples/credit-scoring/README.md says so"
