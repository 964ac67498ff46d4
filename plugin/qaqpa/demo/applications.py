# SPDX-License-Identifier: Apache-2.0
"""The real mortgage applications of the demo, cut into a half to train on and a half to measure on."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

DATA = Path(__file__).parent / "data" / "boston_hmda.csv"
"""The file; `data/README.md` beside it says where it comes from, and what its columns mean."""

METADATA = DATA.with_name(f"{DATA.name}-metadata.json")
"""Who made the data, for machines; W3C's "Metadata Vocabulary for Tabular Data" gives such a file this name."""

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
    "race": ("black", "Black", "not Black"),
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

    def table(self) -> bytes:
        """All that is known of them as CSV, in their order; equal applications give equal bytes on every machine."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*self.inputs, "approved", *self.groups])
        columns = [*(self.inputs[name].tolist() for name in self.inputs), self.approved.tolist()]
        writer.writerows(zip(*columns, *(names.tolist() for names in self.groups.values()), strict=True))
        return text.getvalue().encode()

    @property
    def sha256(self) -> str:
        """The SHA-256 of `table`, by which a half is named."""
        return hashlib.sha256(self.table()).hexdigest()


def read_applications(path: Path = DATA) -> Applications:
    """Reads all applications without missing values."""
    rows = [row for row in _rows(path) if all(_is_there(row[name]) for name in row if name)]
    inputs = pd.DataFrame({name: [_number(row[name]) for row in rows] for name in FEATURES})
    groups = {
        attribute: np.array([yes if row[column] == "yes" else no for row in rows])
        for attribute, (column, yes, no) in GROUPS.items()
    }
    return Applications(inputs, np.array([row["deny"] == "no" for row in rows]), groups)


def completeness(path: Path = DATA) -> float:
    """The share of values that are there, among all rows and all columns that are inputs, groups or the decision."""
    used = [*FEATURES, *(column for column, _, _ in GROUPS.values()), "deny"]
    there = [_is_there(row[name]) for row in _rows(path) for name in used]
    return sum(there) / len(there)


def producer(path: Path = METADATA) -> str:
    """Who made the data, as their metadata name them."""
    metadata: dict[str, Any] = json.loads(path.read_bytes())
    name: str = metadata["dc:creator"]
    return name


def halves(applications: Applications, seed: int = SEED) -> tuple[Applications, Applications]:
    """Cuts into a half to train on and a half to measure on, each with the same share of races and approvals."""
    races = applications.groups["race"]
    alike = [f"{race}/{approved}" for race, approved in zip(races, applications.approved, strict=True)]
    train, test = train_test_split(np.arange(len(applications)), test_size=0.5, random_state=seed, stratify=alike)
    return _chosen(applications, train), _chosen(applications, test)


def _chosen(applications: Applications, rows: Sequence[int]) -> Applications:
    return Applications(
        applications.inputs.iloc[rows].reset_index(drop=True),
        applications.approved[rows],
        {attribute: names[rows] for attribute, names in applications.groups.items()},
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _is_there(text: str) -> bool:
    return text not in {"", "NA"}


def _number(text: str) -> float:
    return {"yes": 1.0, "no": 0.0}[text] if text in {"yes", "no"} else float(text)
