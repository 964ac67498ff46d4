# SPDX-License-Identifier: Apache-2.0
"""Every known way around a gate is tried by an attack here, or named with the set-up that closes it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from attacks.report_page import read, report_document
from attacks.suite_page import ATTACKS, MATRIX, PAGE, ROOT, suite_document
from qaqpa.mlflow.writes import HARMLESS, rows

IDS = [row["id"] for row in MATRIX]


@pytest.mark.parametrize("row", MATRIX, ids=IDS)
def test_each_row_is_tried_or_has_a_set_up(row: dict[str, Any]) -> None:
    assert set(row) <= {"id", "what", "writes", "tests", "by", "out_of_reach"}
    tried = [attack.name for attack in ATTACKS if attack.row == row["id"]]
    assert tried or row.get("tests") or row.get("out_of_reach")
    for test in row.get("tests", []):
        file, _, name = test.partition("::")
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {re.escape(name)}\(", text, re.MULTILINE), f"there is no test {test}"
    for closed in [row["out_of_reach"]] if "out_of_reach" in row else []:
        assert closed["set_up"]
        assert (ROOT / closed["described"]).is_file()
        for test in closed.get("tests", []):
            assert (ROOT / "tests" / test).is_file()


def test_each_attack_has_a_row_and_a_name_of_its_own() -> None:
    assert {attack.row for attack in ATTACKS} <= set(IDS)
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert len(set(IDS)) == len(IDS)


def test_each_kind_of_call_that_could_do_harm_is_in_a_row() -> None:
    named = {name for row in MATRIX for name in row.get("writes", [])}
    assert named <= {row.id for row in rows()}
    assert {row.id for row in rows() if row.effect != HARMLESS} - {"unalias"} <= named


def test_the_page_says_what_is_tried() -> None:
    """`PYTHONPATH=tests python -m attacks.suite_page` writes it again."""
    assert PAGE.read_text(encoding="utf-8") == suite_document()


def test_what_a_run_wrote_down_becomes_a_page(tmp_path: Path) -> None:
    line = {
        "attack": "an | alias",
        "row": "rest",
        "where": "SQLite",
        "by_way_of": "HTTP",
        "user": "editor",
        "status": 403,
    }
    line |= {"code": "PERMISSION_DENIED", "line": "<b>no</b>", "stopped_by": "the gate", "unchanged": True}
    (tmp_path / "attacks-gw0.jsonl").write_text(json.dumps(line) + "\n")
    (tmp_path / "attacks-gw1.jsonl").write_text(json.dumps(line | {"where": "PostgreSQL"}) + "\n")
    page = report_document(read(tmp_path))
    assert page.index("PostgreSQL: 1") < page.index("SQLite: 1")
    assert "<b>" not in page
    assert "unchanged" in page
