# SPDX-License-Identifier: Apache-2.0
"""Validates documents against the JSON Schemas, with line and column of every error."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import jsonschema_rs

from qaqpa import times
from qaqpa.documents.document import Document, DocumentError
from qaqpa.resources import SCHEMAS

_MAX_ERRORS = 10
_MAX_QUOTED = 200
_Kinds = jsonschema_rs.ValidationErrorKind
_FORMATS = {"date": times.is_day, "date-time": times.is_moment}
_WRITTEN = {"date": "2026-12-02", "date-time": "2026-12-02T09:30:00Z"}


def validate(document: Document, schema: str) -> None:
    """Validates a document against `schemas/<schema>.json`.

    Raises:
        DocumentError: naming file, line and column of every error, at most ten.
    """
    found = sorted(validator(schema).iter_errors(document.value), key=lambda e: list(map(str, e.instance_path)))
    problems = [problem for error in found for problem in _problems(document, error)]
    if problems:
        more = [f"and {len(problems) - _MAX_ERRORS} more"] if len(problems) > _MAX_ERRORS else []
        raise DocumentError("\n".join([*problems[:_MAX_ERRORS], *more]), mend=_mend(schema))


@lru_cache(maxsize=64)
def validator(schema: str) -> Any:
    """The compiled validator of `schemas/<schema>.json`; it asserts formats.

    Patterns are matched in linear time: one that would need backtracking is none that this engine takes.
    """
    return jsonschema_rs.validator_for(
        load_schema(schema), validate_formats=True, formats=_FORMATS, pattern_options=jsonschema_rs.RegexOptions()
    )


@lru_cache(maxsize=64)
def load_schema(schema: str) -> Any:
    """The JSON Schema `schemas/<schema>.json` as parsed JSON."""
    return json.loads((SCHEMAS / f"{schema}.json").read_bytes())


def _mend(schema: str) -> str:
    folder, _, name = schema.rpartition("/")
    return f"`qaqpa explain {name}` describes the fields" if folder else "`qaqpa init` writes a commented configuration"


def _problems(document: Document, error: Any) -> list[str]:
    """What one error says, with its place; each unexpected field at a place of its own, on the line of its key."""
    path = list(error.instance_path)
    if not isinstance(error.kind, _Kinds.AdditionalProperties):
        return [_problem(document.where(path), path, _message(error))]
    problems = []
    for name in error.kind.unexpected:
        is_block = isinstance(error.instance[name], (dict, list))
        where = document.where_key([*path, name]) if is_block else document.where([*path, name])
        message = f"Additional properties are not allowed ({_short(repr(name))} was unexpected)"
        problems.append(_problem(where, path, message))
    return problems


def _problem(where: str, path: list[str | int], message: str) -> str:
    # A field's name is whatever somebody wrote, and must not begin a line of its own.
    text = " ".join(f"{'.'.join(map(str, path)) or 'the document'}: {message}".split())
    return f"{where}: {text}"


def _message(error: Any) -> str:
    """The library's words, but all of the values where some are allowed, and the fields of which one is required."""
    if isinstance(error.kind, _Kinds.Enum):
        value = json.dumps(error.instance, ensure_ascii=False)
        return f"{_short(value)} is not one of {', '.join(map(str, error.kind.options))}"
    if isinstance(error.kind, _Kinds.AnyOf):
        lacking: list[Any] = [one.kind for branch in error.kind.context for one in branch]
        if all(isinstance(kind, _Kinds.Required) for kind in lacking):
            return f"at least one of {', '.join(dict.fromkeys(kind.property for kind in lacking))} is required"
    if isinstance(error.kind, _Kinds.Format) and error.kind.format in _WRITTEN:
        return f"{_short(error.message)}; it is written as {_WRITTEN[error.kind.format]}"
    return _short(error.message)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_QUOTED else f"{text[:_MAX_QUOTED]}…"
