# SPDX-License-Identifier: Apache-2.0
"""What is worse and what is mended, of decisions made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from qaqpa.model import Decision, Verdict
from qaqpa.report.judged import Change
from qaqpa.review.violations import all_of, differences, worse


def violation(found: Any, required: Any = 80, **changes: Any) -> dict[str, Any]:
    severity = changes.pop("severity", "deny")
    asked = [{"profile": "p", "severity": severity, "basis": "direct", "from": []}]
    return {"code": "c", "field": "f", "found": found, "required": required, "asked_by": asked, **changes}


def decision(*violations: dict[str, Any], status: str = "fail", problems: tuple[str, ...] = ()) -> Decision:
    finding = {"control": "X-01", "status": status, "violations": list(violations)}
    told = [{"code": code, "detail": ""} for code in problems]
    return Decision(Verdict.DENY, {"findings": [finding], "problems": told}, "", "")


DENIES, WARNS = Change("X-01", "c", "f", "deny"), Change("X-01", "c", "f", "warn")


@pytest.mark.parametrize(
    ("before", "now", "new", "mended"),
    [
        ([], [violation("a")], [DENIES], []),
        ([violation("a")], [], [], [DENIES]),
        ([violation("a")], [violation("a")], [], []),
        ([violation("a")], [violation("b")], [DENIES], []),
        ([violation("a")], [violation("a"), violation("a")], [DENIES], []),
        ([violation("a"), violation("a")], [violation("a")], [], [DENIES]),
        ([violation("a", severity="warn")], [violation("a")], [DENIES], []),
        ([violation("a")], [violation("a", severity="warn")], [], [DENIES]),
        ([violation("a", severity="warn")], [], [], [WARNS]),
        ([], [violation("a", severity="warn")], [WARNS], []),
        ([violation(70)], [violation(60)], [DENIES], []),
        ([violation(60)], [violation(70)], [], []),
        ([violation(60), violation(70)], [violation(70), violation(60)], [], []),
        ([violation("yes")], [violation(None)], [DENIES], []),
    ],
)
def test_each_violation_is_compared_with_its_own(
    before: list[Any], now: list[Any], new: list[Change], mended: list[Change]
) -> None:
    assert differences(decision(*before), decision(*now)) == (new, mended)


def test_a_waiver_excuses_and_mends_nothing_and_its_loss_denies() -> None:
    failed, waived = decision(violation("a")), decision(violation("a"), status="waived")
    assert differences(failed, waived) == ([], [])
    assert differences(waived, failed) == ([DENIES], [])
    assert differences(waived, waived) == ([], [])
    assert differences(waived, decision()) == ([], [DENIES])
    assert all_of(waived) == []
    assert all_of(failed) == [DENIES]


def test_problems_and_undecided_controls_are_new_too() -> None:
    plain, problem = decision(), decision(problems=("parties_missing",))
    assert differences(plain, problem) == ([Change("", "parties_missing", "", "deny")], [])
    assert differences(problem, plain) == ([], [Change("", "parties_missing", "", "deny")])
    assert differences(plain, decision(status="undecided"))[0] == [Change("X-01", "undecided", "", "deny")]


def share(part: int, whole: int = 100) -> dict[str, int]:
    return {"part": part, "whole": whole}


def gap(low: int, high: int) -> dict[str, Any]:
    return {"group": "g", "other_group": f"o{high}", "share": share(low), "other_share": share(high)}


@pytest.mark.parametrize(
    ("before", "now", "required", "expected"),
    [
        (70, 60, 80, True),
        (70, 75, 80, False),
        (90, 95, 80, True),
        (0.5, 0.4, 0.8, True),
        (1, 2, "text", False),
        (share(75), share(60), 80, True),
        (share(75), share(150, 200), 80, False),
        (share(0, 0), share(1), 80, False),
        (gap(50, 70), gap(40, 70), 80, True),
        (gap(50, 70), gap(60, 70), 80, False),
        (gap(50, 70), gap(50, 90), 80, True),
        ("2026-01-01", "2025-01-01", 365, True),
        ("2026-01-01", "2026-02-01", 365, False),
        ("2027-01-01", "2028-01-01", "2026-11-25T00:00:00Z", True),
        ("2028-01-01", "2027-01-01", "2026-11-25T00:00:00Z", False),
        (["a"], ["a", "b"], ["a", "b", "c"], True),
        (["a", "b"], ["b"], ["a", "b"], False),
        (["a"], ["a", "a"], "closed", True),
        (["a"], ["a", "b"], 3, False),
        ({"name": "x", "value": 3}, {"name": "x", "value": 2}, 4, True),
        ({"name": "x", "lacking": ["a"]}, {"name": "x", "lacking": ["a", "b"]}, ["a", "b"], True),
        ({"name": "x", "lacking": ["a"]}, {"name": "x"}, ["a", "b"], False),
        ("a", "b", "c", False),
        (None, None, None, False),
    ],
)
def test_further_from_what_is_required_is_worse(before: Any, now: Any, required: Any, *, expected: bool) -> None:
    assert worse(before, now, required) is expected
    assert not worse(before, before, required)


def test_the_same_gap_that_grows_is_one_change_and_another_group_another() -> None:
    first = decision(violation(gap(50, 70)))
    assert differences(first, decision(violation(gap(40, 71)))) == ([DENIES], [])
    assert differences(first, decision(violation(gap(55, 70)))) == ([], [])
    other = {**gap(50, 70), "group": "h"}
    assert differences(first, decision(violation(gap(50, 70)), violation(other))) == ([DENIES], [])
    assert differences(first, decision(violation(other))) == ([DENIES], [])
