# SPDX-License-Identifier: Apache-2.0
"""What the rules make of each violation code, as pages about controls tell it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qaqpa.policy.bundle import load_bundle
from qaqpa.policy.codes import Codes, codes_of
from qaqpa.policy.compile import levels_of
from qaqpa.policy.opa import run_opa
from qaqpa.resources import POLICIES
from support.opa import require_opa

pytestmark = pytest.mark.opa

HEAD = """\
package qaqpa.controls.acme_01

import data.qaqpa.violation as violations

not_applicable_because := set()

"""


def codes(tmp_path: Path, body: str) -> Codes:
    require_opa()
    path = tmp_path / "acme_01.rego"
    path.write_text(HEAD + body, encoding="utf-8")
    return codes_of(json.loads(run_opa(["parse", "--format", "json", str(path)], tmp_path)))


@pytest.mark.parametrize("maker", ["deny", "warn", "by_risk"])
def test_the_maker_says_the_level(tmp_path: Path, maker: str) -> None:
    body = f'violation contains violations.{maker}("bad", fact, "", "", "") if some fact in input.x\n'
    assert codes(tmp_path, body).levels == {"bad": frozenset({maker})}


def test_a_helper_passes_its_levels_to_the_codes_that_are_handed_to_it(tmp_path: Path) -> None:
    body = (
        'violation contains _helped("bad", fact) if some fact in input.x\n\n'
        'violation contains _helped("worse", fact) if some fact in input.y\n\n'
        '_helped(code, fact) := violations.deny(code, fact, "", "", "") if {\n\tfact.strict\n'
        '} else := violations.warn(code, fact, "", "", "")\n'
    )
    both = frozenset({"deny", "warn"})
    assert codes(tmp_path, body).levels == {"bad": both, "worse": both}


def test_a_violation_that_is_written_out_has_the_level_it_says(tmp_path: Path) -> None:
    body = (
        'violation contains {"code": "bad", "level": "warn"} if some fact in input.x\n\n'
        'violation contains {"code": "worse", "level": fact.level} if some fact in input.x\n'
    )
    found = codes(tmp_path, body)
    assert found.levels == {"bad": frozenset({"warn"}), "worse": frozenset({"deny"})}
    assert found.certain == {"bad", "worse"}


def test_the_levels_of_the_shipped_controls_are_in_the_bundle() -> None:
    require_opa()
    levels = levels_of(POLICIES)
    bundle = load_bundle()
    assert bundle.catalog.levels == levels
    assert set(levels) == set(bundle.catalog.controls)
    assert levels["HOV-01"]["diagram_missing"] == ["warn"]
    for control, found in levels.items():
        assert found.keys() <= bundle.catalog.controls[control]["texts"]["en"]["violations"].keys()
        assert all(set(made) <= {"deny", "warn", "by_risk"} and made != ["deny"] for made in found.values())
