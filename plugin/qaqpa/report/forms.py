# SPDX-License-Identifier: Apache-2.0
"""Values as people read them: days, numbers, shares and lists in the form of a language, hostile text made harmless."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from qaqpa import times
from qaqpa.escape import MAX_SHOWN, visible
from qaqpa.model import Json
from qaqpa.report.strings import template

_PLACEHOLDER = re.compile(r"\{([a-z_]+(?:\.[a-z_]+)*)\}")
_MAX_FILLED = 2 * MAX_SHOWN
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z", re.ASCII)
_GROUPED_FROM = 10_000
# In Kazakh and Russian a comma sets off the decimals and a space, which must not break, the thousands.
_COMMA_LANGUAGES = frozenset({"kk", "ru"})


def fill(text: str, values: Mapping[str, Json], language: str = "en") -> str:
    """Replaces `{name}` and `{name.key}`; all is made visible, since cards may be anybody's, and values also short."""

    def replacement(match: re.Match[str]) -> str:
        value: Json = values
        for part in match[1].split("."):
            value = value.get(part, "?") if isinstance(value, Mapping) else "?"
        said = shown(value, language)
        if said.endswith(".") and match.string.startswith(".", match.end()):
            said = said[:-1]  # a day in Russian ends with a full stop of its own
        return said if len(said) <= _MAX_FILLED else f"{said[:_MAX_FILLED]}…"

    return _PLACEHOLDER.sub(replacement, tidy(text))


def tidy(text: str) -> str:
    """A text of a card, a profile or an act on one line, whole, with control and format characters as escapes."""
    return visible(" ".join(text.split()), len(text))


def shown(value: Json, language: str = "en") -> str:
    """A JSON value as people read it; a share of counts with its percentage, a day with the name of its month."""
    if isinstance(value, Mapping) and set(value) == {"part", "whole"} and _is_share(value["part"], value["whole"]):
        percent = number(round(100 * value["part"] / value["whole"], 1), language, decimals=1)
        part, whole = (number(value[name], language) for name in ("part", "whole"))
        return fill(template("value.share", language), {"percent": percent, "part": part, "whole": whole}, language)
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return number(value, language)
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(item, language) for item in value) or template("value.none", language)
    if isinstance(value, Mapping):
        return ", ".join(f"{visible(name)} {shown(item, language)}" for name, item in value.items())
    return _text(str(value), language)


def number(value: float, language: str = "en", decimals: int | None = None) -> str:
    """A number: decimals with a point or a comma, thousands set apart from 10 000 on."""
    plain = f"{value:.{decimals}f}" if decimals is not None else json.dumps(value)
    whole, point, rest = plain.partition(".")
    if not whole.lstrip("-").isdigit():
        return plain
    comma = language in _COMMA_LANGUAGES
    if abs(int(whole)) >= _GROUPED_FROM:
        whole = f"{int(whole):,}".replace(",", "\u00a0" if comma else ",")
    return f"{whole}{',' if comma and point else point}{rest}"


def day(text: str, language: str = "en") -> str:
    """A day as `2026-12-02` with the name of its month; anything else made harmless."""
    if not times.is_day(text):
        return visible(text)
    year, month, number_of_day = (str(int(part)) for part in text.split("-"))
    values = {"year": year, "month": template(f"month.{month}", language), "day": number_of_day}
    form = template("date.day", language)
    return _PLACEHOLDER.sub(lambda match: values[match[1]], form)


def _text(text: str, language: str) -> str:
    moment = _MOMENT.fullmatch(text)
    if moment and times.is_day(moment[1]):
        return f"{day(moment[1], language)}, {moment[2]} UTC"
    return (day(text, language) if text else "") or template("value.nothing", language)


def _is_share(part: Json, whole: Json) -> bool:
    counts = all(isinstance(count, int) and not isinstance(count, bool) for count in (part, whole))
    return counts and whole > 0
