# SPDX-License-Identifier: Apache-2.0
"""The page of a control, of a profile and of an act."""

from __future__ import annotations

import re

import pytest

from qaqpa.evidence.kinds import kind
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report.forms import day
from qaqpa.report.page import control_page
from qaqpa.report.pages import act_page, profile_page
from qaqpa.report.section import Line, Section
from qaqpa.report.strings import LANGUAGES
from qaqpa.report.texts import Texts
from support.catalogs import small_catalog

CATALOG = small_catalog()


def part(sections: list[Section], key: str) -> list[Line]:
    return list(next(section.lines for section in sections if section.key == key))


def on_page(key: str, language: str = "en") -> list[Line]:
    return part(control_page("AAA-01", Texts(CATALOG, language)), key)


def everything(sections: list[Section]) -> str:
    lines = [line for section in sections for line in section.lines]
    return "\n".join(text for line in lines for text in (line.name, line.text, *line.below))


def test_it_says_what_is_required_of_whom_and_what_a_pass_does_not_show() -> None:
    for key, name in (
        ("explain.required", "requirement"),
        ("explain.applies", "applies"),
        ("explain.cannot_prove", "cannot_prove"),
    ):
        assert on_page(key, "kk") == [Line(f"{name} in kk")]
    assert [line.text for line in on_page("explain.decided", "ru")] == ["first in ru", "second in ru"]
    assert on_page("explain.mend") == [Line("mend in en", below=("who: ML engineer, model owner",))]
    assert on_page("explain.waiver") == [Line("It cannot be waived.")]


def test_evidence_is_named_with_its_fields_and_who_has_to_sign_it() -> None:
    [line] = on_page("explain.evidence")
    assert (line.name, line.text) == ("bias", "Bias test; about the model (void when one byte changes)")
    fields = [field for field in kind("bias").schema["properties"] if field != "kind"]
    assert line.below == (f"fields: {', '.join(fields)}",)
    assert on_page("explain.strength")[1].text.startswith("production: signed by somebody independent")


def test_each_violation_says_by_profile_on_what_it_rests_and_what_follows() -> None:
    first, lacking, *found = on_page("explain.violations")
    assert first.text.startswith("By profile: ")
    assert lacking.name == "evidence_missing, evidence_refused, evidence_too_weak"
    assert {line.name: line.below for line in found} == {
        "plain": (
            "base: direct; denies",
            "soft: our own default; only warns",
            f"state: statutory; denies from {day('2026-01-18')}",
        ),
        "dated": (
            "base: direct; denies",
            "soft: our own default; only warns",
            f"state: statutory; denies from {day('2027-12-02')}; "
            f"where the context says anything but public_sector: true: statutory; denies from {day('2026-01-18')}",
        ),
        "own_idea": ("base: our own default; denies", "soft, state: our own default; only warns"),
        "mild": ("soft: our own default; only warns", "state: statutory; only warns", "base: not asked for"),
        "risky": (
            "base: direct; denies; where the risk is not high, only warns",
            "soft: our own default; only warns",
            f"state: statutory; denies from {day('2026-01-18')}; where the risk is not high, only warns",
        ),
        "sometimes": (
            "base: direct; denies; in some cases only warns",
            "soft: our own default; only warns",
            f"state: statutory; denies from {day('2026-01-18')}; in some cases only warns",
        ),
    }
    assert lacking.below == found[0].below
    assert found[0].text == "plain in en: {found}"


def test_thresholds_say_who_set_them() -> None:
    assert {line.name: line.text for line in on_page("explain.thresholds")} == {
        "days": "365; set by law; lower is stricter",
        "share": "80; set by law in state, else our own default; higher is stricter",
        "rest": "12,000; our own default; lower is stricter",
    }
    assert {line.text for line in on_page("explain.thresholds", "ru") if line.name == "rest"} == {
        "12\u00a0000; наше значение по умолчанию; чем ниже, тем строже"
    }


def test_provisions_say_how_strongly_since_when_and_how_well_they_were_read() -> None:
    second, tenth, article = on_page("explain.provisions")
    assert second.text == "short in act en, locator in second en: title in second en"
    assert second.below[0] == "statutory"
    assert second.below[1] == (
        f"in force from {day('2026-01-18')} (day not verified: read second-hand only); read at its source"
    )
    assert tenth.below == (
        "statutory; for: dated; where the context says public_sector: true",
        f"duty from {day('2028-08-02')} where the context says public_sector: false; duty from {day('2027-12-02')} "
        "(day not verified: read second-hand only); text not verified: from memory",
    )
    assert article == Line("b, 1: One", below=("direct; in the profiles: base", "read at its source"))


def test_profiles_say_how_much_they_ask() -> None:
    base, soft, state = on_page("explain.profiles")
    assert base == Line(
        "title in en",
        "base",
        (
            "direct; denies",
            "only warns where the context says public_sector: false",
            "leaves out: mild",
            "attributes: sex, age",
        ),
    )
    assert (soft.name, soft.below) == ("soft", ("our own default; only warns",))
    assert (state.name, state.below) == ("state", (f"statutory; denies from {day('2026-01-18')}",))


def test_a_section_with_nothing_to_say_says_so() -> None:
    sections = control_page("BBB-01", Texts(CATALOG, "ru"))
    for key in ("explain.thresholds", "explain.provisions", "explain.decided"):
        assert part(sections, key) == [Line("нет")]
    assert part(sections, "explain.evidence")[0].text.startswith("Независимый аудит; ")


def test_it_has_the_same_sections_in_every_language_with_other_titles() -> None:
    pages = [control_page("AAA-01", Texts(CATALOG, language)) for language in LANGUAGES]
    assert len({tuple(section.key for section in page) for page in pages}) == 1
    for same in zip(*pages, strict=True):
        assert len({section.title for section in same}) == len(LANGUAGES)


def test_a_kind_of_evidence_that_is_not_known_is_only_named() -> None:
    catalog = small_catalog()
    catalog.controls["AAA-01"]["evidence"][0] = "brand_new"  # type: ignore[index]  # the test's own copy
    [line] = part(control_page("AAA-01", Texts(catalog)), "explain.evidence")
    assert line == Line("", "brand_new")


def test_a_profile_says_what_it_claims_and_what_it_demands_of_each_control() -> None:
    page = profile_page("base", Texts(CATALOG, "kk"))
    description, claims = part(page, "explain.description")
    assert description.text == "description in kk"
    assert claims.text.startswith("Профиль заңнамаға негізделмейді")
    assert [line.name for line in part(page, "explain.acts")] == ["act-b"]
    assert part(page, "explain.controls")[0].below[0] == "тікелей айтылған; өткізбейді"
    page = profile_page("state", Texts(CATALOG))
    assert part(page, "explain.description")[1].text.startswith("It says what statutes ask")
    told = part(page, "explain.acts")[0].below
    assert told[0].startswith("in force from")
    assert re.fullmatch("read at their source: [0-9]+ of [0-9]+ provisions", told[1])


def test_an_act_says_who_rests_on_which_provision_the_second_before_the_tenth() -> None:
    page = act_page("act-a", Texts(CATALOG))
    facts = [line.text for line in part(page, "law.act")]
    assert facts[0] == "title in act en"
    assert facts[1].startswith("KZ; No. 7-I; in force from ")
    assert facts[2:] == ["changed by: 8-II", "https://example.org/a"]
    second, third, tenth = part(page, "law.provisions")
    assert second == Line(
        "title in second en", "locator in second en [art-2]", ("read at its source", "AAA-01: statutory")
    )
    assert third.below == (
        f"in force up to and including {day('2026-06-30')}; quoted by an official body",
        "no control rests on it",
    )
    assert tenth.name == "locator in tenth en [art-10]"
    assert tenth.below[0].endswith("text not verified: from memory; https://example.org/a/10")
    assert tenth.below[1] == "AAA-01: statutory; for: dated; where the context says public_sector: true"
    facts = [line.text for line in part(act_page("act-b", Texts(CATALOG)), "law.act")]
    assert facts == ["B", "INT; its first day is not recorded"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_shipped_page_is_whole_in_every_language(engine: EmbeddedEngine, language: str) -> None:
    texts = Texts(engine.catalog, language)
    for control, card in engine.catalog.controls.items():
        said = everything(control_page(control, texts))
        assert all(code in said for code in card["texts"]["en"]["violations"])
        assert not re.search(r"\b(?:explain|law|actor|verification|level|waivable)\.[a-z_]+\b", said), control
    for profile in engine.catalog.profiles:
        assert all(
            control in everything(profile_page(profile, texts))
            for control in engine.catalog.profiles[profile]["controls"]
        )
    for act, content in engine.catalog.law.items():
        assert all(f"[{name}]" in everything(act_page(act, texts)) for name in content["provisions"])
