# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from qaqpa.errors import UsageError
from qaqpa.report.language import chosen_language, language_and_source


@pytest.fixture(autouse=True)
def _no_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "QAQPA_LANG"):
        monkeypatch.delenv(name, raising=False)


def test_english_where_nobody_says_anything() -> None:
    assert chosen_language() == "en"


def test_what_is_asked_goes_first_then_the_variable_then_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ru_RU.UTF-8")
    assert chosen_language() == "ru"
    monkeypatch.setenv("QAQPA_LANG", "kk")
    assert chosen_language() == "kk"
    assert chosen_language("en") == "en"


@pytest.mark.parametrize(
    ("locale", "language"),
    [("kk_KZ.UTF-8", "kk"), ("kk-KZ", "kk"), ("C.UTF-8", "en"), ("de_DE", "en"), ("POSIX", "en")],
)
def test_a_locale_names_a_language(monkeypatch: pytest.MonkeyPatch, locale: str, language: str) -> None:
    monkeypatch.setenv("LC_MESSAGES", locale)
    monkeypatch.setenv("LANG", "ru_RU.UTF-8")
    assert chosen_language() == language
    monkeypatch.setenv("LC_ALL", "ru_KZ")
    assert chosen_language() == "ru"


def test_the_locale_of_a_server_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ru_RU.UTF-8")
    assert chosen_language(locale=False) == "en"


@pytest.mark.parametrize("value", ["", "de", "KK", "kk_KZ"])
def test_a_language_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("QAQPA_LANG", value)
    with pytest.raises(UsageError, match="There is no language") as caught:
        chosen_language()
    assert caught.value.required == "one of en, kk, ru"


def test_what_chose_the_language_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert language_and_source() == ("en", "default")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    assert language_and_source() == ("en", "default")
    monkeypatch.setenv("LC_MESSAGES", "ru_RU.UTF-8")
    assert language_and_source() == ("ru", "LC_MESSAGES")
    assert language_and_source(locale=False) == ("en", "default")
    monkeypatch.setenv("QAQPA_LANG", "kk")
    assert language_and_source() == ("kk", "QAQPA_LANG")
