# SPDX-License-Identifier: Apache-2.0
"""Times as texts and as seconds. All times are UTC."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from qaqpa.model import Json

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MAX_QUOTED = 40


def now() -> datetime:
    """The present, in UTC, to the second."""
    return datetime.now(timezone.utc).replace(microsecond=0)


def parse(text: str) -> datetime:
    """Reads an RFC 3339 time with zone, or a date (its first second in UTC), from 1970 on.

    Raises:
        ValueError: the text is neither, or a time without zone, or before 1970.
    """
    if _DATE.fullmatch(text):
        moment = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=timezone.utc)
    elif _DATE_TIME.fullmatch(text):
        fraction = re.search(r"\.\d+", text)
        whole = text.replace(fraction[0], "") if fraction else text
        try:
            moment = datetime.fromisoformat(whole.replace("Z", "+00:00")).astimezone(timezone.utc)
        except OverflowError as error:
            raise ValueError(f"{text!r} is out of range in UTC") from error
    else:
        raise ValueError(f"{text[:_MAX_QUOTED]!r} is neither a date nor a time with zone")
    if moment < _EPOCH:
        raise ValueError(f"{text!r} is before 1970")
    return moment


def is_day(text: str) -> bool:
    """True for a date that `parse` reads."""
    return _DATE.fullmatch(text) is not None and _is_read(text)


def is_moment(text: str) -> bool:
    """True for a time with zone that `parse` reads."""
    return _DATE_TIME.fullmatch(text) is not None and _is_read(text)


def parse_moment(value: object) -> datetime:
    """Reads an RFC 3339 time with zone; a date is not enough.

    Raises:
        ValueError: it is not a text, or not such a time.
    """
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        raise ValueError(f"{str(value)[:_MAX_QUOTED]!r} is not a time with zone")
    return parse(value)


def render(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def pair(moment: datetime | None, text: str | None = None) -> Json:
    """A time as policies see it: `{"text", "seconds"}`, seconds since 1970-01-01T00:00:00Z; None stays None."""
    if moment is None:
        return None
    return {"text": text or render(moment), "seconds": (moment - _EPOCH) // timedelta(seconds=1)}


def _is_read(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True
