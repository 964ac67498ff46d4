# SPDX-License-Identifier: Apache-2.0
"""The table of every way to write to an MLflow server, `writes.yaml`, and what the installed MLflow has beyond it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

PROMOTES, CHANGES, DEMOTES, DESTROYS, HARMLESS = CLASSES = (
    *("promotes", "changes_evidence", "demotes", "destroys_evidence", "harmless"),
)
"""What a call can do to a model in production, the worst first but for the last two."""

GUARDS = ("judged", "refused", "checked", "free", "outside", "none")
"""What stands before a call; `writes.yaml` explains each."""

SURFACES = ("registry", "tracking", "workspaces", "artifacts", "rpc", "routes", "graphql")
"""Where MLflow offers calls; `writes.yaml` explains each."""

TABLE = Path(__file__).with_name("writes.yaml")

KNOWN = ("3.17.2", "3.18.0")
"""The versions of MLflow with which the table was compared, the lowest first."""

_SINCE = " >="


@dataclass(frozen=True)
class Row:
    """Calls with the same effect. `calls` maps a surface to names; `since` a name to the first MLflow that has it."""

    id: str
    what: str
    effect: str
    guard: str
    says: str
    calls: Mapping[str, tuple[str, ...]]
    since: Mapping[str, str]


@cache
def rows() -> tuple[Row, ...]:
    """The table, in the order of the file."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries = yaml.load(TABLE.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both are safe loaders
    return tuple(_row(entry) for entry in entries)


def _row(entry: Mapping[str, object]) -> Row:
    calls: dict[str, tuple[str, ...]] = {}
    since: dict[str, str] = {}
    for surface in SURFACES:
        listed = entry.get(surface, [])
        split = [str(call).partition(_SINCE) for call in listed] if isinstance(listed, list) else []
        calls[surface] = tuple(name for name, _, _ in split)
        since |= {name: first for name, _, first in split if first}
    return Row(
        id=str(entry["id"]),
        what=str(entry["what"]),
        effect=str(entry["class"]),
        guard=str(entry["guard"]),
        says=str(entry["says"]),
        calls=calls,
        since=since,
    )


def unclassified(offered: Mapping[str, frozenset[str]]) -> list[str]:
    """The calls that are offered and that no row has, each as `surface: name`.

    Args:
        offered: names by surface, as `qaqpa.mlflow.offered.offered` finds them.
    """
    known = {surface: {name for row in rows() for name in row.calls[surface]} for surface in SURFACES}
    return [f"{surface}: {name}" for surface in SURFACES for name in sorted(offered[surface] - known[surface])]


def gone(offered: Mapping[str, frozenset[str]], version: str) -> Iterator[str]:
    """The calls of the table that this version of MLflow should offer and does not, each as `surface: name`."""
    for row in rows():
        for surface in SURFACES:
            for name in row.calls[surface]:
                due = name not in row.since or _number(row.since[name]) <= _number(version)
                if due and name not in offered[surface]:
                    yield f"{surface}: {name}"


def _number(version: str) -> tuple[int, ...]:
    """The release of a version: (3, 17) of both 3.17.2 and 3.17.0rc1."""
    return tuple(int(part) for part in version.split(".")[:2])
