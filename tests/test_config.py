# SPDX-License-Identifier: Apache-2.0
"""The configuration: file, environment, names."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa import times
from qaqpa.config import DEFAULT_GATE, Config, Hashing, Observe, load_config
from qaqpa.documents import DocumentError
from qaqpa.errors import UsageError
from qaqpa.model import Settings, Stage, Strength
from support.configurations import FULL, day, load


def test_without_a_file_the_defaults_are_in_force(here: Path) -> None:
    config, state = load_config(), Path(os.environ["XDG_STATE_HOME"]) / "qaqpa"
    assert config == Config(sources=config.sources, log=config.log)
    assert config.gates == (DEFAULT_GATE,)
    assert (config.engine, config.opa.url, config.opa.timeout_seconds) == ("embedded", "http://127.0.0.1:8181", 2.0)
    assert config.sources == (
        ("configuration", "none", "default"),
        ("engine", "embedded", "default"),
        ("opa.url", "http://127.0.0.1:8181", "default"),
        ("logging", "text", "default"),
        ("parties", "none: nobody's signature counts", "default"),
        ("log", f"sqlite:///{state}/decisions.db", "default"),
        ("log.key", f"{state}/decisions.db.key", "default"),
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


def test_the_limits_of_hashing_are_read(tmp_path: Path) -> None:
    config = load(tmp_path, "version: 1\nhashing: {in_request_mib: 0, most_gib: 5}\n")
    assert config.hashing == Hashing(in_request_mib=0, most_gib=5, most_files=20_000)
    assert config.hashing.in_request == 0
    assert Config().hashing.in_request == 256 * 1024 * 1024
    assert ("hashing", "in_request_mib 0, most_gib 5", str(tmp_path / "qaqpa.yaml")) in config.sources


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

    monkeypatch.setattr("qaqpa.config.load.os.lstat", refuse)
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
        ("version: 1\nhashing: {in_request_mib: -1}\n", "2:27"),
        ("version: 1\nhashing: {most_gib: 0}\n", "2:21"),
        ("version: 1\nhashing: {most_files: 1.5}\n", "2:23"),
        ("version: 1\nversion: 1\n", "2:1"),
    ],
)
def test_a_broken_file_is_refused_with_line_and_column(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(DocumentError) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'qaqpa.yaml'}:{place}: ")


@pytest.mark.parametrize("days", [1, 30])
def test_an_override_is_reviewed_within_days(tmp_path: Path, days: int) -> None:
    assert load(tmp_path, "version: 1\n").override.review_days == 7
    config = load(tmp_path, f"version: 1\noverride: {{review_days: {days}}}\n")
    assert config.override.review_days == days
    assert ("override", f"review_days {days}", str(config.path)) in config.sources


@pytest.mark.parametrize("value", ["{review_days: 0}", "{review_days: 31}", "{review_days: 7.5}", "{days: 7}", "none"])
def test_how_long_a_review_may_take_is_bounded(tmp_path: Path, value: str) -> None:
    with pytest.raises(DocumentError, match="override"):
        load(tmp_path, f"version: 1\noverride: {value}\n")
