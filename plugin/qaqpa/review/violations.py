# SPDX-License-Identifier: Apache-2.0
"""Which violations are worse than before, and which are mended: a comparison of two decisions, one by one.

Violations are compared by control, code, field, and what tells one from another of these: the texts in what was found.
Numbers, days and the members of lists are how bad it is, not what it is. So a second gap is new, and the same gap that
grew is worse; where it cannot be told whether another value is worse, it is the same violation as before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from qaqpa import times
from qaqpa.model import Decision, Json, JsonObject
from qaqpa.report.judged import Change

UNDECIDED = "undecided"
"""The code of a control that cannot be decided."""

DENY, WARN = "deny", "warn"

_HARMLESS = "waived"
_ORDER = (_HARMLESS, WARN, DENY)
_SHARE, _OTHER, _COMPARED = "share", "other_share", "other_group"


@dataclass(frozen=True)
class _Wrong:
    """One thing that is wrong. `level` is `deny`, `warn`, or `waived` for what would deny and is excused."""

    control: str
    code: str
    field: str
    found: Json
    required: Json
    level: str

    @property
    def same(self) -> tuple[str, ...]:
        """What makes it the same thing in two decisions."""
        return (self.control, self.code, self.field, _identity(self.found))

    @property
    def weight(self) -> int:
        """How much it weighs; more is worse."""
        return _ORDER.index(self.level)

    def change(self, level: str | None = None) -> Change:
        """It as a change."""
        return Change(self.control, self.code, self.field, level or self.level)


def differences(before: Decision, now: Decision) -> tuple[list[Change], list[Change]]:
    """What is worse now, and what is mended.

    Worse is a violation, a problem or an undecided control that was not there, one that denies and only warned or was
    waived, and one whose values moved further from what is required. Mended is one that is gone, or only warns now;
    not one that is waived, for that is still open, nor one for which another of the same control, code and field came.
    """
    earlier, later = _grouped(before), _grouped(now)
    new: list[Change] = []
    mended: list[Change] = []
    for same in sorted({*earlier, *later}):
        _compare(earlier.get(same, []), later.get(same, []), new, mended)
    came = {(change.control, change.code, change.field) for change in new}
    return new, [one for one in mended if (one.control, one.code, one.field) not in came]


def all_of(decision: Decision) -> list[Change]:
    """Everything that is wrong, as where there is nothing to compare with."""
    return [wrong.change() for wrong in _wrongs(decision) if wrong.level != _HARMLESS]


def worse(before: Json, now: Json, required: Json) -> bool:
    """Whether what was found moved further from what is required; False where that cannot be told.

    Args:
        before: what was found, any JSON value.
        now: what is found now, of the same violation.
        required: what the rule requires.
    """
    if isinstance(before, dict) and isinstance(now, dict):
        apart = _apart(before), _apart(now)
        if apart[0] and apart[1]:
            return any(later > earlier for earlier, later in zip(apart[0], apart[1], strict=True))
        if _number(before) is None or _number(now) is None:
            return any(name in now and worse(value, now[name], required) for name, value in before.items())
    if isinstance(before, list) and isinstance(now, list):
        # Of a list beside a number it is unknown whether it should be longer or shorter.
        return _number(required) is None and bool(Counter(map(_text, now)) - Counter(map(_text, before)))
    days = _day(before), _day(now)
    if days[0] is not None and days[1] is not None:
        limit = _day(required)
        # Beside a number of days an earlier day is the worse one.
        return days[1] < days[0] if limit is None else abs(days[1] - limit) > abs(days[0] - limit)
    numbers = _number(before), _number(now), _number(required)
    if numbers[0] is None or numbers[1] is None or numbers[2] is None:
        return False
    return abs(numbers[1] - numbers[2]) > abs(numbers[0] - numbers[2])


def _compare(earlier: Sequence[_Wrong], later: Sequence[_Wrong], new: list[Change], mended: list[Change]) -> None:
    """Pairs what is the same thing, the worst with the worst; what is over came, or went."""
    before = sorted(earlier, key=_badness, reverse=True)
    now = sorted(later, key=_badness, reverse=True)
    for one, other in zip(before, now, strict=False):
        if other.weight > one.weight or (other.level == one.level != _HARMLESS and _grew(one, other)):
            new.append(other.change())
        elif one.level == DENY and other.level == WARN:
            mended.append(one.change())
    new.extend(one.change() for one in now[len(before) :] if one.level != _HARMLESS)
    mended.extend(one.change(DENY if one.level == _HARMLESS else None) for one in before[len(now) :])


def _badness(wrong: _Wrong) -> tuple[int, str]:
    return wrong.weight, _text(wrong.found)


def _grew(one: _Wrong, other: _Wrong) -> bool:
    return worse(one.found, other.found, other.required)


def _grouped(decision: Decision) -> dict[tuple[str, ...], list[_Wrong]]:
    groups: dict[tuple[str, ...], list[_Wrong]] = {}
    for wrong in _wrongs(decision):
        groups.setdefault(wrong.same, []).append(wrong)
    return groups


def _wrongs(decision: Decision) -> Iterator[_Wrong]:
    for problem in decision.problems:
        yield _Wrong("", problem["code"], "", None, None, DENY)
    for finding in decision.findings:
        control, status = finding["control"], finding["status"]
        if status == UNDECIDED:
            yield _Wrong(control, UNDECIDED, "", None, None, DENY)
        for violation in finding["violations"]:
            denies = any(entry["severity"] == DENY for entry in violation["asked_by"])
            level = WARN if not denies else _HARMLESS if status == "waived" else DENY
            about = (violation["code"], violation["field"], violation["found"], violation["required"])
            yield _Wrong(control, *about, level)


def _identity(found: Json) -> str:
    return _text(_told_apart(found))


def _told_apart(found: Json) -> Json:
    if isinstance(found, dict):
        # Whom somebody is compared with may change with any number.
        return {name: _told_apart(value) for name, value in found.items() if name != _COMPARED}
    if isinstance(found, list) or _number(found) is not None or _day(found) is not None:
        return None
    return found


def _apart(found: JsonObject) -> tuple[Fraction, Fraction] | None:
    """How far two shares lie apart, as a difference and as a ratio; more is worse. None for anything else."""
    shares = _number(found.get(_SHARE)), _number(found.get(_OTHER))
    if shares[0] is None or shares[1] is None:
        return None
    low, high = sorted((shares[0], shares[1]))
    return high - low, 1 - low / high if high else Fraction(0)


def _number(value: Json) -> Fraction | None:
    """A number; a share in percent, as thresholds are. None for anything else."""
    if isinstance(value, dict):
        if set(value) != {"part", "whole"}:
            return None
        part, whole = _number(value["part"]), _number(value["whole"])
        return None if part is None or not whole else 100 * part / whole
    return Fraction(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _day(value: Json) -> int | None:
    """A day or a time as seconds; None for anything else."""
    if not isinstance(value, str) or not (times.is_day(value) or times.is_moment(value)):
        return None
    return int(times.pair(times.parse(value))["seconds"])


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True)
