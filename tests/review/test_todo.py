# SPDX-License-Identifier: Apache-2.0
"""Who has to sign what before production."""

from __future__ import annotations

from pathlib import Path

import pytest

from qaqpa import times
from qaqpa.config import load_config
from qaqpa.documents import parse_yaml
from qaqpa.evidence.directory import read_directory
from qaqpa.evidence.kinds import SYSTEM
from qaqpa.evidence.parties import Parties, parse_parties
from qaqpa.gate import open_trust
from qaqpa.model import Settings
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report.changes import noted
from qaqpa.report.strings import LANGUAGES
from qaqpa.report.texts import Texts
from qaqpa.review.state import Judge, State
from qaqpa.review.todo import Todo, notes, todos
from support.directories import signed_system, write_system, write_trust
from support.keyring import organisation, to_yaml


@pytest.fixture
def parties() -> Parties:
    return with_rules()


def with_rules(**rules: object) -> Parties:
    """The organisation of the keyring, with other rules; a rule that is None is left out."""
    value = organisation(times.now())
    merged = {**value["rules"], **rules}
    value["rules"] = {name: rule for name, rule in merged.items() if rule is not None}
    return parse_parties(parse_yaml(to_yaml(value), "parties.yaml"))


def state(root: Path, engine: EmbeddedEngine) -> State:
    return Judge(engine, ("article-baseline",), Settings(), times.now()).judge(read_directory(root))


def test_without_a_parties_file_the_roles_are_named(tmp_path: Path, engine: EmbeddedEngine) -> None:
    found = todos(state(write_system(tmp_path / "credit"), engine), engine.catalog, None)
    assert found[0] == Todo(SYSTEM, "risk_owner")
    assert Todo("audit", "auditor") in found
    assert [todo.kind for todo in found[1:]] == sorted(todo.kind for todo in found[1:])
    [first] = [note for note in notes(found) if SYSTEM in note.values["kinds"]]  # type: ignore[operator]
    assert (first.code, first.values["roles"]) == ("todo.role", ["risk_owner"])
    assert noted(first, Texts(engine.catalog)).startswith("To be signed before production: risk owner: system,")


def test_with_one_the_persons_who_may_are_named(tmp_path: Path, engine: EmbeddedEngine, parties: Parties) -> None:
    found = {todo.kind: todo for todo in todos(state(write_system(tmp_path / "c"), engine), engine.catalog, parties)}
    assert found["audit"] == Todo("audit", "auditor", ("auditor", "auditor2", "peer"), 1, independent=True)
    assert found["bias"] == Todo("bias", "ml_engineer", ("junior", "trainer"), 1)
    assert found[SYSTEM].independent


def test_several_nobody_and_no_rule_are_said(tmp_path: Path, engine: EmbeddedEngine) -> None:
    two = {"roles": ["auditor"], "threshold": 2, "max_age_days": 90, "independent_of": ["trainer"]}
    both = {"roles": ["risk_owner"], "threshold": 2, "max_age_days": 90}
    parties = with_rules(audit=two, classification=both, bias=None)
    told = list(notes(todos(state(write_system(tmp_path / "credit"), engine), engine.catalog, parties)))
    by_code = {note.code: note for note in told}
    assert by_code["todo.nobody"].values == {"kinds": ["bias"]}
    assert by_code["todo.sign_several"].values == {
        "persons": ("risk", "risk2"),
        "count": 2,
        "kinds": ["classification"],
    }
    assert by_code["todo.independent_several"].values["count"] == 2
    for language in LANGUAGES:
        for note in told:
            assert "{" not in noted(note, Texts(engine.catalog, language))


def test_who_may_not_for_another_reason_is_not_named(tmp_path: Path, engine: EmbeddedEngine) -> None:
    anybody = {"roles": ["ml_engineer", "risk_owner"], "max_age_days": 90}
    found = todos(state(write_system(tmp_path / "c"), engine), engine.catalog, with_rules(system=anybody))
    assert found[0].persons == ("risk", "risk2"), "a context counts only from a risk owner, whatever the rule says"


def test_what_is_signed_or_not_needed_is_no_task(tmp_path: Path, engine: EmbeddedEngine) -> None:
    root = signed_system(tmp_path / "credit")
    trust = open_trust(load_config(write_trust(tmp_path)))
    judge = Judge(engine, ("article-baseline",), Settings(), times.now(), trust)
    assert todos(judge.judge(read_directory(root)), engine.catalog, with_rules()) == []
    (root / "evidence" / "bias.json").unlink()
    found = todos(judge.judge(read_directory(root)), engine.catalog, with_rules())
    assert {todo.kind for todo in found} == {"bias"}, "an approval for production is signed, and no task"
