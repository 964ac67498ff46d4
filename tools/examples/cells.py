# SPDX-License-Identifier: Apache-2.0
"""The model of the example `medical-diagnosis`: trained here on real data, and measured on cases that it never saw.

The data are scikit-learn's copy of the Breast Cancer Wisconsin (Diagnostic) data set: 569 samples of cells with 30
measures of their nuclei. They record nothing about the persons. Every number here is computed, and rounded so that it
is the same whatever versions of Python and NumPy computed it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]

THRESHOLDS = {"failing": 0.5, "mended": 0.3}
"""From which probability on a variant calls a sample malignant. All else is the same in both."""

REASONS = 5
"""How many measures a physician is shown."""

LIMITS = {"sensitivity": 0.95, "specificity": 0.9}
"""What was declared before the test: the least share of malignant and of benign samples that are called so."""

MOVED_BY, MAY_CHANGE = 1.02, 0.05
"""The test under stress: a microscope measures everything this much too large, and this share of answers may change."""

_DIGITS = 3
_MODEL_DIGITS = 6


@dataclass(frozen=True)
class Cells:
    """Samples: what was measured on each, and which are malignant."""

    measures: Numbers
    malignant: Marks

    def __len__(self) -> int:
        """How many there are."""
        return len(self.malignant)

    @property
    def sha256(self) -> str:
        """SHA-256 of the samples as lines of CSV, the measures in full and `1` for malignant."""
        rows = zip(self.measures.tolist(), self.malignant.tolist(), strict=True)
        lines = [",".join([*map(repr, row), str(int(malignant))]) for row, malignant in rows]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Model:
    """A logistic regression: what it adds for each measure, the part common to all, and its threshold."""

    centre: Numbers
    scale: Numbers
    weights: Numbers
    common: float
    threshold: float

    def parts(self, measures: Numbers) -> Numbers:
        """What each measure adds to the log-odds, one row for each sample. With the common part they are exact."""
        found: Numbers = (measures - self.centre) / self.scale * self.weights
        return found

    def probability(self, measures: Numbers) -> Numbers:
        """How likely each sample is malignant."""
        odds: Numbers = self.parts(measures).sum(axis=1) + self.common
        found: Numbers = 1 / (1 + np.exp(-odds))
        return found

    def calls_malignant(self, measures: Numbers) -> Marks:
        """Which samples the model calls malignant."""
        found: Marks = self.probability(measures) >= self.threshold
        return found

    def file(self) -> bytes:
        """The model as it is registered."""
        values = {
            "threshold": self.threshold,
            "common": self.common,
            "measures": [
                {"name": name, "centre": centre, "scale": scale, "weight": weight}
                for name, centre, scale, weight in zip(
                    names(), self.centre.tolist(), self.scale.tolist(), self.weights.tolist(), strict=True
                )
            ],
        }
        return json.dumps(values, indent=1).encode() + b"\n"


@lru_cache
def _data() -> tuple[Cells, list[str]]:
    found = load_breast_cancer()
    return Cells(found.data, found.target == list(found.target_names).index("malignant")), list(found.feature_names)


def cells() -> Cells:
    """All samples."""
    return _data()[0]


def names() -> list[str]:
    """The names of the measures."""
    return [str(name) for name in _data()[1]]


def halves(order: NDArray[np.intp] | None = None) -> tuple[Cells, Cells]:
    """The samples to train on and those to test on: every second one, of the data's own order where none is given."""
    everything = cells()
    rows = np.arange(len(everything)) if order is None else order
    train, test = rows[::2], rows[1::2]
    return (
        Cells(everything.measures[train], everything.malignant[train]),
        Cells(everything.measures[test], everything.malignant[test]),
    )


def train(samples: Cells, threshold: float) -> Model:
    """A model of the samples. Its numbers are rounded, and the rounded ones are the model."""
    centre = samples.measures.mean(axis=0).round(_MODEL_DIGITS)
    scale = samples.measures.std(axis=0).round(_MODEL_DIGITS)
    fitted = LogisticRegression(C=0.1, solver="newton-cholesky", tol=1e-10, max_iter=1000)
    fitted.fit((samples.measures - centre) / scale, samples.malignant)
    weights = fitted.coef_[0].round(_MODEL_DIGITS)
    return Model(centre, scale, weights, round(float(fitted.intercept_[0]), _MODEL_DIGITS), threshold)


def rates(model: Model, samples: Cells) -> dict[str, float]:
    """The share of malignant samples that are called so (sensitivity), and of benign ones (specificity)."""
    called, malignant = model.calls_malignant(samples.measures), samples.malignant
    return {
        "sensitivity": _rounded(called[malignant].mean()),
        "specificity": _rounded((~called[~malignant]).mean()),
    }


def performance(model: Model, samples: Cells) -> list[dict[str, Any]]:
    """What the model card says, as evidence of kind `model_card` holds it."""
    right = model.calls_malignant(samples.measures) == samples.malignant
    area = roc_auc_score(samples.malignant, model.probability(samples.measures))
    measured = {**rates(model, samples), "accuracy": _rounded(right.mean()), "area under the ROC curve": _rounded(area)}
    return [{"metric": name, "value": value} for name, value in measured.items()]


def fidelity(model: Model, samples: Cells) -> dict[str, Any]:
    """How often the few measures that a physician is shown lead to what the model called the sample."""
    told = 1 / (1 + np.exp(-(np.take_along_axis(*_largest(model, samples), axis=1).sum(axis=1) + model.common)))
    agreeing = (told >= model.threshold) == model.calls_malignant(samples.measures)
    return {
        "metric": f"share of {len(samples)} held-out samples in which the {REASONS} largest of {len(names())} parts of "
        "the log-odds, with the part common to all, give the model's answer",
        "value": _rounded(agreeing.mean()),
    }


def under_stress(model: Model, samples: Cells) -> dict[str, str]:
    """Whether at most two answers of a hundred change when everything is measured too large."""
    changed = model.calls_malignant(samples.measures * MOVED_BY) != model.calls_malignant(samples.measures)
    name = f"every measure {_percent(MOVED_BY - 1)} too large: at most {_percent(MAY_CHANGE)} of the answers change"
    return {"name": name, "result": "passed" if changed.mean() <= MAY_CHANGE else "failed"}


def explanations(model: Model, samples: Cells, count: int = 5) -> str:
    """What a physician is shown about the first samples that the model calls malignant."""
    called = np.flatnonzero(model.calls_malignant(samples.measures))[:count]
    parts, largest = _largest(model, samples)
    likely = model.probability(samples.measures)
    lines = []
    for number, row in enumerate(called, 1):
        lines += [
            f"## Sample {number}",
            "",
            f"Called malignant, with a probability of {_percent(likely[row])}. Weightiest:",
            "",
        ]
        lines += [f"- {names()[index]}: {parts[row, index]:+.2f}" for index in largest[row]]
        lines += ["", "Used: the 30 measures of the cell nuclei in this sample, and nothing else.", ""]
    return "\n".join(lines)


def _largest(model: Model, samples: Cells) -> tuple[Numbers, NDArray[np.intp]]:
    parts = model.parts(samples.measures)
    return parts, np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :REASONS]


def _rounded(value: float) -> float:
    return round(float(value), _DIGITS)


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
