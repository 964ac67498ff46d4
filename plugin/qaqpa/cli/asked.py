# SPDX-License-Identifier: Apache-2.0
"""What a check was asked for: by which profiles, and as of when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from qaqpa import times
from qaqpa.config import Config
from qaqpa.errors import UsageError
from qaqpa.model import Stage
from qaqpa.policy.bundle import Catalog

_EARLIEST = datetime(2000, 1, 1, tzinfo=timezone.utc)
_LATEST = datetime(2100, 1, 1, tzinfo=timezone.utc)


def profiles_of(named: Sequence[str] | None, config: Config, stage: Stage, catalog: Catalog) -> tuple[str, ...]:
    """The profiles that were named, else those that the configuration has for a stage.

    Raises:
        UsageError: one does not exist.
    """
    profiles = tuple(named or config.profiles_for(stage))
    for profile in profiles:
        if profile not in catalog.profiles:
            known = ", ".join(catalog.profiles)
            raise UsageError(f"There is no profile {profile!r}", where="--profile", required=f"one of {known}")
    return profiles


def moment_of(text: str | None) -> datetime:
    """The moment that `--as-of` names; the present where it names none.

    Raises:
        UsageError: it is no day and no time, or out of range.
    """
    if text is None:
        return times.now()
    try:
        moment = times.parse(text)
    except ValueError as error:
        raise UsageError(str(error), where="--as-of", required="2026-11-23, or a time with zone") from error
    if not _EARLIEST <= moment < _LATEST:
        raise UsageError(f"{text} is out of range", where="--as-of", required="a day from 2000 to 2099")
    return moment
