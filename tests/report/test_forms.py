# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from qaqpa.report.forms import day, fill, number, shown
from qaqpa.report.strings import LANGUAGES

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "2 December 2026"), ("ru", "2 декабря 2026 г."), ("kk", "2026 жылғы 2 желтоқсан")],
)
def test_a_day_has_the_form_of_the_language(language: str, text: str) -> None:
    assert day("2026-12-02", language) == text
    assert shown("2026-12-02", language) == text
    assert shown("2026-12-02T09:30:00Z", language) == f"{text}, 09:30 UTC"


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-12-2", "２０２６-12-02", "2026-12-02T25:99:00+05:00", "12.02.2026"]
)
def test_what_is_no_day_stays_as_it_is(text: str) -> None:
    assert day(text, "ru") == text
    assert shown(text, "ru") == text


def test_a_hostile_day_is_made_harmless() -> None:
    assert day("2026-12-02\x1b[31m", "kk") == "2026-12-02\\u001b[31m"


@pytest.mark.parametrize(
    ("value", "english", "other"),
    [
        (0, "0", "0"),
        (-7, "-7", "-7"),
        (9999, "9999", "9999"),
        (10000, "10,000", f"10{NBSP}000"),
        (-1234567, "-1,234,567", f"-1{NBSP}234{NBSP}567"),
        (0.87, "0.87", "0,87"),
        (12345.5, "12,345.5", f"12{NBSP}345,5"),
        (1e-7, "1e-07", "1e-07"),
        (1e300, "1e+300", "1e+300"),
    ],
)
def test_a_number_has_the_form_of_the_language(value: float, english: str, other: str) -> None:
    assert shown(value, "en") == english
    assert shown(value, "ru") == shown(value, "kk") == other


def test_a_share_shows_its_percentage_and_its_counts() -> None:
    share = {"part": 740, "whole": 1021}
    assert shown(share, "en") == "72.5 % (740 of 1021)"
    assert shown(share, "ru").startswith("72,5 % (")
    assert "1021" in shown(share, "kk")
    assert number(100, "kk", decimals=1) == "100,0"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("value", [[], "", {"part": 1, "whole": 0}, [True, None], {"a": ["b"]}])
def test_every_value_says_something(language: str, value: Any) -> None:
    assert shown(value, language)


def test_values_in_a_text_have_its_language() -> None:
    assert fill("от {required}: {found}", {"required": "2026-05-01", "found": 0.5}, "ru") == "от 1 мая 2026 г.: 0,5"


def test_a_value_that_ends_with_a_full_stop_is_followed_by_no_second_one() -> None:
    assert fill("Истёк: {found}.", {"found": "2026-10-30"}, "ru") == "Истёк: 30 октября 2026 г."
    assert fill("Истёк {found}; см. {field}", {"found": "2026-10-30", "field": "a."}, "ru").endswith("г.; см. a.")


def test_a_template_of_a_card_is_made_harmless() -> None:
    assert fill("\x1b[31mred\u202e {found}", {"found": "x"}) == "\\u001b[31mred\\u202e x"
