# SPDX-License-Identifier: Apache-2.0
"""Where things stand: the line that a person has to change, and never a place outside or an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qaqpa.model import Request, Stage, Subject
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report.judged import Place
from qaqpa.report.places import Places, inside
from qaqpa.report.pointers import pointer
from support.directories import sign, write_system, write_trust
from support.reports import of_directory
from support.statements import NOW, carried, request

CONTENT = {
    "title": "x",
    "datasets": [{"id": "a", "collected_to": "2020"}, {"id": "b"}],
    "groups": [{"attribute": "sex", "group": "f"}, {"attribute": "race", "group": "f"}],
    "items": [{"item": 1, "answer": "no"}, {"item": 3, "answer": "yes"}],
    "languages": ["kk", "ru"],
    "deep": {"list": [{"name": "n", "value": 1}]},
}


@pytest.mark.parametrize(
    ("field", "found", "path"),
    [
        ("title", None, ("title",)),
        ("datasets/collected_to", {"id": "a", "collected_to": ""}, ("datasets", 0, "collected_to")),
        ("datasets/collected_to", {"id": "b", "collected_to": ""}, ("datasets", 1)),
        ("datasets/collected_to", {"id": "c"}, ("datasets",)),
        ("datasets", "b", ("datasets", 1)),
        ("datasets", {"b": 1}, ("datasets",)),
        ("groups", {"attribute": "race", "group": "f"}, ("groups", 1)),
        ("groups", {"group": "f"}, ("groups", 0)),
        ("groups", {"attribute": "age", "group": "f"}, ("groups",)),
        ("items/answer", 3, ("items", 1, "answer")),
        ("items/answer", True, ("items",)),
        ("languages", ["ru"], ("languages", 1)),
        ("languages", ["en"], ("languages",)),
        ("deep/list/value", {"name": "n", "value": 2}, ("deep", "list", 0, "value")),
        ("deep/none/value", None, ("deep",)),
        ("title/deeper", None, ("title",)),
        ("absent", None, ()),
        ("", None, ()),
        (None, None, ()),
        ("//title//", None, ("title",)),
    ],
)
def test_a_field_is_followed_as_far_as_it_exists(field: Any, found: Any, path: tuple[str | int, ...]) -> None:
    assert pointer(CONTENT, field, found) == path


def test_the_content_of_a_statement_lies_deeper() -> None:
    assert pointer({"predicate": CONTENT}, "title", None) == ("predicate", "title")
    assert pointer({"predicate": 1}, "predicate", None) == ("predicate",)
    assert pointer([1], "title", None) == ()


@pytest.fixture
def written(here: Path) -> Path:
    root = write_system(here / "system", without=["audit"])
    (root / "evidence" / "bias.yaml").write_text(
        "# By hand.\nkind: bias\ntested_on: '2026-11-01'\ngroups:\n"
        "  - {attribute: sex, group: m, n: 1000, selected: 900}\n"
        "  - attribute: sex\n    group: f\n    n: 1000\n    selected: 100\n",
        encoding="utf-8",
    )
    return root


def places(engine: EmbeddedEngine, root: str) -> dict[tuple[str, str], Place | None]:
    judged = of_directory(engine, root)
    return {
        (finding["control"], violation["code"]): judged.places.of_violation(violation)
        for finding in judged.decision.findings
        for violation in finding["violations"]
    }


def test_a_violation_stands_at_the_item_that_it_is_about(engine: EmbeddedEngine, written: Path) -> None:
    assert written.is_dir()
    found = places(engine, "system")
    assert found["NDQ-02", "selection_ratio_low"] == Place("system/evidence/bias.yaml", 6, 5)


def test_missing_evidence_stands_at_the_model_in_the_context(engine: EmbeddedEngine, written: Path) -> None:
    lines = (written / "context.yaml").read_text("utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.startswith("models"))
    place = places(engine, "system")["AUD-01", "evidence_missing"]
    assert place is not None
    assert (place.file, place.line) == ("system/context.yaml", line)
    (written / "context.yaml").unlink()
    assert places(engine, "system")["AUD-01", "evidence_missing"] == Place("system/context.yaml")


def test_a_signed_envelope_is_meant_as_a_whole(engine: EmbeddedEngine, here: Path) -> None:
    root = write_system(here / "system")
    write_trust(here)
    draft = root / "evidence" / "model_card.yaml"
    draft.write_text(draft.read_text("utf-8").replace("approved_by", "# approved_by"), encoding="utf-8")
    assert sign(root, "model_card", draft) == 0
    draft.unlink()
    judged = of_directory(engine, "system")
    refusal = judged.decision.document["rejected"][0]
    assert judged.places.of_source(refusal["source"]) == Place("system/evidence/model_card.json")
    violation = next(
        violation
        for finding in judged.decision.findings
        for violation in finding["violations"]
        if violation["code"] == "evidence_refused"
    )
    assert judged.places.of_violation(violation) == Place("system/evidence/model_card.json")


@pytest.mark.parametrize("text", ["", "groups: [", "\x00", "[1, 2]", "kind: bias\nkind: bias\n", "- - - 1\n"])
def test_a_file_that_changed_meanwhile_is_meant_as_a_whole(engine: EmbeddedEngine, written: Path, text: str) -> None:
    judged = of_directory(engine, "system")
    (written / "evidence" / "bias.yaml").write_text(text, encoding="utf-8")
    violation = next(
        violation
        for finding in judged.decision.findings
        for violation in finding["violations"]
        if violation["code"] == "selection_ratio_low"
    )
    assert judged.places.of_violation(violation) == Place("system/evidence/bias.yaml")
    (written / "evidence" / "bias.yaml").unlink()
    assert judged.places.of_violation(violation) == Place("system/evidence/bias.yaml")


def test_a_registry_has_no_files(engine: EmbeddedEngine) -> None:
    asked = request([carried({"kind": "audit"})])
    registry = Places(asked, configuration="config/qaqpa.yaml")
    violation = {"evidence": "", "code": "evidence_missing", "field": "audit", "found": None}
    assert registry.of_violation(violation) is None
    assert registry.of_source("tag x") is None
    assert registry.of_subject() is None
    assert registry.configuration == "config/qaqpa.yaml"
    assert engine.catalog.controls


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        ("a/b.yaml", "a/b.yaml"),
        ("./a//b.yaml", "a/b.yaml"),
        ("a/../b.yaml", "b.yaml"),
        ("../b.yaml", None),
        ("a/../../b.yaml", None),
        ("..", None),
        ("..b/c", "..b/c"),
        ("/etc/passwd", None),
        ("", None),
        ("a\0b", None),
    ],
)
def test_no_place_leads_out_of_the_working_directory(here: Path, file: str, shown: str | None) -> None:
    assert inside(file) == shown
    if shown:
        assert inside(str(here / file)) == shown


@pytest.mark.parametrize(
    ("named", "file"), [(None, "qaqpa.yaml"), ("../secret/qaqpa.yaml", "qaqpa.yaml"), ("ci/gate.yaml", "ci/gate.yaml")]
)
def test_the_configuration_stands_for_models_without_files(here: Path, named: str | None, file: str) -> None:
    assert here.is_dir()
    asked = Request(Subject("x"), Stage.REVIEW, (), NOW)
    assert Places(asked, None, named).configuration == file
