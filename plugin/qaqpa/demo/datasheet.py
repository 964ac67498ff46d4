# SPDX-License-Identifier: Apache-2.0
"""What the models are trained on, counted: the datasheet as evidence holds it, and as a document."""

from __future__ import annotations

from typing import Any

import numpy as np

from qaqpa.demo.applications import Applications, completeness, producer

ID = "boston_hmda.csv (half to train on)"
FEW = 100
"""Groups of fewer persons than this are named as few; the bias test compares no smaller ones either."""

_DIGITS = 4


def dataset(training: Applications, *, balanced: bool) -> dict[str, Any]:
    """The datasheet of the half that a model was trained on.

    It leaves out what nobody knows: when the applications were made, and how right the decisions were.

    Args:
        training: the half.
        balanced: whether refusals and approvals weigh alike in the training.
    """
    refused = ", ".join(f"{name} {100 * share:.0f} %" for name, share in _refused(training).items())
    weights = "Refusals and approvals weigh alike in training" if balanced else "Every application weighs the same"
    return {
        "id": ID,
        "sha256": training.sha256,
        "producer": producer(),
        "producer_machine_readable": True,
        "origin": "Applications to banks in Boston, published for research (American Economic Review 86, 1996); taken "
        "from the Python package pydataset 0.2.0",
        "licence_or_basis": "The package is under the MIT licence; the data were collected to study lending",
        "completeness": round(completeness(), _DIGITS),
        "quality_justification": "A label is what a bank decided. Whether those whom it refused would have repaid, "
        "nobody can know, so how right the labels are was not measured",
        "population": "Applicants for mortgages in and around Boston before 1996",
        "under_represented_groups": few_groups(training),
        "known_biases": [
            f"Decisions of banks of that time, with their habits. Share of applicants that they refused: {refused}",
            "Only those who applied are there",
        ],
        "mitigation": f"{weights}. Race and family status are never inputs, and differences between their groups are "
        "measured on the other half (bias test)",
        "tdm_opt_out_checked": True,
    }


def few_groups(applications: Applications) -> list[str]:
    """Groups of persons with the same decision of which there are few, each with its number."""
    counted = []
    for attribute, names in applications.groups.items():
        for name in sorted(set(names.tolist())):
            for decision, taken in (("approved", applications.approved), ("refused", ~applications.approved)):
                number = int(np.sum((names == name) & taken))
                if number < FEW:
                    counted.append(f"{attribute}: {name}, {decision} by the bank: {number} of {len(applications)}")
    return counted


def document(sheet: dict[str, Any]) -> str:
    """The datasheet in Markdown."""
    lines = [f"# Datasheet: {sheet['id']}", "", "Counted for a demo; the applications are real.", ""]
    for name, value in sheet.items():
        title = name.replace("_", " ")
        if isinstance(value, list):
            lines += [f"- {title}:", *(f"  - {entry}" for entry in value)]
        else:
            lines.append(f"- {title}: {value}")
    return "\n".join([*lines, ""])


def _refused(applications: Applications) -> dict[str, float]:
    names = applications.groups["race"]
    groups = sorted(set(names.tolist()))
    return {name: float(np.mean(~applications.approved[names == name])) for name in groups}
