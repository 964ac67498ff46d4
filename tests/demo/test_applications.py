# SPDX-License-Identifier: Apache-2.0
"""The data of the demo."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

from qaqpa.demo.applications import (
    DATA,
    FEATURES,
    GROUPS,
    METADATA,
    Applications,
    completeness,
    halves,
    producer,
    read_applications,
)


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


def test_the_table_has_every_application_with_decision_and_groups_in_their_order() -> None:
    applications = read_applications()
    first, *rows = csv.reader(applications.table().decode().splitlines())
    assert first == [*FEATURES, "approved", *GROUPS]
    assert len(rows) == len(applications)
    assert [float(cell) for cell in rows[0][: len(FEATURES)]] == applications.inputs.iloc[0].tolist()
    assert rows[0][len(FEATURES) :] == ["True", "not Black", "not single"]


def test_each_half_has_a_digest_of_its_own_and_one_other_decision_changes_it() -> None:
    applications = read_applications()
    train, test = halves(applications)
    again, _ = halves(applications)
    assert train.sha256 == again.sha256
    assert len({applications.sha256, train.sha256, test.sha256}) == 3
    approved = train.approved.copy()
    approved[-1] = not approved[-1]
    assert Applications(train.inputs, approved, train.groups).sha256 != train.sha256


def test_completeness_counts_the_values_that_are_lacking(tmp_path: Path) -> None:
    assert 0.999 < completeness() < 1
    columns = [*FEATURES, "single", "black", "deny", "dmi"]
    path = tmp_path / "some.csv"
    rows = [dict.fromkeys(columns, "0"), {**dict.fromkeys(columns, "0"), "dir": "NA", "deny": "", "dmi": "NA"}]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    assert completeness(path) == 22 / 24


def test_the_data_carry_their_producer_in_machine_readable_form() -> None:
    assert json.loads(METADATA.read_bytes())["url"] == DATA.name
    assert producer() == "Federal Reserve Bank of Boston"
