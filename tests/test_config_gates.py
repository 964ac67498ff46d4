# SPDX-License-Identifier: Apache-2.0
"""The configuration: what it gates, by which names, how strictly and since when."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qaqpa import times
from qaqpa.config import DEFAULT_GATE, Config, fold, matches
from qaqpa.documents import DocumentError
from qaqpa.errors import UsageError
from qaqpa.model import Settings, Stage, Strength
from qaqpa.policy.configured import validate_config
from qaqpa.policy.embedded import EmbeddedEngine
from support.configurations import FULL, day, load


@pytest.mark.parametrize(
    ("name", "pattern", "matched"),
    [
        ("credit", "credit", True),
        ("credit", "*", True),
        ("", "*", True),
        ("credit-2", "credit*", True),
        ("my-credit", "credit*", False),
        ("a.b.c", "a.*.c", True),
        ("a\nb", "a*b", True),
        ("Credit", "cREDIT", True),
        ("STRASSE", "straße", True),
        ("\uff43\uff52\uff45\uff44\uff49\uff54", "credit", True),
        ("credit", "\uff43\uff52\uff45\uff44\uff49\uff54", True),
        ("\ufb01n", "fin", True),
        ("e\u0301", "\u00e9", True),
        ("\u0130", "i\u0307", True),
        ("a?c", "a?c", True),
        ("abc", "a?c", False),
        ("a[b]", "a[b]", True),
        ("ab", "a[b]", False),
        ("a[!b]", "a[!b]", True),
        ("ac", "a[!b]", False),
        ("a[", "a[", True),
        ("a[x]*", "a[x]*", True),
        ("a\uff3bx\uff3d", "a[x]", True),
        ("ab", "a\uff1f", False),
        ("credit ", "credit", True),
        ("production\n", "production", True),
        ("\u2003credit\t", "credit", True),
        ("credit", " credit ", True),
        ("cre dit", "credit", False),
    ],
)
def test_names_are_compared_folded_and_only_the_star_is_special(name: str, pattern: str, *, matched: bool) -> None:
    assert matches(name, [pattern]) == matched
    assert matches(name, ["nothing", pattern]) == matched
    assert not matches(name, [])


@given(st.text(max_size=20))
@example("[!a]?")
@example("\u1e9e")
def test_every_name_matches_itself_in_any_case_and_width(name: str) -> None:
    literal = name.replace("*", "x")
    assert fold(fold(literal)) == fold(literal)
    assert matches(literal, [literal])
    assert matches(literal, [fold(literal)]) or "*" in fold(literal)
    assert matches(f"{literal}suffix", [f"{literal}*"])


def test_what_stands_for_a_stage_is_found_by_alias_mlflow_stage_and_name(tmp_path: Path) -> None:
    config = load(tmp_path, FULL.replace("UNTIL", day(1)))
    production, staging = config.gates
    assert config.gates_for_alias("credit-2", "LIVE") == [production]
    assert config.gates_for_alias("other", "live") == []
    assert config.gates_for_alias("credit-2", "champion") == []
    assert config.gates_for_stage("CREDIT", "production") == [production]
    assert config.gates_for_stage("other", "Production") == []
    assert config.gates_for_stage("other", "Staging") == [staging]
    assert config.gates_for_stage("other", "Archived") == []
    assert config.gates_for_name("Prod.Credit") == [production]
    assert config.gates_for_name("credit") == []


def test_a_stage_takes_the_profiles_and_the_strictest_demand_of_its_gates(tmp_path: Path) -> None:
    gates = "".join(
        f"  - {{stage: {stage}, profiles: [{profiles}], aliases: [a], minimum_strength: {strength}}}\n"
        for stage, profiles, strength in [
            ("production", "a, b", "signed"),
            ("production", "b, c", "declared"),
            ("staging", "d", "independent"),
        ]
    )
    config = load(tmp_path, f"version: 1\ngates:\n{gates}")
    assert config.profiles_for(Stage.PRODUCTION) == ("a", "b", "c")
    assert config.profiles_for(Stage.STAGING) == ("d",)
    assert config.profiles_for(Stage.REVIEW) == ("a", "b", "c", "d")
    assert config.settings_for(Stage.PRODUCTION).minimum_strength is Strength.SIGNED
    assert config.settings_for(Stage.STAGING).minimum_strength is Strength.INDEPENDENT
    assert config.settings_for(Stage.REVIEW).minimum_strength is Strength.DECLARED


def test_a_stage_without_a_gate_of_its_own_takes_the_strictest_demand_of_all_gates(tmp_path: Path) -> None:
    gates = "".join(
        f"  - {{stage: staging, profiles: [a], aliases: [a], minimum_strength: {strength}}}\n"
        for strength in ("signed", "independent", "declared")
    )
    config = load(tmp_path, f"version: 1\ngates:\n{gates}thresholds: {{TRN-01: {{max_age_days: 9}}}}\n")
    assert config.settings_for(Stage.PRODUCTION) == Settings(Strength.INDEPENDENT, {"TRN-01": {"max_age_days": 9}})
    assert config.settings_for(Stage.REVIEW).minimum_strength is Strength.DECLARED


def test_observe_is_in_force_up_to_and_with_its_day_for_its_models(tmp_path: Path) -> None:
    config = load(tmp_path, FULL.replace("UNTIL", day(90)))
    last = config.observe[0].until
    at = datetime(last.year, last.month, last.day, 23, 59, 59, tzinfo=timezone.utc)
    assert config.observed("Legacy-1", at) is config.observe[0]
    assert config.observed("legacy-1", at - timedelta(days=90)) is config.observe[0]
    assert config.observed("legacy-1", at + timedelta(seconds=1)) is None
    assert config.observed("legacy-1", at - timedelta(days=91)) is None, "the clock was turned back"
    assert config.observed("credit", at) is None


def test_observe_that_ended_is_read_and_enforces(tmp_path: Path) -> None:
    config = load(tmp_path, FULL.replace("UNTIL", day(-1)))
    assert config.observed("legacy-1", times.now()) is None


def test_observe_too_far_away_is_refused_at_its_place(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="too far away") as caught:
        load(tmp_path, FULL.replace("UNTIL", day(91)))
    assert caught.value.where == f"{tmp_path / 'qaqpa.yaml'}:17:35"


def test_thresholds_hold_for_the_default_gate_too(tmp_path: Path) -> None:
    config = load(tmp_path, "version: 1\nthresholds: {TRN-01: {max_age_days: 100}}\n")
    for settings in (config.gates[0].settings, config.settings_for(Stage.PRODUCTION), config.settings):
        assert settings.thresholds == {"TRN-01": {"max_age_days": 100}}
    assert config.gates[0].aliases == DEFAULT_GATE.aliases


@pytest.mark.parametrize(
    ("thresholds", "found"),
    [
        ("{DPB-01: {kz_withdrawal_working_days: 16}}", "is law, and 16 is looser"),
        ("{DPB-01: {kz_withdrawal_working_days: 15.5}}", "is law, and 15.5 is looser"),
        ("{XYZ-01: {max_age_days: 1}}", "no control 'XYZ-01'"),
        ("{TRN-01: {min_age_days: 1}}", "TRN-01.min_age_days does not exist"),
        ("{HOV-01: {max_age_days: 1}}", "HOV-01.max_age_days does not exist"),
        ("{NDQ-02: {ratio_min_percent: -1}}", "NDQ-02.ratio_min_percent: -1 "),
        ("{DPB-01: {kz_withdrawal_working_days: -1}}", "DPB-01.kz_withdrawal_working_days: -1 "),
        ("{NDQ-02: {ratio_min_percent: 79.5}}", "NDQ-02.ratio_min_percent: 79.5 "),
        ("{DPB-01: {kz_withdrawal_working_days: 14.5}}", "DPB-01.kz_withdrawal_working_days: 14.5 "),
        ("{TRN-01: {max_age_days: 1000001}}", "TRN-01.max_age_days: 1000001 "),
        ("{TRN-02: {fidelity_min: -0.1}}", "TRN-02.fidelity_min: -0.1 "),
    ],
)
def test_a_threshold_that_is_law_or_none_is_refused(
    tmp_path: Path, engine: EmbeddedEngine, thresholds: str, found: str
) -> None:
    config = load(tmp_path, f"version: 1\nthresholds: {thresholds}\n")
    with pytest.raises(UsageError, match=found) as caught:
        validate_config(config, engine.catalog)
    assert caught.value.where == str(tmp_path / "qaqpa.yaml")


@pytest.mark.parametrize(
    "thresholds",
    [
        "{DPB-01: {kz_withdrawal_working_days: 15}}",
        "{DPB-01: {kz_withdrawal_working_days: 1}}",
        "{TRN-01: {max_age_days: 9999}, NDQ-02: {ratio_min_percent: 1}}",
        "{TRN-01: {max_age_days: 1000000}, NDQ-02: {ratio_min_percent: 0, min_group_n: 10.0}}",
        "{TRN-02: {fidelity_min: 0.95}}",
    ],
)
def test_a_threshold_may_be_tightened_and_our_defaults_loosened(
    tmp_path: Path, engine: EmbeddedEngine, thresholds: str
) -> None:
    validate_config(load(tmp_path, f"version: 1\nthresholds: {thresholds}\n"), engine.catalog)


def test_a_profile_must_exist(tmp_path: Path, engine: EmbeddedEngine) -> None:
    text = "version: 1\ngates:\n  - {stage: production, profiles: [kzz], aliases: [a]}\n"
    with pytest.raises(UsageError, match="no profile 'kzz'") as caught:
        validate_config(load(tmp_path, text), engine.catalog)
    assert "article-baseline" in caught.value.required
    validate_config(Config(), engine.catalog)
