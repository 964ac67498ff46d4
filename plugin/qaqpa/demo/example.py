# SPDX-License-Identifier: Apache-2.0
"""Writes the examples of `examples/credit-scoring`: `python -m qaqpa.demo.example DIRECTORY`.

Each variant is a directory as `qaqpa check` reads it, measured on a model that is trained here.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from qaqpa.demo import papers
from qaqpa.demo.applications import halves, read_applications
from qaqpa.demo.papers import Papers
from qaqpa.demo.train import train
from qaqpa.evidence.kinds import SYSTEM, kinds

DAY = date(2026, 11, 23)
"""The day on which the examples were written."""

VARIANTS = {"failing": True, "mended": False}
"""The variants, and whether the model's classes are balanced."""

_ORIGINS = {
    **dict.fromkeys(papers.MEASURED, "measured on the model of this variant"),
    "datasheets": "counted in the data that the model of this variant was trained on",
    "evaluation": "measured on the model of this variant; the limits are made up",
}

_SYSTEM_ID = "5f0c7d1e9a3b4c628e17d04fb9a26c35"
_REGISTERED_MODEL = "mortgage-approval"
_WIDTH = 110


def files(variant: str) -> dict[str, str]:
    """All files of a variant, by path inside its directory."""
    train_half, test_half = halves(read_applications())
    balanced = VARIANTS[variant]
    numbers, reports = papers.measured(train(train_half, balanced=balanced), train_half, test_half, balanced=balanced)
    documents = {**papers.made_up(), **reports}
    bank = Papers(_REGISTERED_MODEL, _SYSTEM_ID, DAY, "documents/", documents, numbers)
    written = {f"documents/{name}": data.decode() for name, data in documents.items()}
    for name in papers.KINDS:
        path = "context.yaml" if name == SYSTEM else f"evidence/{name}.yaml"
        written[path] = f"# {kinds()[name].title}: {_ORIGINS.get(name, 'made up')}.\n{_yaml(bank.content(name))}"
    return written


def _yaml(content: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text


def main() -> None:
    """Writes every variant below the directory named on the command line."""
    parser = argparse.ArgumentParser(description="Writes the examples measured by the demo.")
    parser.add_argument("directory", type=Path)
    base = parser.parse_args().directory
    for variant in VARIANTS:
        for path, text in files(variant).items():
            target = base / variant / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
