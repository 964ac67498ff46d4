# SPDX-License-Identifier: Apache-2.0
"""Since when the gate only observes registered models, as its log knows.

A configuration can be written anew every month; the 90 days of `observe` count from the first start that had the
pattern. Each start carries on what the one before it knew, also of patterns that are gone, so that taking one out and
putting it back begins nothing again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from qaqpa import times
from qaqpa.config import MAX_OBSERVE_DAYS, Config, Observe, fold
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.reading import Started


def first_uses(before: Started | None, observe: Iterable[Observe], today: date) -> dict[str, date]:
    """The day of the first use of each pattern, sorted by pattern.

    Args:
        before: the start that was recorded last.
        observe: what is configured now.
        today: the day (UTC) for patterns that are new.

    Raises:
        LogError: the start says what no start says.
    """
    known = _known(before) if before else {}
    new = {fold(pattern): today for entry in observe for pattern in entry.models}
    return dict(sorted({**new, **known}.items()))


def limited(config: Config, uses: Mapping[str, date]) -> Config:
    """A configuration whose patterns are observed no longer than the limit allows since their first use."""
    entries = []
    for entry in config.observe:
        for pattern in entry.models:
            first = uses.get(fold(pattern))
            ends = entry.until if first is None else min(entry.until, first + timedelta(MAX_OBSERVE_DAYS))
            entries.append(Observe((pattern,), ends))
    return replace(config, observe=tuple(entries)) if uses else config


def _known(before: Started) -> dict[str, date]:
    found = before.entry.fields.get("observed")
    try:
        if isinstance(found, dict):
            return {str(pattern): date.fromisoformat(day) for pattern, day in found.items()}
        # A start of a version of Qaqpa that did not write it down.
        then = times.parse(before.entry.at).date()
        settings: Any = (before.settings or {}).get("observe", ())
        return {fold(pattern): then for entry in settings for pattern in entry["models"]}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LogError(
            "A start does not say since when models are observed", where=f"row {before.entry.seq}"
        ) from error
