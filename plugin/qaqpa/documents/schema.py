# SPDX-License-Identifier: Apache-2.0
"""Validates documents against the JSON Schemas, with line and column of every error."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import jsonschema_rs

from qaqpa import times
from qaqpa.documents.document import Document, DocumentError
from qaqpa.resources import SCHEMAS

_MAX_ERRORS = 10
_MAX_QUOTED = 200
_FORMATS = {"date": times.is_day, "date-time": times.is_moment}


def validate(document: Document, schema: str) -> None:
    """Validates a document against `schemas/<schema>.json`.

    Raises:
        DocumentError: naming file, line and column of every error, at most ten.
    """
    problems = [
        f"{document.where(_place(error))}: {_message(error)}"
        for error in sorted(
            validator(schema).iter_errors(document.value), key=lambda e: list(map(str, e.instance_path))
        )
    ]
    if problems:
        more = [f"and {len(problems) - _MAX_ERRORS} more"] if len(problems) > _MAX_ERRORS else []
        raise DocumentError(
            "\n".join([*problems[:_MAX_ERRORS], *more]), mend=f"The fields are described in schemas/{schema}.json"
        )


@lru_cache(maxsize=64)
def validator(schema: str) -> Any:
    """The compiled validator of `schemas/<schema>.json`; it asserts formats."""
    return jsonschema_rs.validator_for(load_schema(schema), validate_formats=True, formats=_FORMATS)


@lru_cache(maxsize=64)
def load_schema(schema: str) -> Any:
    """The JSON Schema `schemas/<schema>.json` as parsed JSON."""
    return json.loads((SCHEMAS / f"{schema}.json").read_bytes())


def _place(error: Any) -> list[str | int]:
    path = list(error.instance_path)
    unexpected = re.match(r"Additional properties are not allowed \('(.*?)'", error.message)
    return [*path, unexpected[1]] if unexpected else path


def _message(error: Any) -> str:
    field_name = ".".join(str(part) for part in error.instance_path) or "the document"
    message = error.message if len(error.message) <= _MAX_QUOTED else f"{error.message[:_MAX_QUOTED]}…"
    # A field's name is whatever somebody wrote, and must not begin a line of its own.
    return " ".join(f"{field_name}: {message}".split())
