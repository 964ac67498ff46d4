# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from qaqpa.policy.codes import codes_of
from qaqpa.policy.fit import check_cards
from qaqpa.policy.opa import PolicyError, run_opa
from qaqpa.resources import POLICIES
from support.opa import require_opa

pytestmark = pytest.mark.opa

CONTROL = """\
package qaqpa.controls.acme_01

import data.qaqpa.evidence
import data.qaqpa.violation as violations

not_applicable_because := set()

violation contains violations.deny("bad", fact, "conclusion", "x", "y") if some fact in evidence.counted("audit")
"""
TEST = "package qaqpa.controls.acme_01_test\n\ntest_nothing if true\n"
CARD = """\
family: own
evidence: [audit]
actors: [auditor]
waivable: true
thresholds:
  days: {value: 10, tighter: lower, basis: law}
provisions:
  - {act: article-2026, provision: rec-2, strength: derived}
texts:
  en:
    title: Own
    applies: To all.
    requirement: Something.
    cannot_prove: The rest.
    mend: Do it.
    violations:
      bad: It is bad.
"""
FILES_END = "      bad: It is bad.\n"
RUSSIAN = """\
  ru:
    title: Свой
    applies: Ко всем.
    requirement: Нечто.
    cannot_prove: Остальное.
    mend: Сделать.
    violations:
      bad: Это плохо, {found}.
"""
PROFILE = """\
statutory: false
texts: {en: {title: Own, description: Own}}
controls:
  ACME-01: {severity: deny, warn_when: {public_sector: false}}
  NDQ-02: {severity: warn, applies_from: '2027-01-01'}
"""
FILES = {
    "rule": ("controls/own/acme_01.rego", CONTROL),
    "test": ("controls/own/acme_01_test.rego", TEST),
    "card": ("catalog/ACME-01/data.yaml", CARD),
    "profile": ("profiles/acme/data.yaml", PROFILE),
}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    require_opa()
    folder = tmp_path / "own"
    for name, text in FILES.values():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def check(own: Path) -> None:
    merged = own.parent / "policies"
    shutil.copytree(POLICIES, merged)
    shutil.copytree(own, merged, dirs_exist_ok=True)
    check_cards(merged, own)


def test_shipped_policies_fit() -> None:
    require_opa()
    check_cards(POLICIES)


def test_own_policies_fit(own: Path) -> None:
    check(own)


@pytest.mark.parametrize("strength", ["signed", "independent"])
def test_card_may_demand_a_strength(own: Path, strength: str) -> None:
    (own / FILES["card"][0]).write_text(CARD.replace("actors:", f"minimum_strength: {strength}\nactors:"))
    check(own)


# File, what is replaced and by what, the line and column, and what the message says.
BROKEN = {
    "field missing": ("card", "waivable: true\n", "", ":1:1", "waivable"),
    "unknown field": ("card", "family: own", "family: own\nseverity: deny", ":2:11", "severity"),
    "not a truth value": ("card", "waivable: true", "waivable: yes", ":4:11", "waivable"),
    "no evidence": ("card", "[audit]", "[]", ":2:11", "evidence"),
    "unknown kind": ("card", "[audit]", "[audit, odit]", ":2:19", "one of audit, automated_decision, bias"),
    "context as evidence": ("card", "[audit]", "[system]", ":2:12", "'system' is not known"),
    "waiver as evidence": ("card", "[audit]", "[audit, waiver]", ":2:19", "'waiver' is not known"),
    "withdrawal as evidence": ("card", "[audit]", "[withdrawal]", ":2:12", "'withdrawal' is not known"),
    "unknown demand": ("card", "actors:", "minimum_strength: strong\nactors:", ":3:19", "minimum_strength"),
    "demand that everything meets": (
        "card",
        "actors:",
        "minimum_strength: declared\nactors:",
        ":3:19",
        "minimum_strength",
    ),
    "unknown actor": ("card", "[auditor]", "[king]", ":3:10", "'king'"),
    "unknown basis": ("card", "basis: law", "basis: me", ":6:44", "thresholds.days.basis"),
    "threshold without direction": ("card", "tighter: lower, ", "", ":6:9", "tighter"),
    "unknown act": ("card", "article-2026", "kz-law", ":8:5", "no act 'kz-law'"),
    "unknown provision": ("card", "rec-2", "rec-9", ":8:5", "no provision 'rec-9'"),
    "unknown strength": ("card", "derived", "strong", ":8:53", "strength"),
    "text missing": ("card", "    mend: Do it.\n", "", ":11:5", "mend"),
    "code without text": (
        "rule",
        ":= set()",
        ':= set()\n\nviolation contains violations.warn("worse", {"id": ""}, "", "", "") if true',
        ":17:7",
        "'worse' has no text",
    ),
    "text without code": ("card", "      bad:", "      good: x\n      bad:", ":17:13", "never reports 'good'"),
    "not YAML": ("card", "family: own", "family: [", ":3:1", "not YAML"),
    "unknown control": ("profile", "NDQ-02", "NDQ-99", ":5:11", "no control 'NDQ-99'"),
    "unknown severity": ("profile", "severity: deny", "severity: stop", ":4:23", "severity"),
    "unknown field of the context": ("profile", "public_sector", "publik", ":4:49", "no field 'publik'"),
    "no day": ("profile", "'2027-01-01'", "'2027-02-30'", ":5:42", "date"),
    "statute without acts": ("profile", "statutory: false", "statutory: true", ":1:12", "names no act"),
    "unknown act of a profile": ("profile", "texts:", "acts: [kz-law]\ntexts:", ":2:8", "no act 'kz-law'"),
    "another basis than the card's": (
        "profile",
        "warn_when",
        "basis: statutory, warn_when",
        ":4:36",
        "is not what the card",
    ),
    "unknown code left out": ("profile", "warn_when", "without: [good], warn_when", ":4:39", "no code 'good'"),
    "code of the gate left out": (
        "profile",
        "warn_when",
        "without: [evidence_missing], warn_when",
        ":4:39",
        "no code 'evidence_missing'",
    ),
    "unknown default": ("card", "provisions:", "defaults: [good]\nprovisions:", ":7:12", "no code 'good'"),
    "unknown end": ("card", "provisions:", "expires: [good]\nprovisions:", ":7:11", "no code 'good'"),
    "unknown code of a provision": ("card", "derived}", "derived, codes: [good]}", ":8:70", "no code 'good'"),
    "unknown profile of a provision": ("card", "derived}", "derived, profiles: [nn]}", ":8:72", "no profile 'nn'"),
    "unknown condition of a provision": ("card", "derived}", "derived, when: {sunny: true}}", ":8:76", "field 'sunny'"),
    "unknown profile of a threshold": ("card", "basis: law", "basis: {nn: law}", ":6:49", "no profile 'nn'"),
    "translation with another placeholder": (
        "card",
        FILES_END,
        f"{FILES_END}{RUSSIAN}",
        ":25:12",
        "other placeholders",
    ),
    "profile without controls": ("profile", PROFILE[PROFILE.index("controls") :], "controls: {}", ":3:11", "controls"),
    "no test rule": ("test", "test_nothing", "nothing", "", "has no test"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_does_not_fit_is_refused_with_its_place(own: Path, name: str) -> None:
    file, old, new, place, said = BROKEN[name]
    path, text = FILES[file]
    assert old in text
    (own / path).write_text(text.replace(old, new))
    with pytest.raises(PolicyError) as caught:
        check(own)
    assert said in str(caught.value)
    assert caught.value.required
    assert caught.value.mend
    if place:
        named = own / ("catalog/ACME-01/data.yaml" if file == "rule" else path)
        assert f"{named}{place}: " in str(caught.value)


@pytest.mark.parametrize(
    ("file", "said"), [("card", "ACME-01 has no card"), ("test", "ACME-01 has no test"), ("rule", "has no control")]
)
def test_missing_file_is_noticed(own: Path, file: str, said: str) -> None:
    (own / FILES[file][0]).unlink()
    with pytest.raises(PolicyError, match=said):
        check(own)


def test_all_problems_are_told_at_once(own: Path) -> None:
    (own / FILES["test"][0]).unlink()
    (own / FILES["card"][0]).write_text(CARD.replace("[auditor]", "[king, queen]"))
    with pytest.raises(PolicyError) as caught:
        check(own)
    lines = str(caught.value).split("\n")
    assert [said in line for said, line in zip(["no test", "'king'", "'queen'"], lines, strict=True)] == [True] * 3


@pytest.mark.parametrize(
    ("part", "field", "template"),
    [
        ("card", "mend: Do it.", "mend: Fill in what to do."),
        ("card", "title: Own", "title: Впишите несколько слов"),
        ("card", "bad: It is bad.", "bad: The rule is not written yet."),
    ],
)
def test_what_the_template_left_to_be_filled_in_is_refused_with_its_place(
    own: Path, part: str, field: str, template: str
) -> None:
    file = own / FILES[part][0]
    text = file.read_text("utf-8").replace(field, template, 1)
    file.write_text(text, encoding="utf-8")
    line = text[: text.index(template)].count("\n") + 1
    with pytest.raises(PolicyError) as caught:
        check(own)
    said = template.partition(": ")[2]
    assert re.search(rf"data\.yaml:{line}:\d+: texts\.en\..*the text of the template, “{said}”", str(caught.value))


@pytest.mark.parametrize(
    ("rule", "found", "complete"),
    [
        ('violation contains v.warn("a", x, "", "", "") if x := 1', {"a"}, True),
        ('violation contains {"code": "a", "level": "deny"}', {"a"}, True),
        ('violation contains v.deny(code, 1, "", "", "") if some code in ["a", "b"]', {"a", "b"}, True),
        ('violation contains v.deny(code, 1, "", "", "") if some code in _all\n_all := {"a", "b"}', {"a", "b"}, True),
        (
            'violation contains v.deny(concat("_", [f, "old"]), 1, f, "", "") if some f in ["a", "b"]',
            {"a_old", "b_old"},
            True,
        ),
        (
            'violation contains v.deny(_c(1), 1, "", "", "")\n_c(x) := "a" if x == 1 else := "b" if x == 2 else := "c"',
            {"a", "b", "c"},
            True,
        ),
        (
            'violation contains _by("a", 1)\nviolation contains _by("b", 2)\n'
            '_by(c, x) := v.deny(c, x, "", "", "") if x == 1 else := v.warn(c, x, "", "", "")',
            {"a", "b"},
            True,
        ),
        ('violation contains v.deny(sprintf("%s", [1]), 1, "", "", "")', set(), False),
        ('violation contains v.deny(code, 1, "", "", "") if code := input.code', set(), False),
        ('violation contains v.deny(_c, 1, "", "", "")\n_c := _c', set(), False),
    ],
)
def test_codes_are_found_however_they_are_made(tmp_path: Path, rule: str, found: set[str], *, complete: bool) -> None:
    require_opa()
    (tmp_path / "a.rego").write_text(f"package a\n\nimport data.qaqpa.violation as v\n\n{rule}\n")
    codes = codes_of(json.loads(run_opa(["parse", "--format", "json", "a.rego"], tmp_path)))
    assert (codes.certain, codes.complete) == (found, complete)


def test_codes_of_other_objects_may_be_used_and_need_no_text(tmp_path: Path) -> None:
    require_opa()
    rule = 'violation contains object.union({"level": "deny"}, {"code": "a"})'
    (tmp_path / "a.rego").write_text(f"package a\n\n{rule}\n")
    codes = codes_of(json.loads(run_opa(["parse", "--format", "json", "a.rego"], tmp_path)))
    assert (codes.certain, codes.possible) == (set(), {"a"})
