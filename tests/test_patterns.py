# SPDX-License-Identifier: Apache-2.0
"""Patterns in schemas cost what their input is long, however somebody chose it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from qaqpa.documents import schema
from qaqpa.resources import SCHEMAS

LENGTH = 100_000


def _patterns(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"]
        yield from value.get("patternProperties", {}) if isinstance(value.get("patternProperties"), dict) else ()
        for inner in value.values():
            yield from _patterns(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _patterns(inner)


PATTERNS = sorted({found for path in SCHEMAS.rglob("*.json") for found in _patterns(json.loads(path.read_bytes()))})


def test_there_are_patterns() -> None:
    assert len(PATTERNS) > 15


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_is_taken_by_the_linear_engine_and_matched_in_time(pattern: str) -> None:
    validator = jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    pieces = ["a", "A-", "0", "/", "a/", "http://", "..", "*", "\u0301", "-0", "a0_"]
    began = time.perf_counter()
    for piece in pieces:
        validator.is_valid(piece * (LENGTH // len(piece)) + "\n!")
    assert time.perf_counter() - began < 5


def test_a_schema_whose_pattern_needs_backtracking_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "load_schema", lambda _: {"pattern": "^(?=(a+)+$)b"})
    schema.validator.cache_clear()
    try:
        with pytest.raises(jsonschema_rs.ValidationError):
            schema.validator("backtracking")
    finally:
        schema.validator.cache_clear()
