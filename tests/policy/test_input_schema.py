# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
from typing import Any

import pytest

from qaqpa.errors import UndecidedError
from qaqpa.policy.check import check_input
from qaqpa.policy.input_schema import LAST_SECOND, input_schema, render
from qaqpa.policy.samples import samples
from qaqpa.resources import SCHEMAS


@pytest.fixture
def document() -> Any:
    everything = list(samples(["article-baseline"]))[1]
    return copy.deepcopy(everything)


def test_schema_of_the_checkout_is_up_to_date() -> None:
    assert (SCHEMAS / "input.json").read_text("utf-8") == render(), "run `python -m qaqpa.policy.compile`"


def test_schema_stands_alone() -> None:
    references: list[str] = []

    def collect(node: Any) -> None:
        if isinstance(node, dict):
            references.extend(value for name, value in node.items() if name == "$ref")
            for child in node.values():
                collect(child)
        elif isinstance(node, list):
            for child in node:
                collect(child)

    collect(input_schema())
    assert references
    assert {reference.rpartition("/")[0] for reference in references} == {"#/$defs"}
    assert {reference.rpartition("/")[2] for reference in references} <= set(input_schema()["$defs"])


def test_complete_document_fits(document: Any) -> None:
    check_input(document)


@pytest.mark.parametrize("seconds", [-1, LAST_SECOND + 1, 1.5, "1", None])
def test_moment_outside_the_calendar_is_refused(document: Any, seconds: Any) -> None:
    document["now"]["seconds"] = seconds
    with pytest.raises(UndecidedError, match="now/seconds"):
        check_input(document)


def test_date_as_text_is_refused(document: Any) -> None:
    document["evidence"]["bias"][0]["predicate"]["tested_on"] = "2026-11-23"
    with pytest.raises(UndecidedError, match="evidence/bias/0/predicate/tested_on"):
        check_input(document)


@pytest.mark.parametrize("place", [(), ("subject",), ("settings",), ("context",), ("evidence",)])
def test_unknown_field_is_refused(document: Any, place: tuple[str, ...]) -> None:
    target = document
    for step in place:
        target = target[step]
    target["surprise"] = 1
    with pytest.raises(UndecidedError, match="surprise"):
        check_input(document)


@pytest.mark.parametrize("name", ["now", "stage", "profiles", "settings", "subject", "context", "evidence", "problems"])
def test_missing_part_is_refused(document: Any, name: str) -> None:
    del document[name]
    with pytest.raises(UndecidedError, match=name):
        check_input(document)


@pytest.mark.parametrize("document", [None, [], "x", {"now": float("nan")}, {1: 2}])
def test_what_is_no_document_is_refused(document: Any) -> None:
    with pytest.raises(UndecidedError):
        check_input(document)
