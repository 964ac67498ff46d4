# SPDX-License-Identifier: Apache-2.0
"""The calendar of the law: the seconds of every day that acts and profiles name.

In `policies/law` and `policies/profiles` days stand as people write them, and Rego has no clock and no calendar. So
`policies/calendar/data.json` is generated: each day, and its first second in UTC.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from qaqpa import times
from qaqpa.documents import DocumentError, read
from qaqpa.model import Json

CALENDAR = "calendar/data.json"
"""Where the calendar lies below the policy directory."""

_DAYS = frozenset({"from", "until", "applies_from"})


def seconds_of(day: str) -> int:
    """The first second of a day, UTC, in seconds since 1970-01-01T00:00:00Z.

    Raises:
        ValueError: it is no day.
    """
    if not times.is_day(day):
        raise ValueError(f"{day!r} is no day")
    seconds: int = times.pair(times.parse(day))["seconds"]
    return seconds


def render_calendar(policies: Path) -> str:
    """The calendar of a policy directory. What is no day is left out, and puts nothing off."""
    found = {day: seconds_of(day) for day in _named(policies) if times.is_day(day)}
    return json.dumps(dict(sorted(found.items())), indent=2) + "\n"


def write_calendar(policies: Path) -> None:
    """Writes the calendar of a policy directory."""
    path = policies / CALENDAR
    path.parent.mkdir(exist_ok=True)
    path.write_text(render_calendar(policies), "utf-8")


def _named(policies: Path) -> Iterator[str]:
    for pattern in ("law/*/data.*", "profiles/*/data.*"):
        for path in sorted(policies.glob(pattern)):
            yield from _days(_value(path))


def _value(path: Path) -> Json:
    try:
        return read(path).value
    except DocumentError:
        # Whoever checks the files says what is wrong with them, with line and column.
        return None


def _days(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in _DAYS and isinstance(inner, str):
                yield inner
            else:
                yield from _days(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _days(inner)
