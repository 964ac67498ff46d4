# SPDX-License-Identifier: Apache-2.0
"""The real mortgage applications of the demo, cut into a half to train on and a half to measure on."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

DATA = Path(__file__).parent / "data" / "boston_hmda.csv"
"""The file; `data/README.md` beside it says where it comes from, and what its columns mean."""

FEATURES: Mapping[str, str] = {
    "dir": "debt payments in relation to income",
    "hir": "housing expenses in relation to income",
    "lvr": "loan in relation to the value of the property",
    "ccs": "record of consumer credit",
    "mcs": "record of mortgage payments",
    "pbcr": "public record of bad credit",
    "self": "self-employment",
    "uria": "unemployment in the line of work",
    "comdominiom": "the property is a flat",
}
"""The inputs of the models, in words for applicants. Why the other columns are none of them: `data/README.md`."""

GROUPS: Mapping[str, tuple[str, str, str]] = {
    "nationality_or_ethnicity": ("black", "Black", "not Black"),
    "family_status": ("single", "single", "not single"),
}
"""Protected attribute: the column that records it, and the names of its `yes` and `no` group. Never inputs."""

SEED = 1
"""Fixes the split. What holds for other splits, and what does not: `examples/credit-scoring/README.md`, and a test."""


@dataclass(frozen=True)
class Applications:
    """Some applications: inputs, what the bank decided (True: approved), and the group of each person by attribute."""

    inputs: pd.DataFrame
    approved: np.ndarray
    groups: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.approved)


def read_applications(path: Path = DATA) -> Applications:
    """Reads all applications without missing values."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if all(row[name] not in {"", "NA"} for name in row if name)]
    inputs = pd.DataFrame({name: [_number(row[name]) for row in rows] for name in FEATURES})
    groups = {
        attribute: np.array([yes if row[column] == "yes" else no for row in rows])
        for attribute, (column, yes, no) in GROUPS.items()
    }
    return Applications(inputs, np.array([row["deny"] == "no" for row in rows]), groups)


def halves(applications: Applications, seed: int = SEED) -> tuple[Applications, Applications]:
    """Cuts into a half to train on and a half to measure on, each with the same share of origins and approvals."""
    alike = [
        f"{origin}/{approved}"
        for origin, approved in zip(applications.groups["nationality_or_ethnicity"], applications.approved, strict=True)
    ]
    train, test = train_test_split(np.arange(len(applications)), test_size=0.5, random_state=seed, stratify=alike)
    return _chosen(applications, train), _chosen(applications, test)


def _chosen(applications: Applications, rows: Sequence[int]) -> Applications:
    return Applications(
        applications.inputs.iloc[rows].reset_index(drop=True),
        applications.approved[rows],
        {attribute: names[rows] for attribute, names in applications.groups.items()},
    )


def _number(text: str) -> float:
    return {"yes": 1.0, "no": 0.0}[text] if text in {"yes", "no"} else float(text)
