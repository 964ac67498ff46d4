# SPDX-License-Identifier: Apache-2.0
"""Measures a trained model on the half of the applications that it never saw. Every number here is computed."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline

from qaqpa.demo.applications import FEATURES, Applications

REASONS = 4
"""How many reasons an applicant is told."""

LETTERS = 5
"""How many letters are written as samples."""

_DIGITS = 3


def groups(model: Pipeline, applications: Applications) -> list[dict[str, Any]]:
    """Counts by group, as evidence of kind `bias` holds them.

    `selected` are the persons whom the model approves, `positives` those whom the bank had approved.
    """
    selected = model.predict(applications.inputs) == 1
    counted = []
    for attribute, names in applications.groups.items():
        for name in sorted(set(names.tolist())):
            member = names == name
            positive, negative = member & applications.approved, member & ~applications.approved
            counted.append(
                {
                    "attribute": attribute,
                    "group": name,
                    "n": int(member.sum()),
                    "selected": int((member & selected).sum()),
                    "positives": int(positive.sum()),
                    "false_negatives": int((positive & ~selected).sum()),
                    "negatives": int(negative.sum()),
                    "false_positives": int((negative & selected).sum()),
                }
            )
    return counted


def lowest_ratio(counted: list[dict[str, Any]], attribute: str) -> float:
    """The lowest selection rate among the groups of an attribute, divided by the highest."""
    rates = [entry["selected"] / entry["n"] for entry in counted if entry["attribute"] == attribute]
    return float(min(rates) / max(rates))


def contributions(model: Pipeline, applications: Applications) -> tuple[np.ndarray, float]:
    """What each input adds to the log-odds of approval, one row for each application, and the part common to all.

    For this model they are exact: a row plus the common part is the log-odds itself.
    """
    scaler, regression = model[0], model[-1]
    return scaler.transform(applications.inputs) * regression.coef_[0], float(regression.intercept_[0])


def fidelity(model: Pipeline, applications: Applications, reasons: int = REASONS) -> dict[str, Any]:
    """How often the few largest contributions that an applicant is told lead to the decision that the model took."""
    parts, common = contributions(model, applications)
    largest = np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :reasons]
    told = np.take_along_axis(parts, largest, axis=1).sum(axis=1) + common
    agreeing = (told > 0) == (model.predict(applications.inputs) == 1)
    return {
        "metric": f"share of {len(applications)} held-out applications in which the {reasons} largest of "
        f"{len(FEATURES)} contributions to the log-odds, with the part common to all, give the model's decision",
        "value": round(float(agreeing.mean()), _DIGITS),
    }


def performance(model: Pipeline, applications: Applications) -> list[dict[str, Any]]:
    """Agreement with what the bank decided, as evidence of kind `model_card` holds it; also by group."""
    right = (model.predict(applications.inputs) == 1) == applications.approved
    likely = model.predict_proba(applications.inputs)[:, 1]
    measured: list[dict[str, Any]] = [
        {"metric": "accuracy", "value": _rounded(right.mean())},
        {
            "metric": "balanced accuracy",
            "value": _rounded((right[applications.approved].mean() + right[~applications.approved].mean()) / 2),
        },
        {"metric": "area under the ROC curve", "value": _rounded(roc_auc_score(applications.approved, likely))},
    ]
    for attribute, names in applications.groups.items():
        for name in sorted(set(names.tolist())):
            value = _rounded(right[names == name].mean())
            measured.append({"metric": "accuracy", "value": value, "subgroup": f"{attribute}: {name}"})
    return measured


def letters(model: Pipeline, applications: Applications) -> str:
    """The letters that the first few refused applicants would get, in Markdown."""
    refused = np.flatnonzero(model.predict(applications.inputs) == 0)[:LETTERS]
    parts, _ = contributions(model, applications)
    written = [_letter(number, parts[row]) for number, row in enumerate(refused, 1)]
    return "\n".join(["# Letters to refused applicants", "", *written])


def _letter(number: int, parts: np.ndarray) -> str:
    against = [index for index in np.argsort(parts, kind="stable")[:REASONS] if parts[index] < 0]
    reasons = "".join(f"{place}. {list(FEATURES.values())[index]}\n" for place, index in enumerate(against, 1))
    return (
        f"## Letter {number}\n\n"
        "Your application was not approved. What counted most against it, the weightiest first:\n\n"
        f"{reasons}\n"
        f"We used only what you and the credit register told us about: {', '.join(FEATURES.values())}. "
        "A credit officer took the decision. You can ask for a review, and for a fuller explanation.\n"
    )


def _rounded(value: float) -> float:
    return round(float(value), _DIGITS)
