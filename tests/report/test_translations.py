# SPDX-License-Identifier: Apache-2.0
"""The reports' texts say the same in every language, and in none that a model is lawful."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from qaqpa.evidence.kinds import SYSTEM, kinds
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report import texts as module
from qaqpa.report.forms import fill
from qaqpa.resources import POLICIES, SCHEMAS

FOLDER = Path(module.__file__).parent / "texts"
TEXTS: dict[str, dict[str, str]] = {path.stem: json.loads(path.read_bytes()) for path in FOLDER.glob("*.json")}
ENGLISH = TEXTS["en"]
TRANSLATIONS = sorted(TEXTS.keys() - {"en"})

# What stays as it is: placeholders, commands, options, numbers, and whatever else is code.
KEPT = re.compile(r"\{[^{}]*\}|`[^`]*`|\bqaqpa [a-z]+|--[a-z]+|[a-z]+_[a-z_]+|\d+")
NAMES_OF_STAGES = re.compile(r"\b(?:review|staging|production)\b")
CYRILLIC = re.compile("[\u0400-\u04ff]")
OF_KAZAKH_ONLY = re.compile(r"[әғқңөұүһі]", re.IGNORECASE)

# Whoever reads one of these about a model takes it for a lawyer's word.
LAWFUL = {
    "en": r"lawful|\blegal(?! basis)|\bcompl(?:y|ies|ied|ian)|\bconform(?:s|ed|ing)?\b|\bin accordance\b|\bcertif",
    "kk": r"заңды|заңға|заңсыз|құқыққа|сәйкес кел|сай кел|талаптарына сай|сертификат",
    "ru": r"законн|законодательств|правомерн|легальн|соответству|соблюда|комплаенс|сертифи",
}
DENIED = {
    "en": "It does not say that the model is lawful.",
    "kk": "Бұл модельдің заңды екенін білдірмейді.",
    "ru": "Это не означает, что модель законна.",
}


def named(group: str) -> set[str]:
    return {name.removeprefix(f"{group}.") for name in ENGLISH if name.startswith(f"{group}.")}


def said_to_be_lawful(language: str, text: str) -> bool:
    return re.search(LAWFUL[language], text, re.IGNORECASE) is not None


def test_there_are_three_languages_and_words_to_look_for_in_each() -> None:
    assert TRANSLATIONS == ["kk", "ru"]
    assert set(LAWFUL) == set(DENIED) == set(TEXTS)


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_the_keys_are_the_same_and_in_the_same_order(language: str) -> None:
    assert list(TEXTS[language]) == list(ENGLISH)


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_no_key_stands_twice_and_the_file_is_written_as_the_others(language: str) -> None:
    written = (FOLDER / f"{language}.json").read_text("utf-8")
    assert written == json.dumps(TEXTS[language], ensure_ascii=False, indent=2) + "\n"


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_no_text_is_empty_or_has_blanks_around(language: str) -> None:
    assert [name for name, text in TEXTS[language].items() if not text or text != " ".join(text.split())] == []


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_placeholders_commands_codes_and_numbers_stay_as_they_are(language: str) -> None:
    differing = {
        name: (text, TEXTS[language][name])
        for name, text in ENGLISH.items()
        if sorted(KEPT.findall(text)) != sorted(KEPT.findall(TEXTS[language][name]))
    }
    assert differing == {}


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_nothing_is_left_in_english(language: str) -> None:
    for name, text in TEXTS[language].items():
        to_translate = NAMES_OF_STAGES.sub("", KEPT.sub("", ENGLISH[name]))
        assert CYRILLIC.search(text) or not re.search(r"[a-z]", to_translate), name
        words = set(re.findall(r"[A-Za-z]+", KEPT.sub("", text)))
        assert words <= set(re.findall(r"[A-Za-z]+", ENGLISH[name])), name


def test_russian_is_russian_and_kazakh_is_kazakh() -> None:
    assert [name for name, text in TEXTS["ru"].items() if OF_KAZAKH_ONLY.search(text)] == []
    sentences = [name for name, text in ENGLISH.items() if text.endswith(".") and len(KEPT.sub("", text)) > 10]
    assert len(sentences) > 60
    assert [name for name in sentences if not OF_KAZAKH_ONLY.search(TEXTS["kk"][name])] == []


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_text_ends_as_the_english_one_does(language: str) -> None:
    ends = {
        name: text
        for name, text in TEXTS[language].items()
        if name != "date.day" and (text[-1] in ".:") != (ENGLISH[name][-1] in ".:")
    }
    assert ends == {}


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_no_text_says_that_a_model_is_lawful(language: str) -> None:
    assert DENIED[language] in TEXTS[language]["footer.meaning"]
    said = {
        name: text
        for name, text in TEXTS[language].items()
        if said_to_be_lawful(language, text.replace(DENIED[language], "") if name == "footer.meaning" else text)
    }
    assert said == {}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The model is lawful."),
        ("en", "Legally, nothing stands in the way."),
        ("en", "The system complies with the law."),
        ("en", "A compliant model."),
        ("en", "It conforms to the Act."),
        ("kk", "Модель заңды."),
        ("kk", "Жүйе заңға сәйкес келеді."),
        ("kk", "Модель заң талаптарына сай."),
        ("ru", "Модель законна."),
        ("ru", "Система соответствует закону."),
        ("ru", "Законодательство соблюдено."),
        ("ru", "Использование правомерно."),
    ],
)
def test_such_a_text_would_be_found(language: str, text: str) -> None:
    assert said_to_be_lawful(language, text)


def test_kinds_families_fields_and_verifications_have_their_words(engine: EmbeddedEngine) -> None:
    assert set(kinds()) <= named("kind")
    assert {path.name for path in POLICIES.glob("controls/*")} <= named("family")
    assert {card["family"] for card in engine.catalog.controls.values()} <= named("family")
    context = json.loads((SCHEMAS / "evidence" / f"{SYSTEM}.json").read_bytes())["properties"]
    assert named("field") == set(context) - {"kind"}
    used = {
        provision["verification"] for act in engine.catalog.law.values() for provision in act["provisions"].values()
    }
    assert used <= named("verification")
    assert named("month") == {str(number) for number in range(1, 13)}


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_a_kind_is_called_as_its_schema_calls_it(kind: str) -> None:
    assert ENGLISH[f"kind.{kind}"] == kinds()[kind].title


@pytest.mark.parametrize(
    ("language", "day"),
    [
        ("en", "1 May 2026"),
        ("kk", "2026 жылғы 1 мамыр"),
        ("ru", "1 мая 2026 г."),
    ],
)
def test_a_date_is_put_together(language: str, day: str) -> None:
    texts = TEXTS[language]
    assert fill(texts["date.day"], {"day": 1, "month": texts["month.5"], "year": 2026}) == day
