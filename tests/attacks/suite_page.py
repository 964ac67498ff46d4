# SPDX-License-Identifier: Apache-2.0
"""The page on the attacks, made of their tables: `PYTHONPATH=tests python -m attacks.suite_page` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from attacks.on_files import FILES
from attacks.on_registry import REGISTRY
from attacks.test_clients import CALLS
from attacks.test_workspace_paths import THROUGH
from attacks.trying import GATE, MLFLOW, NOBODY, Attack
from qaqpa.docs.markdown import GENERATED, page
from qaqpa.report.markdown_text import table

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "attack-suite.md"
ATTACKS: tuple[Attack, ...] = (*REGISTRY, *FILES, *THROUGH.values())
MATRIX: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "matrix.yaml").read_text(encoding="utf-8"))

_GENERATED = "<!-- Generated from tests/attacks; do not edit. -->"
_TITLE = "# Attacks on the gate, and what came back"
_HEAD = """\
Every way around a gate on an MLflow server that we know. The tests drive real servers: SQLite and PostgreSQL, with
MLflow's own login and without, uvicorn and gunicorn, with workspaces and without; by plain HTTP, by MLflow's client,
and by its web page in a browser. After each attack all tables of the registry and all files of the artifact store
are compared with what they were before. At the end the decision log of each server is verified, and every decision
in it is made again and gives the same document.
"""
_RUN = """\
`QAQPA_ATTACK_REPORT=DIR pytest tests/attacks` also writes down what each attack was answered, one line of JSON each;
`PYTHONPATH=tests python -m attacks.report_page DIR` makes a page of them.
`QAQPA_PICTURES=DIR pytest tests/attacks/test_page.py` keeps pictures of the page.
"""
_PICTURES = (
    "![MLflow's dialog for aliases refuses one](images/refused-alias.png)\n\n"
    "![MLflow's page refuses a stage](images/refused-stage.png)\n\n"
    "![MLflow's page refuses a copy](images/refused-copy.png)"
)
_BY = {
    GATE: "refused by the gate, HTTP 403",
    MLFLOW: "refused by MLflow itself",
    NOBODY: "let through, and does no harm",
}


def suite_document() -> str:
    """The page."""
    lines = [(row["what"], _ends(row)) for row in MATRIX]
    tried = "\n".join(found for row in MATRIX if (found := _tried(row)))
    client = "- **MLflow's client and its fluent functions**\n" + f"  - refused by the gate: {', '.join(CALLS)}\n"
    text = page(
        _TITLE,
        _HEAD,
        _RUN,
        table(("way", "what stops it"), lines),
        "## The page",
        _PICTURES,
        "## The attacks",
        tried,
        client,
    )
    return text.replace(GENERATED, _GENERATED)


def _ends(row: dict[str, Any]) -> str:
    tried = sorted({attack.by for attack in ATTACKS if attack.row == row["id"]}, key=[*_BY].index)
    found = [_BY[by] for by in tried] or ([row.get("by", _BY[GATE])] if "tests" in row else [])
    said = "; ".join(found)
    if "out_of_reach" not in row:
        return said
    closed = row["out_of_reach"]
    where = closed["described"].removeprefix("docs/")
    return f"{said + '. ' if said else ''}**Out of reach of software.** {closed['set_up'].strip()} [{where}]({where})"


def _tried(row: dict[str, Any]) -> str:
    found = [attack for attack in ATTACKS if attack.row == row["id"]]
    if not found:
        return ""
    lines = [f"  - {_BY[by]}: {', '.join(_escaped(found, by))}" for by in _BY if _escaped(found, by)]
    return "\n".join([f"- **{row['what']}**", *lines, ""])


def _escaped(found: list[Attack], by: str) -> list[str]:
    return [attack.name for attack in found if attack.by == by]


if __name__ == "__main__":
    PAGE.write_text(suite_document(), encoding="utf-8")
