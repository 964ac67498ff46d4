# SPDX-License-Identifier: Apache-2.0
"""A parsed file, with the place of every value, and what no file may hold."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.model import Json

MAX_BYTES = 1 << 20
"""Largest file that is read, in bytes."""

MAX_DEPTH = 40
"""Deepest nesting that is read."""

_MAX_INTEGER = (1 << 53) - 1
_LONGEST_NAME = 5000
_SURROGATE = re.compile("[\ud800-\udfff]")

Pointer = tuple[str | int, ...]


def shown_name(name: str) -> str:
    """The name of a file for messages: on one line, whatever somebody called it."""
    return visible(name, _LONGEST_NAME)


class DocumentError(UsageError):
    """A file cannot be read, or does not fit its schema."""


@dataclass(frozen=True)
class Document:
    """A parsed file: its value, its name, and line and column (from 1) of every value, and of every key, by path."""

    value: Json
    name: str
    marks: Mapping[Pointer, tuple[int, int]] = field(repr=False, default_factory=dict)
    keys: Mapping[Pointer, tuple[int, int]] = field(repr=False, default_factory=dict)

    def where(self, pointer: Sequence[str | int] = ()) -> str:
        """`path:line:column` of a value, or of the nearest value around it; only the name where no place is known."""
        if not self.marks:
            return shown_name(self.name)
        path = tuple(pointer)
        while path and path not in self.marks:
            path = path[:-1]
        line, column = self.marks.get(path, (1, 1))
        return f"{shown_name(self.name)}:{line}:{column}"

    def where_key(self, pointer: Sequence[str | int]) -> str:
        """`path:line:column` of the key of a value, which may stand lines above a value that is a block."""
        found = self.keys.get(tuple(pointer))
        return f"{shown_name(self.name)}:{found[0]}:{found[1]}" if found else self.where(pointer)


def refuse_odd_values(document: Document) -> None:
    """Refuses what the two policy engines, or JSON readers elsewhere, could read differently."""
    if _plain(document.value, MAX_DEPTH):
        return
    depth = 0
    level: list[tuple[Pointer, Json]] = [((), document.value)]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            where = document.where(level[0][0])
            raise DocumentError("The file is nested too deeply", where=where, required=f"at most {MAX_DEPTH} levels")
        for pointer, item in level:
            odd = _odd(item)
            if odd:
                raise DocumentError(odd, where=document.where(pointer))
        level = [child for pointer, item in level for child in _children(pointer, item)]


def _plain(value: Json, levels: int) -> bool:
    """True where nothing is odd. It notes no places, and so takes a fraction of the time of looking for them."""
    if isinstance(value, str):
        return value.isascii() or not _SURROGATE.search(value)
    if isinstance(value, dict):
        return levels > 0 and all(_plain(key, 1) and _plain(item, levels - 1) for key, item in value.items())
    if isinstance(value, list):
        return levels > 0 and all(_plain(item, levels - 1) for item in value)
    return not _odd(value)


def _odd(item: Json) -> str:
    if isinstance(item, float) and not math.isfinite(item):
        return "A number is not finite"
    if isinstance(item, int) and abs(item) > _MAX_INTEGER:
        return "A whole number is too large, beyond 2^53 - 1"
    if isinstance(item, str) and _SURROGATE.search(item):
        return "A text has half a character (a lone surrogate)"
    return ""


def _children(pointer: Pointer, item: Json) -> Iterator[tuple[Pointer, Json]]:
    if isinstance(item, dict):
        for key, value in item.items():
            yield (*pointer, key), key
            yield (*pointer, key), value
    elif isinstance(item, list):
        yield from (((*pointer, number), value) for number, value in enumerate(item))
