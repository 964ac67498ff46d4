# SPDX-License-Identifier: Apache-2.0
"""An engine that leaves something out, or makes it up, is caught by the check of its answer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from qaqpa.errors import UndecidedError
from qaqpa.gate import input_document
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.check import check_document
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.machine import FUEL_PER_SECOND, Code, Machine
from qaqpa.policy.samples import samples
from support.engine import fits
from support.opa import compiled
from support.statements import everything, request

pytestmark = pytest.mark.opa

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
        "is lacking",
    ),
    "takes what counts against only": (
        "lib/evidence.rego",
        "kind, [])\n\titem.against_only == false\n\t_rank[item.strength] >= least",
        "kind, [])\n\t_rank[item.strength] >= least",
        "is lacking",
    ),
    "does not hear who was refused": (
        "lib/evidence.rego",
        "_rank[item.strength] > 0",
        "_rank[item.strength] > 5",
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
        "_for_this_stage(item.predicate.stage)",
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
        "some signer in _signers} == {fields.folded(input.actor)}",
        'some signer in _signers} == {""}',
        "follows from the request",
    ),
    "lets the one who alone signed ask in capitals": (
        "gate/separation.rego",
        "{fields.folded(signer) | some signer in _signers} == {fields.folded(input.actor)}",
        "_signers == {input.actor}",
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
    "names no context": (
        "gate/findings.rego",
        'sort([item.id | some item in evidence.counted("system")])',
        "[]",
        "rest on the context",
    ),
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
    """Inputs that fit the schema, and one where nothing but a problem denies, since all evidence passes."""
    profiles = sorted(embedded.catalog.profiles)
    controls = sorted(embedded.catalog.asked(profiles))
    fitting = [document for document in samples(profiles, controls) if fits(document)]
    problem = {"code": "bytes_elsewhere", "detail": ""}
    denied = {**input_document(request(everything())), "problems": [problem]}
    assert "fail" not in {finding["status"] for finding in embedded.evaluate(denied).document["findings"]}
    # Three in which much is missing, then the last first: those are about waivers, the stage and who asks.
    return [denied, *fitting[:3], *reversed(fitting[3:])]


@pytest.mark.parametrize("name", LIES)
def test_engine_that_lies_is_caught(policies: Path, tmp_path: Path, asked_of_liars: list[Any], name: str) -> None:
    file, honest, lie, said = LIES[name]
    lying = tmp_path / "policies"
    shutil.copytree(policies, lying)
    text = (lying / file).read_text("utf-8")
    assert text.count(honest) == 1
    (lying / file).write_text(text.replace(honest, lie), "utf-8")
    wasm, data = compiled(lying)
    machine = Machine(Code(wasm, once=True), data)
    catalog = Catalog.of(json.loads(data))
    assert any(said in _objection(machine, catalog, document) for document in asked_of_liars)


def _objection(machine: Machine, catalog: Catalog, document: Any) -> str:
    answer = machine.evaluate(0, json.dumps(document).encode(), FUEL_PER_SECOND)[0]["result"]
    try:
        check_document(answer, document, catalog)
    except UndecidedError as error:
        return str(error)
    return ""
