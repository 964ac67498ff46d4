# SPDX-License-Identifier: Apache-2.0
"""Follows the field of a violation into the content of evidence, to the very item that it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qaqpa.model import Json

# The fields by which schemas name the items of their lists.
_NAMING = (
    "id",
    "name",
    "item",
    "point",
    "attribute",
    "group",
    "subgroup",
    "metric",
    "code",
    "role",
    "post",
    "approver",
    "function",
    "phase",
    "jurisdiction",
    "feature",
    "data_set",
    "category",
    "medium",
    "vendor",
)

Path = tuple[str | int, ...]
"""Keys of objects and positions in lists, from the outermost in."""


def pointer(content: Json, field: Json, found: Json) -> Path:
    """The path of a field as `datasets/collected_to`, as far as it exists.

    Args:
        content: what the file holds.
        field: names of fields, with slashes between; a list on the way is entered at the item that `found` names, and
            nowhere where it names none.
        found: what the violation found.
    """
    path: Path = ()
    value = content
    for step in _steps(value, field):
        value, path = _entered(value, path, found)
        if not isinstance(value, Mapping) or step not in value:
            return path
        value, path = value[step], (*path, step)
    return _entered(value, path, found)[1]


def named(found: Json) -> list[tuple[str, Json]]:
    """The fields of what was found that name what it is about, as pairs; none where nothing does."""
    return [(key, found[key]) for key in _NAMING if key in found] if isinstance(found, Mapping) else []


def _steps(content: Json, field: Json) -> list[str]:
    steps = [step for step in field.split("/") if step] if isinstance(field, str) else []
    # A statement that nobody signed holds its content deeper.
    nested = isinstance(content, Mapping) and "predicate" in content and steps[:1] != ["predicate"]
    return ["predicate", *steps] if nested and steps else steps


def _entered(value: Json, path: Path, found: Json) -> tuple[Json, Path]:
    """The item of a list that is meant; the list where it cannot be told, and anything else as it is."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return value, path
    best, position = max(
        ((_likeness(item, found), -number) for number, item in enumerate(value)), default=(0, 0), key=lambda pair: pair
    )
    return (value[-position], (*path, -position)) if best else (value, path)


def _likeness(item: Json, found: Json) -> int:
    """How much an item is what was found: 0 where it is not."""
    if isinstance(item, Mapping):
        if isinstance(found, Mapping):
            names = [key for key in _NAMING if key in item and key in found]
            return len(names) if all(_same(item[key], found[key]) for key in names) else 0
        wanted = found if isinstance(found, (list, tuple)) else [found]
        return int(any(_same(item[key], one) for key in _NAMING if key in item for one in wanted))
    if isinstance(found, (list, tuple)):
        return int(any(_same(item, one) for one in found))
    return int(_same(item, found))


def _same(one: Json, other: Json) -> bool:
    return type(one) is type(other) and bool(one == other)
