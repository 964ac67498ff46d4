# SPDX-License-Identifier: Apache-2.0
"""The configuration: file, environment, names."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qaqpa import times
from qaqpa.config import DEFAULT_GATE, Config, Observe, fold, load_config, matches
from qaqpa.documents import DocumentError
from qaqpa.errors import UsageError
from qaqpa.gate import validate_config
from qaqpa.model import Settings, Stage, Strength
from qaqpa.policy.embedded import EmbeddedEngine

FULL = """\
version: 1
gates:
  - stage: production
    profiles: [article-baseline]
    models: [credit*]
    aliases: [live]
    mlflow_stages: [Production]
    names: ["prod.*"]
    minimum_strength: signed
  - stage: staging
    profiles: [article-baseline]
    mlflow_stages: [Staging]
engine: opa
opa: {url: "https://opa.example.org:8443", timeout_seconds: 0.5, token_file: secret/token, ca_file: /etc/ca.pem}
policy: own/policy
observe:
  - {models: ["legacy-*"], until: UNTIL}
thresholds:
  TRN-01: {max_age_days: 100}
artifact_roots: [models, /srv/models]
"""


def day(offset: int) -> str:
    return (times.now() + timedelta(days=offset)).date().isoformat()


def load(root: Path, text: str) -> Config:
    path = root / "qaqpa.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def test_without_a_file_the_defaults_are_in_force(here: Path) -> None:
    config = load_config()
    assert config == Config(sources=config.sources)
    assert config.gates == (DEFAULT_GATE,)
    assert (config.engine, config.opa.url, config.opa.timeout_seconds) == ("embedded", "http://127.0.0.1:8181", 2.0)
    assert config.sources == (
        ("configuration", "none", "default"),
        ("engine", "embedded", "default"),
        ("opa.url", "http://127.0.0.1:8181", "default"),
    )
    assert config.profiles_for(Stage.PRODUCTION) == ("article-baseline",)
    assert not list(here.iterdir())


def test_every_field_of_the_file_is_read(tmp_path: Path) -> None:
    config = load(tmp_path, FULL.replace("UNTIL", day(30)))
    production, staging = config.gates
    thresholds = {"TRN-01": {"max_age_days": 100}}
    assert (production.stage, production.label, production.profiles) == (
        Stage.PRODUCTION,
        "production",
        ("article-baseline",),
    )
    assert (production.models, production.aliases, production.names) == (("credit*",), ("live",), ("prod.*",))
    assert production.mlflow_stages == ("Production",)
    assert production.settings == Settings(Strength.SIGNED, thresholds)
    assert (staging.models, staging.aliases, staging.settings.minimum_strength) == (("*",), (), Strength.DECLARED)
    assert (config.engine, config.opa.url, config.opa.timeout_seconds) == ("opa", "https://opa.example.org:8443", 0.5)
    assert config.observe == (Observe(("legacy-*",), (times.now() + timedelta(days=30)).date()),)
    assert config.settings == Settings(thresholds=thresholds)
    assert config.path == tmp_path / "qaqpa.yaml"


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    config = load(tmp_path / "sub", FULL.replace("UNTIL", day(1)))
    base = (tmp_path / "sub").resolve()
    assert config.policy == base / "own/policy"
    assert config.artifact_roots == (base / "models", Path("/srv/models"))
    assert (config.opa.token_file, config.opa.ca_file) == (str(base / "secret/token"), "/etc/ca.pem")


def test_the_file_of_the_working_directory_is_found_and_a_named_one_wins(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(here, "version: 1\nengine: opa\n")
    assert load_config().engine == "opa"
    other = here / "other.yaml"
    other.write_text("version: 1\n", encoding="utf-8")
    monkeypatch.setenv("QAQPA_CONFIG", str(other))
    assert load_config().engine == "embedded"
    assert load_config().sources[0] == ("configuration", str(other), "QAQPA_CONFIG")
    assert load_config(here / "qaqpa.yaml").sources[0] == ("configuration", str(here / "qaqpa.yaml"), "--config")


@pytest.mark.usefixtures("here")
def test_a_named_file_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        load_config("none.yaml")
    monkeypatch.setenv("QAQPA_CONFIG", "gone.yaml")
    with pytest.raises(DocumentError, match=r"gone\.yaml.*cannot be read"):
        load_config()


def test_the_environment_wins_over_the_file_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QAQPA_ENGINE", "embedded")
    monkeypatch.setenv("QAQPA_OPA_URL", "http://127.0.0.1:1")
    config = load(tmp_path, FULL.replace("UNTIL", day(1)))
    assert (config.engine, config.opa.url, config.opa.timeout_seconds) == ("embedded", "http://127.0.0.1:1", 0.5)
    assert ("engine", "embedded", "QAQPA_ENGINE") in config.sources
    assert ("opa.url", "http://127.0.0.1:1", "QAQPA_OPA_URL") in config.sources
    monkeypatch.setenv("QAQPA_ENGINE", "")
    monkeypatch.delenv("QAQPA_OPA_URL")
    file = str(tmp_path / "qaqpa.yaml")
    config = load_config(file)
    assert ("engine", "opa", file) in config.sources
    assert ("opa.url", "https://opa.example.org:8443", file) in config.sources


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("QAQPA_CONFIG", ""),
        ("QAQPA_ENGINE", "wasm"),
        ("QAQPA_OPA_URL", "file:///x"),
        ("QAQPA_OPA_URL", "opa:8181"),
        ("QAQPA_OPA_URL", "http://"),
        ("QAQPA_OPA_URL", "http://opa:8181/v1/data"),
        ("QAQPA_OPA_URL", "http://opa:8181?x"),
        ("QAQPA_OPA_URL", "http://opa:8181\n"),
        ("QAQPA_OPA_URL", "http://me:hush@opa:8181"),
    ],
)
def test_a_variable_with_a_value_that_is_not_allowed_is_refused(
    here: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError) as caught:
        load_config()
    assert caught.value.where == variable
    assert "hush" not in str(caught.value)
    assert here


@pytest.mark.parametrize("form", ["dangling link", "directory", "pipe", "link to itself"])
def test_a_file_in_the_working_directory_that_cannot_be_read_is_not_passed_over(here: Path, form: str) -> None:
    path = here / "qaqpa.yaml"
    if form == "directory":
        path.mkdir()
    elif form == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("gone.yaml" if form == "dangling link" else "qaqpa.yaml")
    with pytest.raises(UsageError, match=r"qaqpa\.yaml"):
        load_config()


def test_a_working_directory_that_cannot_be_searched_is_not_one_without_a_file(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("qaqpa.config.os.lstat", refuse)
    with pytest.raises(UsageError, match="Permission denied"):
        load_config()
    assert here


def test_a_link_to_a_file_is_read(here: Path) -> None:
    (here / "real.yaml").write_text("version: 1\nengine: opa\n", encoding="utf-8")
    (here / "qaqpa.yaml").symlink_to("real.yaml")
    assert load_config().engine == "opa"


def test_a_file_named_yml_is_refused_and_not_passed_over(here: Path) -> None:
    (here / "qaqpa.yml").symlink_to("gone")
    with pytest.raises(UsageError, match=r"named qaqpa\.yml") as caught:
        load_config()
    assert caught.value.required == "qaqpa.yaml"
    load(here, "version: 1\nengine: opa\n")
    assert load_config().engine == "opa"


@pytest.mark.usefixtures("here")
def test_an_empty_name_of_the_file_is_refused() -> None:
    with pytest.raises(UsageError, match="empty"):
        load_config("")


@pytest.mark.parametrize(
    "alias",
    ["prod uction", " production", "@production", "a|b", "a,b", "a;b", "a/b", "a.b", "a\u00a0b", "a\u200bb", "a\n"],
)
def test_an_alias_that_no_alias_can_match_is_refused_at_its_place(tmp_path: Path, alias: str) -> None:
    text = f"version: 1\ngates:\n  - {{stage: production, profiles: [a], aliases: [ok, {json.dumps(alias)}]}}\n"
    with pytest.raises(DocumentError, match=r"qaqpa\.yaml:3:54: gates\.0\.aliases\.1: "):
        load(tmp_path, text)


@pytest.mark.parametrize(
    "alias", ["production", "*", "prod-*_2", "\u049b\u0430\u049b\u043f\u0430", "e\u0301", "\uff43"]
)
def test_an_alias_that_mlflow_takes_is_accepted(tmp_path: Path, alias: str) -> None:
    text = f"version: 1\ngates:\n  - {{stage: production, profiles: [a], aliases: [{json.dumps(alias)}]}}\n"
    assert load(tmp_path, text).gates[0].aliases == (alias,)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "1:1"),
        ("version: 2\n", "1:10"),
        ("engine: opa\n", "1:1"),
        ("version: 1\nengine: wasm\n", "2:9"),
        ("version: 1\nmode: observe\n", "2:7"),
        ("version: 1\nobserve: true\n", "2:10"),
        ("version: 1\nobserve:\n  - models: ['*']\n", "3:5"),
        ("version: 1\nobserve:\n  - {models: [a], until: 2026-02-30}\n", "3:26"),
        ("version: 1\nobserve:\n  - {models: [a], until: never}\n", "3:26"),
        ("version: 1\ngates: []\n", "2:8"),
        ("version: 1\ngates:\n  - {stage: review, profiles: [a], aliases: [b]}\n", "3:13"),
        ("version: 1\ngates:\n  - {stage: production, profiles: [a]}\n", "3:5"),
        ("version: 1\ngates:\n  - {stage: production, profiles: [], aliases: [b]}\n", "3:35"),
        ("version: 1\nopa: {url: 127.0.0.1:8181}\n", "2:12"),
        ("version: 1\nopa: {url: 'https://me:secret@opa.example.org'}\n", "2:12"),
        ("version: 1\nopa: {url: 'https://opa.example.org '}\n", "2:12"),
        ("version: 1\nopa: {timeout_seconds: 0}\n", "2:24"),
        ("version: 1\nthresholds: {TRN-01: {max_age_days: '9'}}\n", "2:37"),
        ("version: 1\nversion: 1\n", "2:1"),
    ],
)
def test_a_broken_file_is_refused_with_line_and_column(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(DocumentError) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'qaqpa.yaml'}:{place}: ")


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
