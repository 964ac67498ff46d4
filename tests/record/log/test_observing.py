# SPDX-License-Identifier: Apache-2.0
"""The 90 days of observe count from the first start that had the pattern, whatever the configuration says since."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from qaqpa.config import MAX_OBSERVE_DAYS, Config, Observe
from qaqpa.record.log.asked import RELOAD
from qaqpa.record.log.chain import Entry
from qaqpa.record.log.decisions import DecisionLog
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.observing import first_uses, limited
from qaqpa.record.log.opening import open_log
from qaqpa.record.log.reading import Started
from support.logs import log_source

NOW = times.now()
TODAY = NOW.date()


def _config(*patterns: str, days: int) -> Config:
    return Config(observe=(Observe(patterns, TODAY + timedelta(days)),) if patterns else ())


def _at(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    monkeypatch.setattr(times, "now", lambda: NOW + timedelta(days))


@pytest.fixture
def log(tmp_path: Path) -> DecisionLog:
    return open_log(log_source(tmp_path))


def test_a_configuration_written_anew_begins_nothing_again(log: DecisionLog, monkeypatch: pytest.MonkeyPatch) -> None:
    log.start(_config("legacy-*", days=80), {})
    assert log.first_uses == {"legacy-*": TODAY}
    _at(monkeypatch, 60)
    later = _config("LEGACY-*", "new-*", days=140)
    log.start(later, {}, RELOAD)
    assert log.first_uses == {"legacy-*": TODAY, "new-*": TODAY + timedelta(60)}
    found = limited(later, log.first_uses)
    assert found.observed("legacy-credit", NOW + timedelta(MAX_OBSERVE_DAYS))
    assert found.observed("legacy-credit", NOW + timedelta(MAX_OBSERVE_DAYS + 1)) is None
    assert found.observed("new-credit", NOW + timedelta(140))
    assert found.observed("new-credit", NOW + timedelta(141)) is None


def test_a_pattern_that_was_away_comes_back_as_old_as_it_is(log: DecisionLog, monkeypatch: pytest.MonkeyPatch) -> None:
    log.start(_config("legacy-*", days=80), {})
    _at(monkeypatch, 10)
    log.start(_config(days=0), {}, RELOAD)
    _at(monkeypatch, 95)
    again = _config("legacy-*", days=180)
    log.anew().start(_config(days=0), {})
    log.start(again, {}, RELOAD)
    assert log.first_uses == {"legacy-*": TODAY}
    assert limited(again, log.first_uses).observed("legacy-credit", NOW + timedelta(95)) is None


def test_the_day_in_the_configuration_still_ends_it_earlier(log: DecisionLog) -> None:
    config = _config("legacy-*", days=5)
    log.start(config, {})
    found = limited(config, log.first_uses)
    assert found.observed("legacy-credit", NOW + timedelta(5))
    assert found.observed("legacy-credit", NOW + timedelta(6)) is None


def test_without_a_log_the_day_in_the_configuration_is_all() -> None:
    config = _config("legacy-*", days=80)
    assert limited(config, {}) == config


def _started(settings: Any, **fields: Any) -> Started:
    return Started(Entry(2, "a", "", "2026-09-01T10:00:00Z", "2026-09-01T10:00:00Z", "start", fields), settings)


def test_a_start_that_did_not_write_it_down_dates_its_own_patterns() -> None:
    before = _started({"observe": [{"models": ["Legacy-*"], "until": "2026-11-01"}]})
    found = first_uses(before, [Observe(("legacy-*", "new-*"), TODAY)], TODAY)
    assert found == {"legacy-*": date(2026, 9, 1), "new-*": TODAY}


@pytest.mark.parametrize("observed", [{"legacy-*": "soon"}, {"legacy-*": 7}])
def test_a_start_that_says_no_date_is_not_passed_over(observed: Any) -> None:
    with pytest.raises(LogError, match="since when"):
        first_uses(_started({}, observed=observed), [], TODAY)
