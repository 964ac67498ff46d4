# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from qaqpa.policy.calendar import CALENDAR, render_calendar, seconds_of, write_calendar
from qaqpa.resources import POLICIES


def test_the_shipped_calendar_is_up_to_date() -> None:
    assert (POLICIES / CALENDAR).read_text("utf-8") == render_calendar(POLICIES)


def test_every_day_of_acts_and_profiles_is_there(tmp_path: Path) -> None:
    for name, text in {
        "law/a/data.yaml": """\
in_force: {from: '2026-07-01', until: '2030-01-31'}
provisions: {p: {applies: [{from: '2028-08-02', when: {eu_class: minimal}}, {from: '2027-12-02'}]}}
texts: {en: {title: From 2020-01-01}}
""",
        "profiles/p/data.yaml": "controls: {X-01: {severity: deny, applies_from: '2027-01-01'}}\n",
        "profiles/broken/data.yaml": "controls: [",
        "law/odd/data.yaml": "in_force: {from: '2026-02-30', until: [1]}\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    write_calendar(tmp_path)
    calendar = json.loads((tmp_path / CALENDAR).read_bytes())
    days = ["2026-07-01", "2027-01-01", "2027-12-02", "2028-08-02", "2030-01-31"]
    assert calendar == {day: datetime.fromisoformat(day).replace(tzinfo=timezone.utc).timestamp() for day in days}


@pytest.mark.parametrize("text", ["", "2026", "2026-02-30", "2026-12-02T00:00:00Z", "then"])
def test_what_is_no_day_has_no_seconds(text: str) -> None:
    with pytest.raises(ValueError, match="is no day"):
        seconds_of(text)
