# SPDX-License-Identifier: Apache-2.0
"""Which values differ from the base: named, in an order that hides no limit, and bounded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.directory import Directory
from qaqpa.model import Subject
from qaqpa.review.values import MAX_SHOWN, changed_values


def directory(**files: dict[str, Any]) -> Directory:
    """One with drafts, by the name of the file."""
    drafts = [
        Carried(
            f"anywhere/evidence/{name}.yaml", json.dumps({"kind": "evaluation", **content}), "evaluation", draft=True
        )
        for name, content in files.items()
    ]
    return Directory(Subject("credit"), drafts, [])


def told(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """The values that are told of one file."""
    found: list[str] = []
    for note in changed_values(directory(one=old), directory(one=new)):
        values = note.values.get("values", ())
        assert isinstance(values, Sequence)
        found += values
    return found


def metric(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "value": 0.801, "threshold": 0.7, "declared_on": "2026-01-05", **changes}


def test_a_limit_that_was_lowered_with_what_was_measured_is_named_first() -> None:
    old = {"metrics": [metric("auc"), metric("recall")]}
    new = {"metrics": [metric("recall"), metric("auc", value=0.651, threshold=0.6)], "note": "x"}
    assert told(old, new) == ["metrics/auc/threshold: 0.7 → 0.6", "metrics/auc/value: 0.801 → 0.651", "note: — → x"]


def test_what_is_the_same_and_what_came_or_went_as_a_whole_is_not_told() -> None:
    assert told({"a": 1, "b": [1.0]}, {"b": [1], "a": 1.0}) == []
    assert list(changed_values(directory(one={"a": 1}), directory(one={"a": 1}, two={"a": 2}))) == []
    assert list(changed_values(directory(), directory(one={"a": 1}))) == []


def test_a_file_that_was_renamed_is_compared_with_the_only_one_left_of_its_kind() -> None:
    [note] = changed_values(directory(one={"a": 1}, same={"a": 0}), directory(two={"a": 2}, same={"a": 0}))
    assert note.values == {"file": "evidence/two.yaml", "values": ["a: 1 → 2"]}
    assert list(changed_values(directory(one={"a": 1}), directory(two={"a": 2}, three={"a": 3}))) == []


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        (True, 1, "a: true → 1"),
        (None, False, "a: — → false"),
        (["x"], ["x", "y"], 'a: ["x"] → ["x", "y"]'),
        ([{"n": 147}, {"n": 2}], [{"n": 134}, {"n": 2}], "a/1/n: 147 → 134"),
        ([{"n": 1}], [], 'a: [{"n": 1}] → []'),
        ("2027-05-01", "2026-12-01", "a: 2027-05-01 → 2026-12-01"),
        ("red\x1b[31m\n", "\u202eblue", "a: red\\u001b[31m\\u000a → \\u202eblue"),
    ],
)
def test_a_value_is_shown_as_it_was_and_as_it_is(old: object, new: object, shown: str) -> None:
    assert told({"a": old}, {"a": new}) == [shown]


def test_long_texts_are_shown_where_they_differ() -> None:
    [shown] = told({"a": "word " * 100 + "good"}, {"a": "word " * 100 + "bad"})
    assert shown == "a: …word word good → …word word bad"


def test_words_cannot_push_out_a_limit_and_what_is_left_out_is_counted() -> None:
    many = {f"field{number}": "x" * 5000 for number in range(40)}
    old = {**many, "metrics": [metric("auc")]}
    new = {**dict.fromkeys(many, "y" * 5000), "metrics": [metric("auc", threshold=0.1)]}
    notes = list(changed_values(directory(one=old), directory(one=new)))
    shown = told(old, new)
    assert shown[0] == "metrics/auc/threshold: 0.7 → 0.1"
    assert len(shown) == MAX_SHOWN
    assert notes[-1].values == {"file": "evidence/one.yaml", "count": 41 - MAX_SHOWN}
    assert all(len(", ".join(note.values["values"])) < 600 for note in notes[:-1])  # type: ignore[arg-type]
