# SPDX-License-Identifier: Apache-2.0
"""Reads JSON strictly: duplicate keys, NaN and infinities are refused, and every value keeps its place."""

from __future__ import annotations

import json
from collections.abc import Mapping

import yaml

from qaqpa.documents.document import Document, DocumentError, Pointer, refuse_odd_values
from qaqpa.documents.yaml_reader import build
from qaqpa.model import Json

# White space and line breaks to YAML 1.1, which in JSON are none, or not allowed.
_JSON_AS_YAML = str.maketrans({"\t": " ", "\x85": "?", "\u2028": "?", "\u2029": "?"})

_Places = Mapping[Pointer, tuple[int, int]]


def parse_json(text: str, name: str, *, places: bool = True) -> Document:
    """Parses JSON; duplicate keys, NaN and infinities are refused.

    Args:
        text: the JSON.
        name: the file's name, for messages.
        places: note where each value stands, which takes hundreds of times longer than to read it.

    Raises:
        DocumentError: with line and column where the parser knows them.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise DocumentError(f"This is not JSON: {error.msg}", where=f"{name}:{error.lineno}:{error.colno}") from error
    except (_StrictError, RecursionError, ValueError) as error:
        where = _refused_at(text, name) if places else name
        raise DocumentError(f"This JSON is refused: {error}", where=where) from error
    marks, keys = _json_places(text) if places else ({}, {})
    document = Document(value, name, marks, keys)
    refuse_odd_values(document)
    return document


class _StrictError(Exception):
    """What the strict reader refuses although the format would allow it."""


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in pairs:
        if key in found:
            raise _StrictError(f"the key {key!r} stands twice")
        found[key] = value
    return found


def _no_constant(name: str) -> Json:
    raise _StrictError(f"{name} is not a number")


def _as_yaml(text: str) -> str:
    """JSON so that the YAML reader takes it, with every value at its place."""
    return str(yaml.reader.Reader.NON_PRINTABLE.sub("?", text.translate(_JSON_AS_YAML)))


def _json_places(text: str) -> tuple[_Places, _Places]:
    """The places of values and of keys."""
    try:
        found = build(_as_yaml(text), "")
    except DocumentError:
        return {}, {}
    return found.marks, found.keys


def _refused_at(text: str, name: str) -> str:
    """The place at which the YAML reader refuses JSON too: that of a second key, of a long number."""
    try:
        build(_as_yaml(text), name)
    except DocumentError as error:
        return error.where
    return name
