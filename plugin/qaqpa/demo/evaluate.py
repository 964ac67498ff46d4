# SPDX-License-Identifier: Apache-2.0
"""Tests a trained model against the limits of the made-up bank, and under stress. What is found is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, brier_score_loss, roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from qaqpa.demo.applications import SEED, Applications

_AUC = "area under the ROC curve"
_DIGITS = 3
_APPROVED = 0.5
_NOISE_PERCENT = 5
_MOST_PERCENT = 5
_NOISY = ("dir", "hir", "lvr", "uria")
_WORSE: Mapping[str, tuple[float, float]] = {"dir": (1.5, 0), "ccs": (1, 1), "mcs": (1, 1)}
"""By input: a factor and a summand that make an application worse."""


@dataclass(frozen=True)
class _Limit:
    """A metric with its limit; with an attribute it is measured in each of its groups."""

    name: str
    threshold: float
    measure: Callable[[np.ndarray, np.ndarray], float]
    attribute: str = ""
    higher_is_better: bool = True


_LIMITS = (
    _Limit(_AUC, 0.7, roc_auc_score),
    _Limit(_AUC, 0.7, roc_auc_score, attribute="race"),
    _Limit("accuracy", 0.7, lambda approved, likely: accuracy_score(approved, likely > _APPROVED)),
    _Limit("Brier score", 0.25, brier_score_loss, higher_is_better=False),
)
"""What the made-up bank declared. It asks for little, and shows the form."""


def metrics(model: Pipeline, held_out: Applications) -> list[dict[str, Any]]:
    """What was measured with its limit, as evidence of kind `evaluation` holds it, but for the day it was declared."""
    likely = model.predict_proba(held_out.inputs)[:, 1]
    return [
        {
            "name": limit.name,
            **({"subgroup": f"{limit.attribute}: {group}"} if group else {}),
            "value": round(float(limit.measure(held_out.approved[rows], likely[rows])), _DIGITS),
            "threshold": limit.threshold,
            "direction": "higher_is_better" if limit.higher_is_better else "lower_is_better",
        }
        for limit in _LIMITS
        for group, rows in _groups(held_out, limit.attribute)
    ]


def stress_tests(model: Pipeline, held_out: Applications) -> list[dict[str, Any]]:
    """Tests under stress, each with what was found and whether that is good enough."""
    changed = _changed_by_noise(model, held_out)
    likelier = _likelier_when_worse(model, held_out)
    refused = _refuses_missing_values(model, held_out)
    return [
        _stress(
            f"noise of {_NOISE_PERCENT} % in every ratio and rate changes at most {_MOST_PERCENT} % of decisions",
            f"{changed:.1f} % changed",
            passed=changed <= _MOST_PERCENT,
        ),
        _stress(
            "more debt and a worse record make approval likelier for nobody",
            f"likelier for {likelier} of {len(held_out)}",
            passed=likelier == 0,
        ),
        _stress(
            "an application with a missing value is refused by the program, and no decision is guessed",
            "an error" if refused else "a decision",
            passed=refused,
        ),
    ]


def _stress(name: str, found: str, *, passed: bool) -> dict[str, Any]:
    return {"name": name, "result": "passed" if passed else "failed", "found": found}


def _changed_by_noise(model: Pipeline, held_out: Applications) -> float:
    noise = check_random_state(SEED).standard_normal((len(held_out), len(_NOISY)))
    noisy = held_out.inputs.copy()
    noisy[list(_NOISY)] *= 1 + _NOISE_PERCENT / 100 * noise
    return float(100 * np.mean(model.predict(noisy) != model.predict(held_out.inputs)))


def _likelier_when_worse(model: Pipeline, held_out: Applications) -> int:
    worse = held_out.inputs.copy()
    for name, (factor, summand) in _WORSE.items():
        worse[name] = worse[name] * factor + summand
    before, after = (model.predict_proba(inputs)[:, 1] for inputs in (held_out.inputs, worse))
    return int(np.sum(after > before))


def _refuses_missing_values(model: Pipeline, held_out: Applications) -> bool:
    broken: pd.DataFrame = held_out.inputs.head(1).copy()
    broken.iloc[0, 0] = np.nan
    try:
        model.predict(broken)
    except ValueError:
        return True
    return False


def _groups(applications: Applications, attribute: str) -> list[tuple[str, np.ndarray]]:
    """The groups of an attribute with their rows; all rows under an empty name where it is empty."""
    if not attribute:
        return [("", np.ones(len(applications), dtype=bool))]
    names = applications.groups[attribute]
    return [(name, names == name) for name in sorted(set(names.tolist()))]
