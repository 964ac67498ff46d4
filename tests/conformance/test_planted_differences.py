# SPDX-License-Identifier: Apache-2.0
"""What is known to differ between OPA and the WebAssembly it compiles really differs, and a guard of ours catches it.

Where a later OPA mends one of these, the first half of its test fails and says so; the guard may then be relaxed.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from qaqpa.errors import UndecidedError
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.check import check_document, check_input
from qaqpa.policy.compile import build, check_policies
from qaqpa.policy.differential import differing
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.guard import check_rego
from qaqpa.policy.index import write_index
from qaqpa.policy.machine import FUEL_PER_SECOND, Code, Machine
from qaqpa.policy.opa import PolicyError, run_opa
from qaqpa.policy.samples import samples
from qaqpa.policy.user import _merge
from support.opa import require_opa

pytestmark = pytest.mark.opa

CONTROL = """\
package qaqpa.controls.a

violation contains "x" if input.bad

applies := input.applies
"""

DENY_IF = """\
package qaqpa.gate

default verdict := "allow"

verdict := "deny" if {{
	{condition}
}}

decision := {{"verdict": verdict}}
"""


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    require_opa()
    folder = tmp_path / "policies"
    folder.mkdir()
    return folder


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.rego").write_text(text, "utf-8")


def both(folder: Path, document: Any) -> tuple[Any, Any]:
    """The answers of OPA's interpreter and of WebAssembly."""
    entry = "qaqpa/gate/decision"
    archive, file = folder.parent / "b.tar.gz", folder.parent / "input.json"
    file.write_text(json.dumps(document), "utf-8")
    run_opa(["build", "-t", "wasm", "-e", entry, "-b", "policies", "-o", str(archive)], folder.parent)
    with tarfile.open(archive) as tar:
        wasm, data = (tar.extractfile(name).read() for name in ("/policy.wasm", "/data.json"))  # type: ignore[union-attr]  # both are files
    rule = entry.replace("/", ".")
    found = json.loads(run_opa(["eval", "-b", "policies", "-i", str(file), f"data.{rule}"], folder.parent))
    interpreted = found["result"][0]["expressions"][0]["value"]
    machine = Machine(Code(wasm), data)
    return interpreted, machine.evaluate(0, json.dumps(document).encode(), FUEL_PER_SECOND)[0]["result"]


@pytest.mark.parametrize(
    ("condition", "document"),
    [
        ('some name in ["a"]\n\tnot data.qaqpa.controls[name].applies', {"applies": False}),
        ('some name in ["a"]\n\tnot data.qaqpa.controls[name].violation["y"]', {"bad": True}),
    ],
)
def test_dynamic_reference_lets_pass_and_is_refused(planted: Path, condition: str, document: Any) -> None:
    write(planted, gate=DENY_IF.format(condition=condition), control=CONTROL)
    assert both(planted, document) == ({"verdict": "deny"}, {"verdict": "allow"})
    with pytest.raises(PolicyError, match=r"data\.qaqpa\.controls does not name a rule"):
        check_rego(planted)


def test_variable_into_rules_with_fixed_keys_lets_pass_and_is_refused(planted: Path) -> None:
    fixed = '\nby["A"] := data.qaqpa.controls.a.applies\n\nby["B"] := true\n'
    write(planted, gate=DENY_IF.format(condition='some name in ["A"]\n\tnot by[name]') + fixed, control=CONTROL)
    assert both(planted, {"applies": False}) == ({"verdict": "deny"}, {"verdict": "allow"})
    with pytest.raises(PolicyError, match=r"data\.qaqpa\.gate\.by does not name a rule"):
        check_rego(planted)


@pytest.mark.parametrize(
    "imported",
    [
        "import data.qaqpa.controls as all_of_them",
        "import data.qaqpa as all_of_them",
        "import data.qaqpa.controls",
    ],
)
def test_dynamic_reference_behind_an_import_is_refused(planted: Path, imported: str) -> None:
    name = imported.rpartition(" ")[2].rpartition(".")[2]
    gate = DENY_IF.format(condition=f'some name in ["a"]\n\tnot {name}[name].applies')
    write(planted, gate=gate.replace("gate\n", f"gate\n\n{imported}\n", 1), control=CONTROL)
    with pytest.raises(PolicyError, match="does not name a rule"):
        check_rego(planted)


def test_every_over_a_dynamic_reference_is_refused(planted: Path) -> None:
    condition = 'every name in ["a"] {\n\t\tnot data.qaqpa.controls[name].violation["x"]\n\t}'
    write(planted, gate=DENY_IF.format(condition=condition), control=CONTROL)
    with pytest.raises(PolicyError, match="does not name a rule"):
        check_rego(planted)


def test_shipped_policies_hold_to_the_rules(policies: Path) -> None:
    check_rego(policies)


def test_static_references_and_data_are_not_refused(planted: Path) -> None:
    condition = (
        'some name in ["a"]\n\tnot data.catalog[name]\n\tnot data.qaqpa.controls.a.violation[name]\n\tinput[name]'
    )
    write(planted, gate=DENY_IF.format(condition=condition), control=CONTROL)
    check_rego(planted)


def test_difference_of_decimals_differs_and_scaling_mends_it(planted: Path) -> None:
    document = {"a": 0.87, "b": 0.77}
    write(planted, gate=DENY_IF.format(condition="input.a - input.b > 0.1"))
    assert both(planted, document) == ({"verdict": "deny"}, {"verdict": "allow"})
    write(planted, gate=DENY_IF.format(condition="round((input.a - input.b) * 1000000) > 100000"))
    interpreted, compiled = both(planted, document)
    assert interpreted == compiled


def test_arithmetic_with_a_decimal_literal_is_refused(planted: Path) -> None:
    write(planted, gate=DENY_IF.format(condition="input.a - 0.77 > 0.1"))
    with pytest.raises(PolicyError, match=r"gate\.rego:6:.*decimal"):
        check_rego(planted)


@pytest.mark.parametrize("operator", ["/", "%"])
def test_division_is_refused(planted: Path, operator: str) -> None:
    write(planted, gate=DENY_IF.format(condition=f"input.a {operator} 3 < 1"))
    with pytest.raises(PolicyError, match="undefined function"):
        check_policies(planted)


def test_division_differs(planted: Path) -> None:
    low = "\nlow if (16 / 9540) / (4 / 1908) < 0.8\n"
    write(planted, gate=DENY_IF.format(condition="not low") + low)
    assert both(planted, {}) == ({"verdict": "deny"}, {"verdict": "allow"})


def test_set_in_the_result_differs_and_is_no_sound_document(planted: Path) -> None:
    names = ["banana", "apple", "cherry", "date", "zz", "q1", "q2"]
    write(planted, gate="package qaqpa.gate\n\ndecision := {name | some name in input.names}\n")
    interpreted, compiled = both(planted, {"names": names})
    assert interpreted == sorted(names)
    assert compiled != interpreted
    assert sorted(compiled) == interpreted


def test_set_in_the_result_is_refused_when_it_is_checked(embedded: EmbeddedEngine) -> None:
    request = next(samples(sorted(embedded.catalog.profiles)))
    document = embedded.evaluate(request).document
    findings = document["findings"]
    assert len(findings) > 1
    with pytest.raises(UndecidedError, match="sorted"):
        check_document({**document, "findings": findings[::-1]}, request, embedded.catalog)


# What an engine could leave out or make up, as a change of the policies, and what the check says of its answer.
LIES: dict[str, tuple[str, str, str, str]] = {
    "takes what nobody signed": (
        "lib/evidence.rego",
        "_needs_signature(_) if stage.production",
        "_needs_signature(_) if false",
        "on the evidence that counts",
    ),
    "takes what is not independent": (
        "lib/evidence.rego",
        "some control in scope.asked",
        "some control in []",
        "on the evidence that counts",
    ),
    # A waiver without signers does not even fit the schema of the answer.
    "takes a waiver that nobody signed": (
        "lib/evidence.rego",
        '_needs_signature("waiver")',
        '_needs_signature("waive")',
        "waivers/0/signers",
    ),
    "keeps silent about missing evidence": (
        "gate/findings.rego",
        "count(evidence.counted(kind)) == 0\n\tviolation",
        "count(evidence.counted(kind)) < 0\n\tviolation",
        "is lacking",
    ),
    "waives beyond the end": (
        "gate/waivers.rego",
        "item.expires_at.seconds > input.now.seconds",
        "item.expires_at.seconds > 0",
        "make it `fail`",
    ),
    "waives at another stage": (
        "gate/waivers.rego",
        "item.predicate.stage == input.stage",
        "is_string(item.predicate.stage)",
        "make it `fail`",
    ),
    "waives what the waiver does not name": (
        "gate/waivers.rego",
        'control in fields.list(item.predicate, "controls")',
        "is_string(control)",
        "make it `fail`",
    ),
    "waives what may not be waived": (
        "gate/waivers.rego",
        "\tdata.catalog[finding.control].waivable == true\n\twaivers",
        "\twaivers",
        "may not be waived",
    ),
    "keeps silent about waivers that do not help": (
        "gate/waivers.rego",
        "array.concat(finding.violations, _not_allowed(finding.control))",
        "array.concat(finding.violations, [])",
        "may not be waived",
    ),
    "waives nothing": ("gate/waivers.rego", 'finding.status == "fail"\n\tdata', "false\n\tdata", "make it `waived`"),
    "lets the one who alone signed ask": (
        "gate/separation.rego",
        "_signers == {input.actor}",
        "_signers == {null}",
        "follows from the request",
    ),
    "lets an unknown one ask": (
        "gate/separation.rego",
        "input.actor == null",
        'input.actor == ""',
        "follows from the request",
    ),
    "rests on a context that nobody signed": (
        "gate/decision.rego",
        'count(evidence.counted("system")) == 0',
        'count(evidence.counted("system")) < 0',
        "follows from the request",
    ),
    "names no context": ("gate/findings.rego", '_ids(["system"])', "[]", "rest on the context"),
    "lets a problem pass that denies": (
        "gate/decision.rego",
        '{"actor_unknown", "bytes_elsewhere", "separation_of_duties"}',
        "{1}",
        "verdict",
    ),
    "keeps to itself who asked": ("gate/decision.rego", '_given("actor")', "null", "`actor` is not"),
}


@pytest.fixture(scope="session")
def asked_of_liars(embedded: EmbeddedEngine) -> list[Any]:
    """Inputs that fit the schema, and one where nothing but a problem denies, since everything that fails is waived."""
    profiles = sorted(embedded.catalog.profiles)
    controls = sorted(embedded.catalog.asked(profiles))
    fitting = [document for document in samples(profiles, controls) if _fits(document)]
    waived = next(document for document in fitting if _waives(document, controls))
    problem = {"code": "bytes_elsewhere", "detail": ""}
    denied = {**waived, "context": {"personal_data": False}, "problems": [problem]}
    assert {finding["status"] for finding in embedded.evaluate(denied).document["findings"]} <= NOT_FAILED
    return [denied, *fitting]


NOT_FAILED = {"pass", "warn", "waived", "not_applicable"}


def _waives(document: Any, controls: list[str]) -> bool:
    return any(waiver["predicate"]["controls"] == controls for waiver in document["evidence"].get("waiver", []))


def _fits(document: Any) -> bool:
    try:
        check_input(document)
    except UndecidedError:
        return False
    return True


@pytest.mark.parametrize("name", LIES)
def test_engine_that_lies_is_caught(policies: Path, tmp_path: Path, asked_of_liars: list[Any], name: str) -> None:
    file, honest, lie, said = LIES[name]
    lying = tmp_path / "policies"
    shutil.copytree(policies, lying)
    text = (lying / file).read_text("utf-8")
    assert text.count(honest) == 1
    (lying / file).write_text(text.replace(honest, lie), "utf-8")
    run_opa(["build", "-t", "wasm", "-e", "qaqpa/gate/decision", "-b", "policies", "-o", "b.tar.gz"], tmp_path)
    with tarfile.open(tmp_path / "b.tar.gz") as tar:
        wasm, data = (tar.extractfile(name).read() for name in ("/policy.wasm", "/data.json"))  # type: ignore[union-attr]  # both are files
    machine = Machine(Code(wasm), data)
    catalog = Catalog.of(json.loads(data))
    assert any(said in _objection(machine, catalog, document) for document in asked_of_liars)


def _objection(machine: Machine, catalog: Catalog, document: Any) -> str:
    answer = machine.evaluate(0, json.dumps(document).encode(), FUEL_PER_SECOND)[0]["result"]
    try:
        check_document(answer, document, catalog)
    except UndecidedError as error:
        return str(error)
    return ""


def test_failing_builtin_is_an_error_with_strict_errors_and_undefined_without(planted: Path) -> None:
    write(planted, gate=DENY_IF.format(condition='startswith(input.name, "a")'))
    assert both(planted, {"name": 5}) == ({"verdict": "allow"}, {"verdict": "allow"})
    (planted.parent / "input.json").write_text('{"name": 5}', "utf-8")
    with pytest.raises(PolicyError, match="operand 1 must be string"):
        run_opa(
            ["eval", "--strict-builtin-errors", "-b", "policies", "-i", "input.json", "data.qaqpa.gate.decision"],
            planted.parent,
        )


def test_input_of_another_type_never_reaches_an_engine(embedded: EmbeddedEngine) -> None:
    request = next(samples(sorted(embedded.catalog.profiles)))
    with pytest.raises(UndecidedError, match="subject/name"):
        check_input({**request, "subject": {**request["subject"], "name": 5}})


@pytest.mark.parametrize(
    ("violation", "applies"),
    [
        ("violation := false", "not_applicable_because := set()"),
        ("violation := true", "not_applicable_because := set()"),
        ("violation := input.nothing", "not_applicable_because := set()"),
        ("other := 1", "not_applicable_because := set()"),
        ("violation := {1, 2}", "not_applicable_because := set()"),
        ("violation := set()", "not_applicable_because := false"),
        ("violation := set()", 'not_applicable_because := {"domain"}'),
        ("violation := set()", "not_applicable_because := input.nothing"),
        ("violation contains input.context.domain", "not_applicable_because contains input.context.title"),
    ],
)
def test_odd_controls_give_the_same_on_both_engines(
    policies: Path, tmp_path: Path, violation: str, applies: str
) -> None:
    merged = tmp_path / "policies"
    own = tmp_path / "own"
    for name, text in {
        "controls/own/odd_01.rego": f"package qaqpa.controls.odd_01\n\n{violation}\n\n{applies}\n",
        "catalog/ODD-01/data.yaml": "evidence: [audit]\nthresholds: {}\n",
        "profiles/odd/data.yaml": "statutory: false\ncontrols: {ODD-01: {severity: deny}}\n",
    }.items():
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_text(text, "utf-8")
    shutil.copytree(policies, merged)
    _merge(own, merged)
    write_index(merged)
    build(merged, tmp_path / "compiled")
    engine = EmbeddedEngine.open(tmp_path / "compiled")
    inputs = list(samples(["odd"]))[::25]
    assert differing(merged, engine, inputs) == []
