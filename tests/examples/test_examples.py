# SPDX-License-Identifier: Apache-2.0
"""All examples: they are what the generator writes, and the gate says what `expected.json`, written by hand, says."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import make
from drafts import systems
from qaqpa import times
from qaqpa.cli.fetching import without_unsound
from qaqpa.cli.main import main
from qaqpa.config import load_config
from qaqpa.documents import parse_yaml
from qaqpa.evidence.directory import read_directory
from qaqpa.evidence.trust import Trust
from qaqpa.gate import decide, request_about
from qaqpa.model import Decision, Request, Settings, Stage
from qaqpa.policy.embedded import EmbeddedEngine

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
ALL = [
    "court-support",
    "credit-scoring",
    "egov-service",
    "forensic-examination",
    "law-enforcement",
    "medical-diagnosis",
    "recruitment",
    "social-payments",
]
VARIANTS = ("failing", "mended")
EXIT = {"allow": 0, "deny": 3, "undecided": 4}

ARTICLE, KZ, EU = ("article-baseline",), ("kz",), ("gdpr", "eu-ai-act-high-risk")
ALONE = {("HOV-01", "fully_automated"), ("HOV-01", "human_step_not_enforced")}
REASONS: dict[tuple[str, tuple[str, ...]], set[tuple[str, str]]] = {
    ("court-support", ARTICLE): {("HOV-01", "auto_finalisation_possible")},
    ("court-support", KZ): {("HOV-01", "auto_finalisation_possible")},
    ("egov-service", ARTICLE): ALONE,
    ("egov-service", KZ): {("NOT-01", "kz_state_languages_lacking"), ("HOV-01", "human_step_not_enforced")},
    ("forensic-examination", ARTICLE): {("SRS-02", "expert_baseline_missing")},
    ("forensic-examination", KZ): {("SRS-02", "expert_baseline_missing")},
    ("law-enforcement", ARTICLE): set(),
    ("law-enforcement", KZ): {("PRO-01", "exception_without_law")},
    ("medical-diagnosis", ARTICLE): {("SRS-02", "metric_below_minimum")},
    ("medical-diagnosis", KZ): {("SRS-02", "metric_below_minimum")},
    ("medical-diagnosis", EU): {("SRS-02", "metric_below_minimum")},
    ("recruitment", ARTICLE): {("AUD-01", "validity_ended"), ("AUD-02", "discipline_missing")},
    ("recruitment", KZ): {("AUD-01", "validity_ended")},
    ("recruitment", EU): {("SRS-04", "eu_serious_incident_notice_slow")},
    ("social-payments", ARTICLE): ALONE,
    ("social-payments", KZ): {("HOV-01", "human_step_not_enforced")},
}
"""What the gate finds in the failing variant and not in the mended one: control and code, by system and profiles."""


def expected(system: str, variant: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / system / variant / "expected.json").read_bytes())
    return found


def cases() -> Iterator[Any]:
    """Every case of every example in the format with `cases`."""
    for system in ALL:
        for variant in VARIANTS:
            whole = expected(system, variant)
            for case in whole.get("cases", []):
                named = f"{system}-{variant}-{'+'.join(case['profiles'])}"
                yield pytest.param(system, variant, {**whole, **case}, id=named)


def asked(system: str, variant: str, case: dict[str, Any]) -> Request:
    config = load_config(EXAMPLES / system / case["config"]) if "config" in case else None
    directory = read_directory(EXAMPLES / system / variant)
    return request_about(
        directory.subject,
        directory.carried,
        stage=Stage(case["stage"]),
        profiles=case["profiles"],
        settings=Settings(),
        now=times.parse(case["as_of"]),
        problems=directory.problems,
        trust=Trust(config.parties) if config and config.parties else None,
        as_of=True,
    )


def decided(system: str, variant: str, case: dict[str, Any], engine: EmbeddedEngine) -> Decision:
    return decide(asked(system, variant, case), engine)


def codes(decision: Decision) -> set[tuple[str, str]]:
    return {(finding["control"], found["code"]) for finding in decision.findings for found in finding["violations"]}


def denied(decision: Decision) -> set[tuple[str, str]]:
    """The controls that fail, with what of them denies."""
    return {
        (finding["control"], found["code"])
        for finding in decision.findings
        if finding["status"] == "fail"
        for found in finding["violations"]
        if found["level"] == "deny"
    }


def case_of(system: str, variant: str, profiles: tuple[str, ...]) -> dict[str, Any]:
    whole = expected(system, variant)
    case = next(case for case in whole["cases"] if tuple(case["profiles"]) == profiles)
    return {**whole, **case}


def test_every_example_is_there() -> None:
    assert sorted({path.parents[1].name for path in EXAMPLES.glob("*/*/context.yaml")}) == ALL
    for system in ALL:
        for path in (
            "README.md",
            *(f"{variant}/{name}" for variant in VARIANTS for name in ("context.yaml", "evidence")),
        ):
            assert (EXAMPLES / system / path).exists(), f"{system}/{path}"


@pytest.mark.parametrize("system", systems())
def test_what_is_checked_in_is_what_the_generator_writes(system: str) -> None:
    base = EXAMPLES / system
    made = make.files(system)
    there = {
        str(path.relative_to(base)): path.read_bytes()
        for path in base.rglob("*")
        if path.is_file() and path.name not in make.BY_HAND
    }
    again = f"python tools/examples/make.py examples {system}"
    assert sorted(there) == sorted(made), again
    assert [path for path, data in made.items() if there[path] != data] == [], again


@pytest.mark.parametrize("system", systems())
def test_writing_again_leaves_nothing_behind_and_keeps_what_is_written_by_hand(system: str, tmp_path: Path) -> None:
    (tmp_path / "failing").mkdir()
    (tmp_path / "failing" / "old.yaml").write_text("old", encoding="utf-8")
    (tmp_path / "README.md").write_text("by hand", encoding="utf-8")
    make.write(tmp_path, system)
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {*make.files(system), "README.md"}


@pytest.mark.parametrize(("system", "variant", "case"), list(cases()))
def test_the_gate_says_what_is_expected(
    system: str, variant: str, case: dict[str, Any], engine: EmbeddedEngine
) -> None:
    decision = decided(system, variant, case, engine)
    assert {finding["control"]: finding["status"] for finding in decision.findings} == case["controls"]
    assert decision.verdict.value == case["verdict"]
    assert decision.document["problems"] == []


@pytest.mark.parametrize(("system", "profiles"), REASONS)
def test_a_failing_variant_fails_for_its_reason_only(
    system: str, profiles: tuple[str, ...], engine: EmbeddedEngine
) -> None:
    failing, mended = (decided(system, variant, case_of(system, variant, profiles), engine) for variant in VARIANTS)
    reasons = REASONS[system, profiles]
    assert codes(failing) - codes(mended) == reasons
    assert codes(mended) <= codes(failing)
    assert denied(failing) <= reasons
    assert denied(mended) == set()
    assert (failing.verdict.value == "deny") == bool(denied(failing))


@pytest.mark.parametrize("system", ALL)
@pytest.mark.parametrize("variant", VARIANTS)
def test_documents_are_there_and_have_the_hashes_that_evidence_names(system: str, variant: str) -> None:
    request = asked(system, variant, case_of(system, variant, ARTICLE))
    sound = without_unsound(request, EXAMPLES / system / variant)
    assert sound.evidence == tuple(request.evidence)
    assert sound.rejected == []
    named = [found for fact in request.evidence for found in documents(fact.predicate)]
    assert len(named) > 30
    for document in named:
        data = (EXAMPLES / system / variant / document["uri"].partition("#")[0]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == document["sha256"]


def documents(value: Any) -> Iterator[dict[str, str]]:
    if isinstance(value, dict) and set(value) == {"uri", "sha256"}:
        yield value
    elif isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from documents(child)


def test_around_the_day_of_a_duty_only_the_control_differs_that_asks_for_it(engine: EmbeddedEngine) -> None:
    case = case_of("recruitment", "failing", EU)
    before, after = (
        decided("recruitment", "failing", {**case, "as_of": day}, engine) for day in ("2027-12-01", "2027-12-03")
    )
    statuses = [
        {finding["control"]: finding["status"] for finding in decision.findings} for decision in (before, after)
    ]
    assert (before.verdict.value, after.verdict.value) == ("allow", "deny")
    assert [statuses[0]["SRS-04"], statuses[1]["SRS-04"]] == ["warn", "fail"]
    assert {**statuses[0], "SRS-04": "fail"} == statuses[1]


def test_each_case_has_its_reason() -> None:
    found = {(system, tuple(case["profiles"])) for system in systems() for case in expected(system, "failing")["cases"]}
    assert found == set(REASONS)


@pytest.mark.parametrize("system", systems())
def test_all_attributes_count_the_same_persons(system: str) -> None:
    files = make.files(system)
    for variant in VARIANTS:
        groups = parse_yaml(files[f"{variant}/evidence/bias.yaml"].decode(), variant).value["groups"]
        totals = {
            attribute: tuple(
                sum(group[name] for group in groups if group["attribute"] == attribute)
                for name in ("n", "selected", "positives", "false_negatives", "negatives", "false_positives")
            )
            for attribute in {group["attribute"] for group in groups}
        }
        assert len(set(totals.values())) <= 1, totals


def commands() -> Iterator[Any]:
    """Every command of every README that checks an example."""
    for readme in (EXAMPLES / "README.md", *(EXAMPLES / system / "README.md" for system in systems())):
        for line in readme.read_text(encoding="utf-8").splitlines():
            if line.startswith("$ qaqpa check "):
                yield pytest.param(line.removeprefix("$ qaqpa "), id=f"{readme.parent.name}: {line}")


@pytest.mark.parametrize("command", list(commands()))
def test_commands_in_the_texts_end_as_expected(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    arguments = shlex.split(command)
    system, variant = Path(arguments[1]).parts[1:]
    profiles = tuple(value for name, value in pairwise(arguments) if name == "--profile")
    whole = expected(system, variant)
    case = case_of(system, variant, profiles or ARTICLE) if "cases" in whole else whole
    assert case["as_of"] in arguments
    assert ("config" in case) == ("--config" in arguments)
    assert main(arguments) == EXIT[case["verdict"]]


@pytest.mark.parametrize("system", systems())
def test_every_case_stands_in_the_text(system: str) -> None:
    text = (EXAMPLES / system / "README.md").read_text(encoding="utf-8")
    for variant in VARIANTS:
        for case in expected(system, variant)["cases"]:
            profiles = "".join(f" --profile {profile}" for profile in case["profiles"] if profile != ARTICLE[0])
            config = f" --config examples/{system}/{case['config']}" if "config" in case else ""
            line = f"$ qaqpa check examples/{system}/{variant}{config}{profiles} --as-of 2026-11-23"
            assert line in text.splitlines()
