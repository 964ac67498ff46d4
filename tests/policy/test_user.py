# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest

from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.opa import PolicyError
from qaqpa.policy.samples import samples
from qaqpa.policy.user import _shipped_packages, build_user_policies
from qaqpa.resources import POLICIES
from support.opa import require_opa

pytestmark = pytest.mark.opa

CONTROL = """\
package qaqpa.controls.acme_01

import data.qaqpa.evidence

violation contains found if {
	some fact in evidence.counted("audit")
	fact.predicate.conclusion == "negative"
	found := {
		"code": "audit_negative",
		"level": "deny",
		"evidence": fact.id,
		"field": "conclusion",
		"found": "negative",
		"required": "positive",
	}
}

not_applicable_because contains "public_sector" if input.context.public_sector == false
"""
TEST = """\
package qaqpa.controls.acme_01_test

import data.qaqpa.controls.acme_01
import data.qaqpa.fixtures_test as fixtures

test_negative_audit_is_found if {
	some found in acme_01.violation with input as fixtures.request({}, "audit", {"conclusion": "negative"})
	found.code == "audit_negative"
}

test_positive_audit_passes if {
	count(acme_01.violation) == 0 with input as fixtures.request({}, "audit", {"conclusion": "positive"})
}
"""
CARD = """\
family: own
evidence: [audit]
actors: [auditor]
waivable: true
thresholds: {}
provisions: []
texts:
  en:
    title: Own
    applies: To all.
    requirement: The audit is positive.
    cannot_prove: The rest.
    mend: Have it audited.
    violations: {audit_negative: 'The audit is {found}.'}
"""
PROFILE = "statutory: false\ntexts: {en: {title: Own, description: Own}}\ncontrols: {ACME-01: {severity: deny}}\n"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    require_opa()
    folder = tmp_path / "own"
    put(folder, "controls/own/acme_01.rego", CONTROL)
    put(folder, "controls/own/acme_01_test.rego", TEST)
    put(folder, "catalog/ACME-01/data.yaml", CARD)
    put(folder, "profiles/acme/data.yaml", PROFILE)
    return folder


def put(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, "utf-8")


def test_own_control_is_built_and_decides(own: Path, tmp_path: Path) -> None:
    put(own, "README.md", "# Own\n")
    put(own, "inputs/empty.json", json.dumps(next(samples(["acme"]))))
    built = build_user_policies(own, tmp_path / "out")
    assert built.own_tests == 2
    assert built.tests > built.own_tests
    assert built.inputs > 100
    engine = EmbeddedEngine.open(tmp_path / "out")
    assert engine.policy_digest == built.policy_digest != EmbeddedEngine.open().policy_digest
    assert (tmp_path / "out" / "bundle.tar.gz").is_file()
    nothing, everything = list(samples(["acme"]))[:2]
    assert [f["control"] for f in engine.evaluate(nothing).document["findings"]] == ["ACME-01"]
    assert engine.evaluate(nothing).document["verdict"] == "deny"
    everything["context"]["public_sector"] = True
    assert engine.evaluate(everything).document["findings"][0]["status"] == "pass"
    everything["evidence"]["audit"][0]["predicate"]["conclusion"] = "negative"
    assert engine.evaluate(everything).document["verdict"] == "deny"


REFUSED = {
    "replaces a control": ("controls/non_discrimination/ndq_02.rego", "package qaqpa.controls.ndq_02\n", "replaces"),
    "same control elsewhere": ("controls/own/ndq_02.rego", "package qaqpa.controls.ndq_02\n", "replaces"),
    "adds to a shipped package": ("controls/own/more.rego", "package qaqpa.controls.ndq_02\n", "package"),
    "two packages": ("controls/own/more.rego", "package qaqpa.controls.more\npackage qaqpa.gate\n", "package"),
    "replaces a card": ("catalog/NDQ-02/data.json", "{}", "replaces"),
    "replaces a profile": ("profiles/article-baseline/data.yaml", "controls: {}\n", "replaces"),
    "replaces an act": ("law/article-2026/data.yaml", "{}\n", "replaces"),
    "touches the gate": ("gate/decision.rego", "package qaqpa.gate\n", "out of place"),
    "touches the library": ("lib/more.rego", "package qaqpa.evidence\n", "out of place"),
    "note below the top": ("controls/README.md", "# Own\n", "out of place"),
    "data at the top": ("data.yaml", "profiles: {}\n", "out of place"),
    "data of all profiles": ("profiles/data.yaml", "article-baseline: {}\n", "out of place"),
    "no card": ("controls/own/more.rego", "package qaqpa.controls.more\n\nviolation := set()\n", "has no card"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_file_out_of_place_is_refused(own: Path, tmp_path: Path, name: str) -> None:
    path, text, why = REFUSED[name]
    put(own, path, text)
    with pytest.raises(PolicyError, match=why):
        build_user_policies(own, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def _packages(target: str) -> dict[str, str]:
    last = target.rpartition(".")[2]
    return {
        "indented": f" package {target}\n",
        "tab": f"\tpackage\t{target}\n",
        "next line": f"package\n {target}\n",
        "carriage return": f"package\r{target}\n",
        "carriage return and line feed": f"package\r\n{target}\r\n",
        "in brackets": f'package {target.removesuffix("." + last)}["{last}"]\n',
        "comment before": f"# a comment\n package {target}\n",
        "byte order mark": f"\ufeffpackage {target}\n",
    }


@pytest.mark.parametrize("form", _packages("qaqpa.controls.ndq_02"))
@pytest.mark.parametrize(
    ("stem", "target"), [("more", "qaqpa.controls.ndq_02"), ("acme_02_test", "qaqpa.controls.ndq_02_test")]
)
def test_rule_in_a_shipped_package_is_refused_however_the_package_is_written(
    own: Path, tmp_path: Path, stem: str, target: str, form: str
) -> None:
    rule = '\nnot_applicable_because contains "affects_rights" if input.subject.name == "mine"\n'
    decoy = f"\n_text := `\npackage qaqpa.controls.{stem}\n`\n"
    path = own / f"controls/own/{stem}.rego"
    path.write_bytes((_packages(target)[form] + rule + decoy).encode())
    with pytest.raises(PolicyError, match="does not hold the package that its name says") as caught:
        build_user_policies(own, tmp_path / "out")
    assert caught.value.where == str(path)
    assert target in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("package", ["qaqpa.controls.acme_01", "qaqpa.gate", "qaqpa.fixtures_test", "acme_01_test"])
def test_test_file_holds_the_package_of_its_control_s_tests(own: Path, tmp_path: Path, package: str) -> None:
    put(
        own, "controls/own/acme_01_test.rego", TEST.replace("package qaqpa.controls.acme_01_test", f"package {package}")
    )
    with pytest.raises(PolicyError, match="does not hold the package") as caught:
        build_user_policies(own, tmp_path / "out")
    assert caught.value.required == "package qaqpa.controls.acme_01_test"


def test_package_of_a_shipped_file_is_refused_whatever_it_is_named(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = {("data", "qaqpa", "controls", "acme_01"): "lib/elsewhere.rego"}
    monkeypatch.setattr("qaqpa.policy.user._shipped_packages", lambda: shipped)
    with pytest.raises(PolicyError, match=r"package of a shipped file, lib/elsewhere\.rego"):
        build_user_policies(own, tmp_path / "out")


def test_every_shipped_package_is_known() -> None:
    require_opa()
    assert _shipped_packages()["data", "qaqpa", "controls", "ndq_02"] == "controls/non_discrimination/ndq_02.rego"
    assert set(_shipped_packages().values()) == {
        path.relative_to(POLICIES).as_posix() for path in POLICIES.rglob("*.rego")
    }


def test_symbolic_link_is_refused(own: Path, tmp_path: Path) -> None:
    (own / "law").symlink_to(tmp_path)
    with pytest.raises(PolicyError, match="Symbolic links"):
        build_user_policies(own, tmp_path / "out")


BROKEN = {
    "failing test": (
        "TEST",
        'found.code == "audit_negative"',
        'found.code == "x"',
        "test_negative_audit_is_found: FAIL",
    ),
    "division": ("CONTROL", '"found": "negative"', '"found": 1 / 2', "undefined function"),
    "dynamic reference": (
        "CONTROL",
        'fact.predicate.conclusion == "negative"',
        "some name in input.profiles\n\tnot data.qaqpa.controls[name].violation",
        "does not name a rule",
    ),
    "set in a finding": ("CONTROL", '"found": "negative"', '"found": {name | some name, _ in input}', "engines differ"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_policy_on_which_the_engines_could_differ_is_refused(own: Path, tmp_path: Path, name: str) -> None:
    where, old, new, why = BROKEN[name]
    text = {"TEST": TEST, "CONTROL": CONTROL}[where]
    assert old in text
    file = "controls/own/acme_01_test.rego" if where == "TEST" else "controls/own/acme_01.rego"
    put(own, file, text.replace(old, new))
    with pytest.raises(PolicyError, match=why):
        build_user_policies(own, tmp_path / "out")
    assert not (tmp_path / "out").exists()
