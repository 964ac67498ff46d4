# SPDX-License-Identifier: Apache-2.0
"""The datasheet of what the models learn from: counted, and silent about what nobody knows."""

from __future__ import annotations

import numpy as np
import pytest

from qaqpa.demo import datasheet
from qaqpa.demo.applications import Applications, completeness, halves, read_applications


@pytest.fixture(scope="module")
def training() -> Applications:
    return halves(read_applications())[0]


def test_groups_that_are_few_are_counted(training: Applications) -> None:
    few = datasheet.few_groups(training)
    number = int(np.sum((training.groups["race"] == "Black") & ~training.approved))
    assert number == 48
    assert f"race: Black, refused by the bank: {number} of {len(training)}" in few
    assert not [entry for entry in few if "approved by the bank" in entry]


def test_a_group_of_the_least_number_is_not_few(training: Applications) -> None:
    rows = np.flatnonzero(training.approved)[: datasheet.FEW]
    same = Applications(training.inputs.iloc[rows], training.approved[rows], {"side": np.array(["left"] * len(rows))})
    refused = "side: left, refused by the bank: 0 of 100"
    assert datasheet.few_groups(same) == [refused]
    less = Applications(same.inputs[1:], same.approved[1:], {"side": same.groups["side"][1:]})
    assert len(datasheet.few_groups(less)) == 2


@pytest.mark.parametrize("balanced", [True, False])
def test_it_says_what_is_counted_and_leaves_out_what_nobody_knows(training: Applications, *, balanced: bool) -> None:
    sheet = datasheet.dataset(training, balanced=balanced)
    assert sheet["sha256"] == training.sha256
    assert sheet["completeness"] == round(completeness(), 4) < 1
    assert "Black 28 %, not Black 9 %" in sheet["known_biases"][0]
    assert ("weigh alike" in sheet["mitigation"]) is balanced
    assert not {"collected_from", "collected_to", "label_quality"} & set(sheet)
    text = datasheet.document(sheet)
    assert all(str(value) in text for value in sheet.values() if not isinstance(value, list))
    assert all(entry in text for value in sheet.values() if isinstance(value, list) for entry in value)
