# SPDX-License-Identifier: Apache-2.0
"""Times as texts and as seconds. All times are UTC."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from qaqpa.model import Json

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def now() -> datetime:
    """The present, in UTC, to the second."""
    return datetime.now(timezone.utc).replace(microsecond=0)


def parse(text: str) -> datetime:
    """Reads an RFC 3339 time with zone, or a date (its first second in UTC).

    Raises:
        ValueError: the text is neither, or a time without zone.
    """
    if _DATE.fullmatch(text):
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=timezone.utc)
    if not _DATE_TIME.fullmatch(text):
        raise ValueError(f"{text!r} is neither a date nor a time with zone")
    fraction = re.search(r"\.\d+", text)
    whole = text.replace(fraction[0], "") if fraction else text
    return datetime.fromisoformat(whole.replace("Z", "+00:00")).astimezone(timezone.utc)


def parse_moment(value: object) -> datetime:
    """Reads an RFC 3339 time with zone; a date is not enough.

    Raises:
        ValueError: it is not a text, or not such a time.
    """
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        raise ValueError(f"{value!r} is not a time with zone")
    return parse(value)


def render(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def pair(moment: datetime | None, text: str | None = None) -> Json:
    """A time as policies see it: `{"text", "seconds"}`, seconds since 1970-01-01T00:00:00Z; None stays None."""
    if moment is None:
        return None
    return {"text": text or render(moment), "seconds": (moment - _EPOCH) // timedelta(seconds=1)}
