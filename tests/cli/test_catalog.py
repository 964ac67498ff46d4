# SPDX-License-Identifier: Apache-2.0
"""`qaqpa controls`, `qaqpa profiles` and `qaqpa law`."""

from __future__ import annotations

from pathlib import Path

import pytest

from qaqpa.cli.main import main
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report.forms import day
from support.catalogs import small_bundle

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _small(here: Path) -> None:
    small_bundle(here / "small")
    (here / "small.yaml").write_text("version: 1\npolicy: small\n", encoding="utf-8")


def said(capsys: Capture, *arguments: str) -> str:
    assert main([*arguments, "--config", "small.yaml"]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_controls_are_listed_with_family_and_the_profiles_that_ask(capsys: Capture) -> None:
    out = said(capsys, "controls")
    assert out.startswith("Transparency and explainability AAA-01 title in en base: direct · soft: our own default;")
    assert "state: statutory; denies from 18 January 2026 own BBB-01 " in out
    assert "soft: our own default; only warns" in out


def test_controls_of_one_profile(capsys: Capture) -> None:
    out = said(capsys, "controls", "--profile", "state", "--lang", "ru")
    assert out.startswith("Прозрачность и объяснимость AAA-01 title in ru state: этого требует норма; с 18 января")
    assert "BBB-01" not in out
    assert "base" not in out


@pytest.mark.parametrize("arguments", [["controls", "--profile", "none"], ["profiles", "none"]])
def test_a_profile_that_does_not_exist_exits_with_2(capsys: Capture, arguments: list[str]) -> None:
    assert main([*arguments, "--config", "small.yaml"]) == 2
    assert "There is no profile 'none'" in (err := capsys.readouterr().err)
    assert "one of base, soft, state" in err


def test_profiles_are_listed_with_how_many_controls_and_which_acts(capsys: Capture) -> None:
    out = said(capsys, "profiles", "--lang", "kk")
    assert out == (
        "ID Атауы Талаптар Актілер base title in kk 1 act-b soft title in soft 2 state title in state 1 act-a"
    )


def test_a_profile_is_shown_as_explain_shows_it(capsys: Capture) -> None:
    shown = said(capsys, "profiles", "base", "--lang", "ru")
    assert shown == said(capsys, "explain", "base", "--lang", "ru")
    assert "AAA-01: title in ru прямо сказано; ведёт к отказу только предупреждает, если" in shown


def test_acts_are_listed_with_whose_they_are_since_when_and_how_many_provisions(capsys: Capture) -> None:
    out = said(capsys, "law")
    assert out.startswith("ID The act Jurisdiction In force Provisions act-a short in act en KZ in force from")
    assert "act-b b INT its first day is not recorded 1" in out


def test_an_act_is_shown_with_its_provisions_and_who_rests_on_them(capsys: Capture) -> None:
    out = said(capsys, "law", "act-a", "--lang", "ru")
    assert out.startswith("act-a short in act ru Акт title in act ru KZ; номер 7-I; ")
    first, second = out.index("locator in second ru [art-2]"), out.index("locator in tenth ru [art-10]")
    assert first < second
    assert "AAA-01: этого требует норма; для: dated; если в контексте public_sector: true" in out
    assert day("2027-12-02", "ru") in out


def test_an_act_that_does_not_exist_exits_with_2(capsys: Capture) -> None:
    assert main(["law", "none", "--config", "small.yaml"]) == 2
    assert "one of act-a, act-b" in capsys.readouterr().err


def test_all_that_is_shipped_is_listed(here: Path, capsys: Capture, engine: EmbeddedEngine) -> None:
    assert here
    for command, ids in (
        ("controls", engine.catalog.controls),
        ("profiles", engine.catalog.profiles),
        ("law", engine.catalog.law),
    ):
        assert main([command]) == 0
        first = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()}
        assert set(ids) <= first


def test_the_baseline_says_how_many_of_its_demands_the_article_states(here: Path, capsys: Capture) -> None:
    assert here
    assert main(["profiles", "article-baseline"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Seven controls for demands that the article states itself, and sixteen that we derived" in out
    assert (out.count(" direct; "), out.count(" derived; ")) == (7, 16)
