# SPDX-License-Identifier: Apache-2.0
"""What is left out of sound evidence weighs in the profiles of statutes as much as a wrong answer would."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from qaqpa import times
from qaqpa.evidence.directory import read_directory
from qaqpa.gate import decide, request_about
from qaqpa.model import Settings, Stage
from qaqpa.policy.embedded import EmbeddedEngine

MENDED = Path(__file__).parents[2] / "examples" / "credit-scoring" / "mended"
KZ, GDPR, EU = "kz", "gdpr", "eu-ai-act-high-risk"

Weights: TypeAlias = dict[tuple[str, str], tuple[str, str]]
Changes: TypeAlias = dict[str, dict[str, Any]]


@pytest.fixture
def weighed(tmp_path: Path, engine: EmbeddedEngine) -> Callable[..., Weights]:
    """Basis and severity of every violation in one profile, after some fields were changed, or left out with `None`."""

    def weigh(profile: str, changes: Changes) -> Weights:
        place = tmp_path / "example"
        shutil.copytree(MENDED, place, dirs_exist_ok=True)
        for name, fields in changes.items():
            path = place / name
            whole = {**yaml.safe_load(path.read_text(encoding="utf-8")), **fields}
            left = {field: value for field, value in whole.items() if value is not None}
            path.write_text(yaml.safe_dump(left, allow_unicode=True), encoding="utf-8")
        directory = read_directory(place)
        assert directory.problems == []
        request = request_about(
            directory.subject,
            directory.carried,
            stage=Stage.REVIEW,
            profiles=[profile],
            settings=Settings(),
            now=times.parse("2026-11-23"),
            problems=directory.problems,
            as_of=True,
        )
        return {
            (finding["control"], violation["code"]): (asked["basis"], asked["severity"])
            for finding in decide(request, engine).findings
            for violation in finding["violations"]
            for asked in violation["asked_by"]
        }

    return weigh


DENIED = [
    (KZ, "evidence/special_data.yaml", {"categories": []}, ("DPB-02", "categories_missing")),
    (GDPR, "evidence/special_data.yaml", {"categories": []}, ("DPB-02", "categories_missing")),
    (KZ, "evidence/legal_basis.yaml", {"bases": []}, ("DPB-01", "no_basis")),
    (GDPR, "evidence/legal_basis.yaml", {"bases": []}, ("DPB-01", "no_basis")),
    (GDPR, "evidence/special_data.yaml", {"categories": [{"category": "health"}]}, ("DPB-02", "condition_missing")),
    (GDPR, "evidence/dpia.yaml", {"first_used_on": None}, ("IMP-01", "first_use_unknown")),
]


@pytest.mark.parametrize("places", [["KZ"], ["EU"], ["OTHER"], ["EU", "KZ"]], ids=" ".join)
@pytest.mark.parametrize(("profile", "path", "change", "found"), DENIED)
def test_it_denies_whatever_places_the_context_names(
    weighed: Callable[..., Weights],
    profile: str,
    path: str,
    change: dict[str, Any],
    found: tuple[str, str],
    places: list[str],
) -> None:
    context = {"context.yaml": {"jurisdictions": places}}
    assert found not in weighed(profile, context)
    assert weighed(profile, {**context, path: change})[found] == ("statutory", "deny")


def test_a_duty_that_begins_later_is_statutory_too(weighed: Callable[..., Weights]) -> None:
    found = weighed(EU, {"evidence/technical_documentation.yaml": {"retention_until": None}})
    assert found["DOC-02", "eu_retention_undated"] == ("statutory", "warn")


@pytest.mark.parametrize("places", [["KZ"], ["EU"], ["EU", "KZ"]], ids=" ".join)
def test_a_prohibited_class_is_denied_now(weighed: Callable[..., Weights], places: list[str]) -> None:
    found = weighed(EU, {"context.yaml": {"jurisdictions": places, "eu_class": "prohibited"}})
    assert found["PRO-02", "eu_class_prohibited"] == ("statutory", "deny")


def test_a_decision_without_a_basis_is_one_violation(weighed: Callable[..., Weights]) -> None:
    change = {"context.yaml": {"jurisdictions": ["KZ"]}, "evidence/legal_basis.yaml": {"bases": []}}
    for profile in (GDPR, KZ):
        assert [code for control, code in weighed(profile, change) if control == "DPB-01"] == ["no_basis"]
