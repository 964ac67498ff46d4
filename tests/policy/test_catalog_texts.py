# SPDX-License-Identifier: Apache-2.0
"""Cards, profiles and acts speak English, Kazakh and Russian, and in none do they say that a model is lawful."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report.strings import LANGUAGES

CYRILLIC = re.compile("[\u0400-\u04ff]")
OF_KAZAKH_ONLY = re.compile(r"[әғқңөұүһі]", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\{[^{}]*\}")
# A model or a system, and within the same sentence a word by which it would be called lawful.
LAWFUL = {
    "en": re.compile(
        r"\b(?:model|system)s?\b[^.;:]{0,40}\b(?:is|are|becomes?|stays?) (?:thus |then |therefore |fully )?"
        r"(?:lawful|legal|compliant|conformant)\b"
        r"|\b(?:model|system)s?\b[^.;:]{0,20} (?:comply|complies|conforms?) with",
        re.IGNORECASE,
    ),
    "kk": re.compile(
        r"(?:модель|жүйе)\w*[^.;:,]{0,40}"
        r"(?:заңды\b(?! (?:негіз|мүдде|мақсат|тұлға|шығу|кепіл))|заңға сай|заңға сәйкес)",
        re.IGNORECASE,
    ),
    "ru": re.compile(
        r"(?:модел|систем)\w*[^.;:,]{0,40}(?:законн[аы]?\b|соответству\w+ закон|правомерн[аы]?\b)", re.IGNORECASE
    ),
}


def texts_of(engine: EmbeddedEngine) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that has texts, with its name."""
    for folder, things in (
        ("catalog", engine.catalog.controls),
        ("profiles", engine.catalog.profiles),
        ("law", engine.catalog.law),
    ):
        for name, thing in things.items():
            yield f"{folder}/{name}", thing["texts"]
            for provision, content in thing["provisions"].items() if folder == "law" else ():
                yield f"{folder}/{name}/{provision}", content["texts"]


def strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from strings(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from strings(inner, f"{path}[{number}]")
    else:
        yield path, value


def test_everything_has_the_same_texts_in_three_languages(engine: EmbeddedEngine) -> None:
    seen = 0
    for name, texts in texts_of(engine):
        assert set(texts) == set(LANGUAGES), name
        english = dict(strings(texts["en"]))
        for language in LANGUAGES:
            own = dict(strings(texts[language]))
            assert set(own) == set(english), (name, language)
            assert all(text.strip() for text in own.values()), (name, language)
            seen += len(own)
    assert seen > 3000


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_nothing_is_left_in_english(engine: EmbeddedEngine, language: str) -> None:
    left = []
    for name, texts in texts_of(engine):
        for path, text in strings(texts[language]):
            words = re.sub(r"\b(?:arXiv|NIST|ISO|IEC|OECD|GDPR|RMF|AI)\b|[\d\W_]", "", PLACEHOLDER.sub("", text))
            if words and not CYRILLIC.search(text) and len(words) > 12:
                left.append((name, path, text))
    assert left == []


def test_russian_is_russian_and_kazakh_is_kazakh(engine: EmbeddedEngine) -> None:
    # Titles of works, an author's initials and the letters behind the number of an order stay as they are.
    quoted = re.compile("«[^»]*»|“[^”]*”|Арин Қ\\.М\\.|/НҚ")
    mixed = [
        (name, path)
        for name, texts in texts_of(engine)
        for path, text in strings(texts["ru"])
        if OF_KAZAKH_ONLY.search(quoted.sub("", text))
    ]
    assert mixed == []
    sentences = [text for _, texts in texts_of(engine) for _, text in strings(texts["kk"]) if len(text) > 80]
    assert len(sentences) > 300
    assert [text for text in sentences if not OF_KAZAKH_ONLY.search(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_says_that_a_model_is_lawful(engine: EmbeddedEngine, language: str) -> None:
    said = [
        (name, path, text)
        for name, texts in texts_of(engine)
        for path, text in strings(texts[language])
        if LAWFUL[language].search(text)
    ]
    assert said == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "With this the model is lawful."),
        ("en", "The system then complies with the law."),
        ("kk", "Сонда модель заңды болады."),
        ("ru", "Тогда система законна."),
        ("ru", "Модель соответствует закону."),
    ],
)
def test_such_a_text_would_be_found(language: str, text: str) -> None:
    assert LAWFUL[language].search(text)


@pytest.mark.parametrize(
    ("language", "shown", "member"),
    [("en", "shown to be independent", "belong"), ("kk", "көрсетілме", "адамы"), ("ru", "показан", "связан")],
)
def test_whose_unit_is_unknown_is_not_called_one_of_the_owner(
    engine: EmbeddedEngine, language: str, shown: str, member: str
) -> None:
    """The control knows who is not shown to be independent, and not why."""
    violations = engine.catalog.controls["AUD-02"]["texts"][language]["violations"]
    for code in ("chair_not_independent", "independent_not_majority"):
        text = " ".join(violations[code].split())
        assert shown in text
        assert member not in text
