# SPDX-License-Identifier: Apache-2.0
"""Every code has a text, every text a code, and every placeholder something to stand for."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from qaqpa.escape import MAX_SHOWN
from qaqpa.evidence.verify import MAX_WAIVER
from qaqpa.policy.codes import codes_of
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.opa import run_opa
from qaqpa.report import texts as module
from qaqpa.report.codes import PROBLEM_CODES, REJECTION_CODES
from qaqpa.report.forms import fill, shown
from qaqpa.report.strings import LANGUAGES
from qaqpa.report.texts import Texts
from qaqpa.resources import POLICIES, SCHEMAS
from support.opa import require_opa

PACKAGE = Path(module.__file__).parent.parent
STRINGS: dict[str, str] = json.loads((PACKAGE / "report" / "texts" / "en.json").read_bytes())
CONTROLS = [path for path in sorted(POLICIES.glob("controls/*/*.rego")) if "_test" not in path.name]
PYTHON = "".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py") if path.name != "codes.py")
PYTHON += (PACKAGE / "report" / "page_files" / "report.html").read_text("utf-8")
GATE = "".join(path.read_text("utf-8") for path in POLICIES.glob("gate/*.rego") if "_test" not in path.name)
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@pytest.mark.parametrize("path", CONTROLS, ids=lambda path: path.stem)
def test_each_code_of_a_control_has_a_text_on_its_card_and_each_text_a_code(path: Path, engine: EmbeddedEngine) -> None:
    require_opa()
    codes = codes_of(json.loads(run_opa(["parse", "--format", "json", str(path)], path.parent)))
    assert codes.complete
    assert codes.certain
    for texts in engine.catalog.controls[path.stem.upper().replace("_", "-")]["texts"].values():
        assert codes.certain == set(texts["violations"])


def named(group: str) -> set[str]:
    """The codes that have a text of a group."""
    return {name.removeprefix(f"{group}.") for name in STRINGS if name.startswith(f"{group}.")}


def test_each_refusal_has_a_reason_and_a_remedy_and_there_are_no_others() -> None:
    assert len(set(REJECTION_CODES)) == len(REJECTION_CODES)
    assert named("reason") == named("remedy") == set(REJECTION_CODES)
    raised = re.findall(r'StatementError\(\s*"(\w+)"|return \(?\s*"(\w+)",\s+f?"', PYTHON)
    at_making_only = {"model_missing", "stage_missing"}
    assert {one or other for one, other in raised} - at_making_only <= set(REJECTION_CODES)
    assert [code for code in REJECTION_CODES if f'"{code}"' not in PYTHON] == []


def test_each_problem_has_a_text_and_there_are_no_others() -> None:
    assert len(set(PROBLEM_CODES)) == len(PROBLEM_CODES)
    assert named("problem") == set(PROBLEM_CODES)
    made = {*re.findall(r'Problem\(\s*"(\w+)"', PYTHON), *re.findall(r'TrustError\(\s*"(\w+)"', PYTHON)}
    made |= set(re.findall(r'problems? contains \{"code": "(\w+)"', GATE))
    assert made <= set(PROBLEM_CODES)
    assert [code for code in PROBLEM_CODES if f'"{code}"' not in PYTHON + GATE] == []


def test_remedies_and_problems_are_sentences_that_end() -> None:
    for name, text in STRINGS.items():
        if name.startswith(("remedy.", "problem.")):
            assert text.endswith("."), name
        elif name.startswith("reason."):
            assert not text.endswith("."), name


def test_what_the_gate_itself_says_of_evidence_has_a_text() -> None:
    lacking = set(re.findall(r'"(evidence_\w+)"', GATE))
    assert named("cause") == lacking - {"evidence_ended"}
    assert named("code") == lacking | {"waiver_not_allowed"}
    assert '"waiver_not_allowed"' in GATE


def test_each_strength_has_its_words() -> None:
    assert named("must") == {"signed", "independent", "sentence", "cause"}
    assert named("had") == {"declared", "signed"}
    assert named("level") == {
        "signed",
        "independent",
        "settings",
        "production",
        "waiver",
        "override",
        "override_review",
    }


def test_each_category_of_a_waiver_has_a_text() -> None:
    schema = json.loads((SCHEMAS / "evidence" / "waiver.json").read_bytes())
    assert set(schema["properties"]["category"]["enum"]) < named("waiver")


def test_texts_that_say_how_long_a_waiver_may_last_say_it_right() -> None:
    for name in ("remedy.waiver_without_end", "remedy.waiver_too_long", "waivable.yes"):
        assert f"at most {MAX_WAIVER.days} days" in STRINGS[name]


def test_each_of_the_reports_own_texts_is_used_and_there() -> None:
    groups = {name.split(".")[0] for name in STRINGS}
    said = set(re.findall(rf"""["']((?:{"|".join(groups)})\.[a-z0-9_]+)["']""", PYTHON))
    made = {
        "verdict": "allow deny undecided",
        "summary": "allow deny undecided",
        "line": "allow deny undecided",
        "waiver": "waiver mitigated",
        "must": "signed independent",
        "had": "declared signed",
        "level": "signed independent",
        "compare": "fail_on_never fail_on_new fail_on_any",
        "meaning": "allow deny undecided",
        "status": "pass fail warn waived not_applicable undecided",
        "strong": "declared signed independent",
        "report": "requirement status evidence until reason ticket signers mend",
        "month": " ".join(map(str, range(1, 13))),
    }
    said |= {f"{group}.{name}" for group, names in made.items() for name in names.split()}
    whole = {"code", "cause", "reason", "remedy", "problem", "strength", "actor", "verification", "field", "change"}
    # Those of the law's own words have a test of their own: test_translations.py.
    said |= {name for name in STRINGS if name.split(".")[0] in {"kind", "family"}}
    said |= {name for name in STRINGS if name.split(".")[0] in whole}
    said |= {"unverified", "recheck"}
    # SARIF calls a property so, and two are files.
    said -= {"problem.severity", "report.css", "report.html"}
    assert said == set(STRINGS)
    for name in (*whole, *made):
        made_up = {"compare": 'f"compare.fail_on_{', "report": 'say("report." ~ name)'}
        assert made_up.get(name, f'f"{name}.{{') in PYTHON, name


def test_each_actor_and_each_strength_of_the_catalog_has_a_text(engine: EmbeddedEngine) -> None:
    cards = engine.catalog.controls.values()
    actors = {actor for card in cards for actor in card["actors"]}
    strengths = {rest["strength"] for card in cards for rest in card["provisions"]}
    assert {f"actor.{actor}" for actor in actors} <= set(STRINGS)
    assert {f"strength.{strength}" for strength in strengths} <= set(STRINGS)


def test_each_provision_of_a_card_is_in_the_law_and_is_named(engine: EmbeddedEngine) -> None:
    texts = Texts(engine.catalog)
    for card in engine.catalog.controls.values():
        for rest in card["provisions"]:
            title = engine.catalog.law[rest["act"]]["provisions"][rest["provision"]]["texts"]["en"]["title"]
            assert texts.provision_named(rest["act"], rest["provision"]).endswith(f": {title}")


def test_placeholders_of_the_reports_own_texts_are_filled() -> None:
    names = {name for template in STRINGS.values() for name in PLACEHOLDER.findall(template)}
    values = {name: f"<{name}>" for name in names}
    for template in STRINGS.values():
        assert "?" not in fill(template, values).replace("there is", "")
        assert not PLACEHOLDER.search(fill(template, values))
    for name, template in STRINGS.items():
        for placeholder in PLACEHOLDER.findall(template):
            known = {"found", "required", "field"} if name.startswith(("code.", "cause.")) else None
            handed = f"{placeholder}=" in PYTHON or f'"{placeholder}": ' in PYTHON
            assert placeholder in known if known else handed, (name, placeholder)


def test_placeholders_of_the_cards_are_found_required_or_field(engine: EmbeddedEngine) -> None:
    seen = 0
    for control, card in engine.catalog.controls.items():
        for code, template in card["texts"]["en"]["violations"].items():
            for placeholder in PLACEHOLDER.findall(template):
                seen += 1
                root, *rest = placeholder.split(".")
                assert root in {"found", "required", "field"}, (control, code)
                assert len(rest) <= 1, (control, code)
    assert seen > 20


def test_no_text_says_that_a_model_is_lawful(engine: EmbeddedEngine) -> None:
    everything = json.dumps([STRINGS, engine.catalog.controls, engine.catalog.profiles])
    said = {
        match.lower() for match in re.findall(r"[^.\"]*\b(?:is|are|be) (?:lawful|legal|compliant)[^.\"]*", everything)
    }
    assert all(" not " in sentence or "does not say" in sentence for sentence in said), said
    assert "compliant" not in everything.lower()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        ("", "not given"),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (0.85, "0.85"),
        ([], "none"),
        (["a", "b"], "a, b"),
        ([["a"], []], "a, none"),
        ({"part": 1, "whole": 3}, "33.3 % (1 of 3)"),
        ({"part": 1, "whole": 0}, "part 1, whole 0"),
        ({"part": "1", "whole": 2}, "part 1, whole 2"),
        ({"part": True, "whole": None}, "part true, whole null"),
        ({"a\n": "b\n"}, "a\\u000a b\\u000a"),
        ({"part": 1}, "part 1"),
    ],
)
def test_values_are_shown_as_people_read_them(value: Any, text: str) -> None:
    assert shown(value) == text


def test_a_template_is_filled_once_and_only_where_it_says_so() -> None:
    values = {"found": "{required} {found.x}", "required": {"days": 5}, "field": "f"}
    assert fill("{found}|{required.days}|{required.hours}|{none}|{}|{Field}", values) == (
        "{required} {found.x}|5|?|?|{}|{Field}"
    )
    assert fill(" two\n  lines \n", {}) == "two lines"


def test_a_long_value_is_cut() -> None:
    long = ["\u202e" * 5000] * 1000
    assert len(fill("{found}", {"found": long})) == 2 * MAX_SHOWN + 1
    assert fill("{found}", {"found": {f"k{number}": "x" * 300 for number in range(300)}}).endswith("x…")


def test_a_text_that_is_missing_is_replaced_by_its_code(engine: EmbeddedEngine) -> None:
    texts = Texts(engine.catalog)
    assert texts.say("problem.brand\nnew") == "problem.brand\\u000anew"
    violation = {"code": "brand_new", "found": "\x1b[31m", "required": [1, 2], "field": "f", "level": "deny"}
    assert texts.violation("TRN-01", violation) == "brand_new: \\u001b[31m (1, 2)"
    assert len(texts.violation("TRN-01", {**violation, "found": ["x" * 300] * 300})) < 3 * MAX_SHOWN
    assert texts.title("XYZ-01") == "XYZ-01"
    assert texts.actor("XYZ-01") == "model owner"
    assert texts.mend("XYZ-01") == ""


def test_another_language_falls_back_to_english(engine: EmbeddedEngine) -> None:
    english, other = Texts(engine.catalog), Texts(engine.catalog, "de")
    for code, control in product(["verdict.deny"], ["TRN-01"]):
        assert other.say(code) == english.say(code)
        assert other.title(control) == english.title(control)


def test_every_language_has_texts_of_its_own(engine: EmbeddedEngine) -> None:
    said = {language: Texts(engine.catalog, language).title("TRN-01") for language in LANGUAGES}
    assert len(set(said.values())) == len(LANGUAGES)
