# SPDX-License-Identifier: Apache-2.0
"""The evidence of a made-up bank, from templates: what people would write is made up, what is measured is computed.

Days are counted from the day of the demo, so that nothing goes stale. A document that the evidence names is a real
file, and its SHA-256 is computed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sklearn.pipeline import Pipeline

from qaqpa.demo import datasheet, evaluate, measure
from qaqpa.demo.applications import FEATURES, Applications
from qaqpa.documents import parse_yaml
from qaqpa.evidence.kinds import kind

TEMPLATES = Path(__file__).parent / "documents"

KINDS = tuple(sorted(path.stem for path in TEMPLATES.glob("*.yaml")))
"""The kinds of evidence that the bank can hand in.

It asks for no exception, takes nothing back, decides nothing without a person, and makes no synthetic content.
"""

MADE_UP = "made-up.md"
"""The file that holds all papers that nobody measured."""

MEASURED = ("bias", "datasheets", "evaluation", "explanation", "model_card")
"""The kinds whose numbers are computed, on one model or on what it was trained on."""

_PLACEHOLDER = re.compile(r"\{\{ ([a-z0-9-]+)(?: ([^ }]+))? \}\}")
_PURPOSE = "Shows a credit officer how likely a mortgage application is to be approved, with the reasons."
_EXCLUDED = ["Decisions without a credit officer.", "Loans other than mortgages.", "Prices and interest rates."]
_LIMITS = [
    "Learned from what banks in Boston decided before 1996, not from who repaid: it repeats the habits of that time.",
    "Not measured by sex, language, age, residence or disability: the data do not record them.",
    "Applications with missing values are not handled.",
]


@dataclass(frozen=True)
class Papers:
    """What the made-up bank can hand in.

    `today` is the day from which days are counted, `files` the documents by name, `prefix` what a document's name is
    put behind to say where it is kept, and `measured` the numbers, by placeholder.
    """

    registered_model: str
    system_id: str
    today: date
    prefix: str
    files: Mapping[str, bytes]
    measured: Mapping[str, Any] = field(default_factory=dict)

    def content(self, name: str) -> dict[str, Any]:
        """The evidence file of a kind, `kind` included.

        Raises:
            DocumentError: the template does not fit the schema of its kind.
        """
        template = (TEMPLATES / f"{name}.yaml").read_text(encoding="utf-8")
        document = parse_yaml(_PLACEHOLDER.sub(self._filled, template), f"{name}.yaml")
        kind(name).check(document)
        found: dict[str, Any] = document.value
        return found

    def _filled(self, match: re.Match[str]) -> str:
        # JSON is YAML too, whatever the text holds.
        return json.dumps(self._value(match[1], match[2] or ""))

    def _value(self, name: str, argument: str) -> Any:
        if name == "day":
            return self._day(argument)
        if name == "metrics":
            return [{**metric, "declared_on": self._day(argument)} for metric in self.measured[name]]
        if name == "document":
            data = self.files[argument.partition("#")[0]]
            return {"uri": f"{self.prefix}{argument}", "sha256": hashlib.sha256(data).hexdigest()}
        if name in self.measured:
            return self.measured[name]
        return {
            "system-id": self.system_id,
            "registered-model": self.registered_model,
            "purpose": _PURPOSE,
            "excluded": _EXCLUDED,
            "limits": _LIMITS,
            "features": [
                {
                    "feature": feature,
                    "purpose": "to see whether the applicant can and will repay",
                    "justification": "Made up for the demo; credit officers of a made-up bank ask for it too.",
                }
                for feature in FEATURES.values()
            ],
        }[name]

    def _day(self, offset: str) -> str:
        return (self.today + timedelta(days=int(offset))).isoformat()


def made_up() -> dict[str, bytes]:
    """The documents that nobody measured, by name."""
    return {MADE_UP: (TEMPLATES / MADE_UP).read_bytes()}


def measured(
    model: Pipeline, training: Applications, held_out: Applications, *, balanced: bool
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What is computed for a model, by placeholder, and the documents that report it, by name.

    Args:
        model: a trained model.
        training: the half that it was trained on.
        held_out: the half that it never saw.
        balanced: whether its classes were balanced.
    """
    stress = evaluate.stress_tests(model, held_out)
    numbers: dict[str, Any] = {
        "groups": measure.groups(model, held_out),
        "fidelity": measure.fidelity(model, held_out),
        "performance": measure.performance(model, held_out),
        "metrics": evaluate.metrics(model, held_out),
        "stress-tests": [{name: test[name] for name in ("name", "result")} for test in stress],
        "dataset": datasheet.dataset(training, balanced=balanced),
        "training-id": datasheet.ID,
        "training-sha256": training.sha256,
        "holdout-sha256": held_out.sha256,
    }
    halves = {
        "training": {"applications": len(training), "sha256": training.sha256},
        "held_out": {"applications": len(held_out), "sha256": held_out.sha256},
    }
    files = {
        "bias-report.json": _json({"held_out": len(held_out), "groups": numbers["groups"]}),
        "datasheet.md": datasheet.document(numbers["dataset"]).encode(),
        "evaluation-report.json": _json({**halves, "metrics": numbers["metrics"], "stress_tests": stress}),
        "letters.md": measure.letters(model, held_out).encode(),
        "model-card.md": _card(numbers["performance"]).encode(),
    }
    return numbers, files


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"


def _card(performance: list[dict[str, Any]]) -> str:
    rows = [f"| {entry['metric']} | {entry.get('subgroup', 'all')} | {entry['value']} |" for entry in performance]
    return "\n".join(
        [
            "# Mortgage approval (made up for a demo, measured on real applications)",
            "",
            _PURPOSE,
            "",
            "Not for:",
            "",
            *(f"- {use}" for use in _EXCLUDED),
            "",
            "Limits:",
            "",
            *(f"- {limit}" for limit in _LIMITS),
            "",
            "| measured | of whom | value |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )
