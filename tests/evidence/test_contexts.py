# SPDX-License-Identifier: Apache-2.0
"""Which context holds: the highest version that was ever signed, or none."""

from __future__ import annotations

from typing import Any

import pytest

from qaqpa.evidence.contexts import Candidate, choose
from qaqpa.evidence.statement import parse_statement
from support.contents import context
from support.statements import payload


def candidate(version: int, *, authentic: bool = True, strong: bool = True, **changes: Any) -> Candidate:
    statement = parse_statement(payload(context(version=version, **changes)).decode())
    return Candidate(statement, None, authentic, strong)


@pytest.mark.parametrize(
    ("candidates", "version", "problem"),
    [
        ([], None, None),
        ([candidate(1)], 1, None),
        ([candidate(1), candidate(2)], 2, None),
        ([candidate(1), candidate(2, strong=False)], None, None),
        ([candidate(1), candidate(2, strong=False, authentic=False)], 1, None),
        ([candidate(1, authentic=False)], 1, None),
        ([candidate(1), candidate(1, title="x")], None, "context_conflict"),
        ([candidate(1), candidate(1, title="x", strong=False)], None, "context_conflict"),
        ([candidate(1), candidate(1, title="x", strong=False, authentic=False)], 1, None),
        ([candidate(1), candidate(1, strong=False)], 1, None),
        ([candidate(1), candidate(1, title="x"), candidate(2)], 2, None),
    ],
)
def test_the_highest_version_that_was_ever_signed_holds_or_none(
    candidates: list[Candidate], version: int | None, problem: str | None
) -> None:
    for order in (candidates, candidates[::-1]):
        chosen, found = choose(order)
        assert (chosen.content["version"] if chosen else None) == version
        assert (found.code if found else None) == problem


def test_what_does_not_hold_says_why() -> None:
    low, high = candidate(1), candidate(2)
    weak = candidate(3, strong=False, authentic=False)
    assert high.objection(high.statement) is None
    codes = [
        found.code
        for found in (low.objection(high.statement), weak.objection(high.statement), low.objection(None))
        if found
    ]
    assert codes == ["other_context", "context_unsigned", "other_context"]
