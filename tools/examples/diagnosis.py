# SPDX-License-Identifier: Apache-2.0
"""What the example `medical-diagnosis` brings: the model, the numbers measured on it, and the reports about them."""

from __future__ import annotations

import json
from typing import Any

import cells
from drafts import Measured

LIMITS_DECLARED = "$day -30"


def measured(variant: str) -> Measured:
    """What was measured on the model of a variant, and the files that belong to it."""
    train, test = cells.halves()
    model = cells.train(train, cells.THRESHOLDS[variant])
    words = {
        "metrics": _metrics(model, test),
        "performance": cells.performance(model, test),
        "fidelity": cells.fidelity(model, test),
        "stress_tests": [cells.under_stress(model, test)],
        "training_sha256": train.sha256,
        "held_out_sha256": test.sha256,
    }
    files = {
        "model/model.json": model.file(),
        "documents/datasheet.json": _json(_datasheet(train)),
        "documents/evaluation.json": _json(_report(model, test)),
        "documents/explanations.md": _explanations(model, test),
        "documents/model-card.md": _card(model, test),
        "documents/groups.md": _GROUPS.encode(),
    }
    return Measured(words, files)


def _found(model: cells.Model, test: cells.Cells) -> int:
    return int((model.calls_malignant(test.measures) & test.malignant).sum())


def _metrics(model: cells.Model, test: cells.Cells) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "value": value,
            "threshold": cells.LIMITS[name],
            "direction": "higher_is_better",
            "declared_on": LIMITS_DECLARED,
        }
        for name, value in cells.rates(model, test).items()
    ]


def _report(model: cells.Model, test: cells.Cells) -> dict[str, Any]:
    return {
        "held_out": len(test),
        "malignant": int(test.malignant.sum()),
        "malignant_found": _found(model, test),
        "threshold": model.threshold,
        "limits": cells.LIMITS,
        "performance": cells.performance(model, test),
        "stress_tests": [cells.under_stress(model, test)],
    }


def _datasheet(train: cells.Cells) -> dict[str, Any]:
    return {
        "id": "breast-cancer-wisconsin-diagnostic-training-half",
        "sha256": train.sha256,
        "producer": ["William H. Wolberg", "W. Nick Street", "Olvi L. Mangasarian"],
        "of": "University of Wisconsin",
        "given_to": "UCI Machine Learning Repository, November 1995",
        "read_from": "scikit-learn, load_breast_cancer",
        "half": "every second sample, beginning with the first",
        "samples": len(train),
        "malignant": int(train.malignant.sum()),
        "measures": cells.names(),
        "about_persons": "nothing: neither sex nor age nor origin is recorded",
    }


def _explanations(model: cells.Model, test: cells.Cells) -> bytes:
    return (_EXPLANATIONS + cells.explanations(model, test)).encode()


def _card(model: cells.Model, test: cells.Cells) -> bytes:
    rows = [f"| {entry['metric']} | {entry['value']} |" for entry in cells.performance(model, test)]
    return "\n".join([_CARD, "| measured on held-out samples | value |", "|---|---|", *rows, ""]).encode()


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"


_EXPLANATIONS = """\
# What a pathologist is shown

The five weightiest of 30 parts of the log-odds; a part above zero speaks for malignant. Measured on real samples; the
system around the model is made up.

"""

_CARD = """\
# Second look at samples of cells (a made-up system, measured on real samples)

Tells a pathologist which samples of a breast mass to look at again, by 30 measures of their cell nuclei. The
pathologist makes the diagnosis.

Not for: a diagnosis without a pathologist, other organs, screening of healthy persons.

Limits:

- Trained on 285 samples from one clinic of the early 1990s; other clinics, needles and microscopes were not tried.
- The data record nothing about the persons. Whether the model is worse for some of them, nobody knows.
- Samples with missing measures are not handled.
"""

_GROUPS = """\
# Groups of persons: no test

The data that the model was trained and tested on record nothing about the persons: no sex, no age, no origin. So nobody
can be compared, and no test between groups was made. What was measured on cells, the size of a nucleus for example, is
no attribute of a person, and comparing by it would only look like a test.

What would mend it: samples of the hospital's own patients, with the attributes that may be recorded.
"""
