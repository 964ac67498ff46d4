# SPDX-License-Identifier: Apache-2.0
"""Times as texts and seconds."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qaqpa import times

# Hypothesis takes the ends without a zone, and adds the zone itself.
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=st.just(timezone.utc))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", 0),
        ("2026-11-23", 1795392000),
        ("2026-11-23T00:00:00Z", 1795392000),
        ("2026-11-23T05:00:00+05:00", 1795392000),
        ("2026-11-22T23:30:00.999999-00:30", 1795392000),
        ("2028-02-29T00:00:01Z", 1835395201),
        ("9999-12-31T23:59:59Z", 253402300799),
    ],
)
def test_a_time_or_a_date_is_read(text: str, seconds: int) -> None:
    assert times.pair(times.parse(text))["seconds"] == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-02-30",
        "2026-2-3",
        "20260203",
        "2026-02-03T10:00:00",
        "2026-02-03 10:00:00Z",
        "2026-02-03T24:00:00Z",
        "2026-02-03T23:59:60Z",
        "2026-02-03T10:00:00.1234567Z",
        "2026-02-03T10:00Z",
        "2026-02-03\n",
        "\uff12\uff10\uff12\uff16-\uff10\uff12-\uff10\uff13",
        "0000-01-01",
        "1969-12-31",
        "1970-01-01T00:00:00+00:01",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-00:01",
        "now",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    assert not times.is_day(text)
    assert not times.is_moment(text)
    for read in (times.parse, times.parse_moment):
        with pytest.raises(ValueError, match=r"is not|is neither|before 1970|out of range|must be|does not match"):
            read(text)


def test_a_moment_is_a_text_with_time_and_zone() -> None:
    for value in (None, 5, "2026-02-03", ["2026-02-03T00:00:00Z"]):
        with pytest.raises(ValueError, match="not a time with zone"):
            times.parse_moment(value)
    assert times.is_day("2026-02-03")
    assert not times.is_moment("2026-02-03")
    assert times.is_moment("2026-02-03T00:00:00Z")
    assert not times.is_day("2026-02-03T00:00:00Z")


def test_a_refusal_does_not_repeat_a_long_text() -> None:
    for read in (times.parse, times.parse_moment):
        with pytest.raises(ValueError, match="is n") as caught:
            read("9" * 90_000)
        assert len(str(caught.value)) < 200


@given(MOMENTS, st.integers(-23 * 60, 23 * 60))
@example(datetime(2026, 3, 29, 1, 30, tzinfo=timezone.utc), 120)
def test_what_is_written_is_read_again_in_any_zone(moment: datetime, minutes: int) -> None:
    whole = moment.replace(microsecond=0)
    assert times.parse(times.render(moment)) == whole
    elsewhere = whole.astimezone(timezone(timedelta(minutes=minutes)))
    assert times.parse(elsewhere.isoformat()) == whole
    assert times.pair(whole)["seconds"] == int(whole.timestamp())


@given(st.text())
def test_no_text_is_refused_in_any_other_way(text: str) -> None:
    assert not times.is_moment(text)
    assert times.is_day(text) in {True, False}


def test_a_pair_keeps_the_text_that_was_written_and_nothing_stays_nothing() -> None:
    assert times.pair(times.parse("2026-11-23"), "2026-11-23")["text"] == "2026-11-23"
    assert times.pair(times.parse("2026-11-23"))["text"] == "2026-11-23T00:00:00Z"
    assert times.pair(None) is None


def test_now_is_utc_to_the_second() -> None:
    present = times.now()
    assert (present.tzinfo, present.microsecond) == (timezone.utc, 0)
    assert abs(present - datetime.now(timezone.utc)) < timedelta(seconds=5)
