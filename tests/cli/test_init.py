# SPDX-License-Identifier: Apache-2.0
"""`qaqpa init`: what it writes can be read, and it never harms what is there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from qaqpa.cli import fields, init
from qaqpa.cli.main import main
from qaqpa.config import Config, load_config
from qaqpa.documents import parse_yaml, read, validator
from qaqpa.evidence.directory import read_draft
from qaqpa.evidence.kinds import NO_EVIDENCE, kind, kinds
from qaqpa.gate import decide
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.configured import validate_config
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report.texts import Texts
from support.contents import contents, context
from support.statements import NOW, carried, request

ALL = {"system": context(), **contents(NOW)}


@pytest.fixture
def system(here: Path) -> Path:
    assert main(["init", "new/system", "--model", "credit"]) == 0
    return here / "new" / "system"


def listed(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_it_writes_configuration_context_and_a_template_of_every_kind(
    capsys: pytest.CaptureFixture[str], system: Path
) -> None:
    asked = [name for name in kinds() if name not in NO_EVIDENCE]
    templates = [f"evidence-templates/{name}.yaml" for name in asked]
    assert listed(system) == sorted(["qaqpa.yaml", "context.yaml", *templates])
    said = capsys.readouterr().out
    assert f"Wrote {len(asked) + 2} files to new/system/" in said
    assert "what context.yaml leaves out counts as the strictest value" in said
    assert "qaqpa check new/system --config new/system/qaqpa.yaml" in said
    assert "Before staging or production, or a parties file, move qaqpa.yaml out of the directory" in said


def test_the_context_names_the_model_and_a_random_system(system: Path, here: Path) -> None:
    first = read_draft(system / "context.yaml", "system").value
    assert (first["models"], first["version"]) == ([{"name": "credit"}], 1)
    assert set(first) == {"kind", "system_id", "version", "title", "models"}, "nothing is filled in that nobody said"
    assert main(["init", "other"]) == 0
    assert read_draft(here / "other" / "context.yaml").value["system_id"] != first["system_id"]


def test_the_configuration_says_what_is_in_force_anyway(system: Path, engine: EmbeddedEngine) -> None:
    written = load_config(system / "qaqpa.yaml")
    assert (written.gates, written.engine, written.opa) == (Config().gates, Config().engine, Config().opa)
    validate_config(written, engine.catalog)


def test_every_commented_setting_of_the_configuration_is_a_real_one(system: Path, engine: EmbeddedEngine) -> None:
    text = (system / "qaqpa.yaml").read_text("utf-8")
    whole = re.sub(r"^( *)# ((?:  )*(?:- )?(?:[a-z_]+|[A-Z]+-\d+):)", r"\1\2", text, flags=re.MULTILINE)
    whole = re.sub(r"until: \S+", f"until: {times.now().date()}", whole)
    path = system / "whole.yaml"
    path.write_text(whole, encoding="utf-8")
    config = load_config(path)
    validate_config(config, engine.catalog)
    assert config.observe
    assert config.settings.thresholds
    assert config.gates[0].names
    assert config.parties
    assert config.parties.file == system / "parties.signed.json"
    assert {name for name, _, _ in config.sources} >= {"gates", "observe", "thresholds"}


@pytest.mark.parametrize("name", sorted(ALL))
def test_templates_name_all_fields_and_examples_of_the_right_shape(name: str) -> None:
    own = kind(name)
    text = init.template(own, {})
    assert parse_yaml(text, "t.yaml").value == {"kind": name}
    filled = re.sub(r"^# ([a-z_0-9]+):(?= ?[\[{\"0-9tf]|$)", r"\1:", joined(text), flags=re.MULTILINE)
    document = parse_yaml(filled, "t.yaml").value
    assert set(document) == set(own.schema["properties"])
    wrong = [
        error.message
        for error in validator(own.schema_name).iter_errors(document)
        if "does not match" not in error.message  # an example cannot know an id
    ]
    assert wrong == []


def joined(text: str) -> str:
    """A template in which every field stands on one line."""
    return re.sub(r"\n#     (?! )", " ", text)


def noted(name: str) -> dict[str, str]:
    """What the template of a kind says in brackets about each of its fields."""
    whole = re.sub(r"\n# (?![a-z_0-9]+:(?: |\n))", " ", joined(init.template(kind(name), {})))
    return {field: said for said, field in re.findall(r"\(([^()\n]+)\)(?: {3}[^\n]*)?\n# ([a-z_0-9]+):", whole)}


@pytest.mark.parametrize("name", sorted(contents(NOW)))
def test_a_field_without_which_a_control_says_something_is_said_to_be_asked_for(
    name: str, engine: EmbeddedEngine
) -> None:
    full = contents(NOW)
    notes = noted(name)
    assert set(notes) == set(kind(name).schema["properties"]) - {"kind"}
    assert {field for field in notes if notes[field] == "required"} == set(kind(name).schema["required"]) - {"kind"}
    for left_out in set(notes) & set(full[name]):
        less = {field: value for field, value in full[name].items() if field != left_out}
        if notes[left_out] == "required":
            continue
        pieces = [context(), *{**full, name: less}.values()]
        document = decide(request([carried(piece) for piece in pieces]), engine).document
        for finding in document["findings"]:
            for level in {violation["level"] for violation in finding["violations"]}:
                words = "asked for by" if level == "deny" else "(asked for|without it a warning) by"
                assert re.search(f"{words}.*{finding['control']}", notes[left_out]), (left_out, finding)


def test_what_may_be_left_out_and_what_only_helps_are_not_asked_for() -> None:
    assert noted("bias")["attributes_excluded"] == "may be left out; read by NDQ-02"
    assert noted("responsibility")["contracts"] == "may be left out"
    assert noted("system")["affects_rights"].startswith("may be left out; read by AUD-01, ")
    assert noted("system")["title"] == "may be left out"


def test_a_control_whose_rules_are_not_at_hand_is_said_to_ask_perhaps(engine: EmbeddedEngine) -> None:
    shipped = engine.catalog
    more = Catalog({**shipped.controls, "OWN-01": {"evidence": ["bias"]}}, shipped.profiles, shipped.law)
    own = kind("bias")
    said = {field.name: fields.note(field, own, Texts(more)) for field in fields.fields(own)}
    assert said["report"] == "asked for by NDQ-02; perhaps asked for by OWN-01"
    assert said["tested_on"] == "required"


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_value_that_is_allowed_is_shown(name: str) -> None:
    shown = " ".join(re.sub(r"\n# *", " ", init.template(kind(name), {})).split())
    for field in fields.fields(kind(name)):
        listed = field.schema.get("enum") or field.schema["items"].get("enum")
        if listed:
            assert f"one of: {', '.join(listed)}" in shown, field.name
    assert max(map(len, init.template(kind(name), {}).splitlines())) <= 120


def test_the_context_warns_of_what_is_not_true(system: Path) -> None:
    head = (system / "context.yaml").read_text("utf-8").split("\nkind:")[0]
    assert "can only loosen what applies: uncomment it only if it is true" in head


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_template_with_values_is_a_file_of_its_kind(name: str, tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(init.template(kind(name), ALL[name]), encoding="utf-8")
    assert read_draft(path, name).value == ALL[name]


def test_checking_what_was_written_denies(system: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(system)]) == 3
    out = capsys.readouterr().out
    assert out.startswith("DENIED  credit")
    assert "AUD-01" in out


@pytest.mark.parametrize("taken", ["qaqpa.yaml", "context.yaml", "evidence-templates/system_last.yaml"])
def test_nothing_is_written_where_a_file_is_there(here: Path, capsys: pytest.CaptureFixture[str], taken: str) -> None:
    taken = taken.replace("system_last", "responsibility")
    (here / taken).parent.mkdir(exist_ok=True)
    (here / taken).write_text("mine", encoding="utf-8")
    assert main(["init"]) == 2
    assert listed(here) == [taken]
    assert (here / taken).read_text("utf-8") == "mine"
    assert f"qaqpa: {taken}: The file exists already" in capsys.readouterr().err


def test_a_dangling_link_is_not_followed(here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "file"
    (here / "context.yaml").symlink_to(elsewhere)
    assert main(["init"]) == 2
    assert not elsewhere.exists()
    assert listed(here) == []


def test_what_cannot_be_written_whole_is_not_left_half(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "evidence-templates").write_text("a file", encoding="utf-8")
    assert main(["init"]) == 2
    assert listed(here) == ["evidence-templates"]
    assert "cannot be written" in capsys.readouterr().err


def answer(monkeypatch: pytest.MonkeyPatch, answers: list[str]) -> list[str]:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        if not answers:
            raise EOFError
        return answers.pop(0)

    monkeypatch.setattr("builtins.input", ask)
    monkeypatch.setattr(init.sys, "stdin", type("Terminal", (), {"isatty": staticmethod(lambda: True)})())
    return asked


def test_on_a_terminal_it_asks_and_leaves_out_what_was_not_answered(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = [
        'my "model"',
        "Қарыз: скоринг # 1",
        "credit",
        "credit_scoring",
        "",
        "kz, EU",
        "maybe",
        "no",
        "yes",
        "",
        "",
    ]
    asked = answer(monkeypatch, given)
    assert main(["init"]) == 0
    content: dict[str, Any] = read(here / "context.yaml").value
    del content["system_id"]
    assert content == {
        "kind": "system",
        "version": 1,
        "title": "Қарыз: скоринг # 1",
        "models": [{"name": 'my "model"'}],
        "domain": "credit_scoring",
        "jurisdictions": ["KZ", "EU"],
        "affects_rights": False,
        "significant_decision": True,
    }
    profiles = load_config(here / "qaqpa.yaml").gates[0].profiles
    assert profiles == ("article-baseline", "kz", "eu-ai-act-high-risk", "gdpr")
    assert sum("rights or freedoms" in prompt for prompt in asked) == 2
    assert json.dumps(given) == "[]"


def test_an_answer_that_is_none_writes_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, ["m", "t", "", "", "KZ, XX", "", "", "", ""])
    assert main(["init"]) == 2
    assert "no jurisdiction 'XX'" in capsys.readouterr().err
    answer(monkeypatch, ["m"])
    assert main(["init"]) == 130, "the end of the input stops, and is no crash"
    assert listed(here) == []


def test_a_matrix_of_responsibility_can_name_trainer_and_owner(system: Path) -> None:
    text = (system / "evidence-templates" / "responsibility.yaml").read_text("utf-8")
    assert '# persons: [{"id": "…", "role": "trainer"}]' in text
