# SPDX-License-Identifier: Apache-2.0
"""The data of the demo."""

from __future__ import annotations

import numpy as np

from qaqpa.demo.applications import FEATURES, GROUPS, halves, read_applications


def test_every_row_without_missing_values_is_read() -> None:
    applications = read_applications()
    assert len(applications) == 2380
    assert applications.approved.sum() == 2095
    assert not applications.inputs.isna().any().any()


def test_no_protected_column_and_no_other_firms_decision_is_an_input() -> None:
    protected = {column for column, _, _ in GROUPS.values()}
    assert not set(FEATURES) & (protected | {"dmi", "deny"})
    assert list(read_applications().inputs) == list(FEATURES)


def test_halves_are_fixed_cover_everything_and_keep_every_group_measurable() -> None:
    applications = read_applications()
    train, test = halves(applications)
    again, _ = halves(applications)
    assert train.inputs.equals(again.inputs)
    assert len(train) + len(test) == len(applications)
    assert train.approved.sum() + test.approved.sum() == applications.approved.sum()
    for names in test.groups.values():
        _, counts = np.unique(names, return_counts=True)
        assert counts.min() >= 100
