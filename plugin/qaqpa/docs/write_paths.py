# SPDX-License-Identifier: Apache-2.0
"""The page on every way to write to an MLflow server, made of the table that the server itself starts by."""

from __future__ import annotations

from collections.abc import Iterator

from qaqpa.docs.markdown import page
from qaqpa.mlflow.writes import (
    CHANGES,
    DEMOTES,
    DESTROYS,
    HARMLESS,
    KNOWN,
    PROMOTES,
    SURFACES,
    Row,
    rows,
)
from qaqpa.report.markdown_text import table

_EFFECTS = {
    PROMOTES: "can bring a model into production",
    CHANGES: "can change what a decision rests on",
    DESTROYS: "can take away what a decision rests on",
    DEMOTES: "takes a model out of production",
    HARMLESS: "neither",
}
_GUARDS = {
    "judged": "**judged**",
    "refused": "**refused**",
    "checked": "**refused where it would hurt**",
    "free": "always works",
    "outside": "**out of reach of software**",
    "none": "nothing",
}
_SURFACES = {
    "registry": "registry store",
    "tracking": "tracking store",
    "workspaces": "workspace store",
    "artifacts": "artifact store",
    "rpc": "procedures",
    "routes": "routes",
    "graphql": "GraphQL mutations",
}
_TITLE = "# Every way to write to an MLflow server"
_HEAD = (
    "What can be called on an MLflow server, what it can do to a model in production, and what Qaqpa does about it.\n"
    "The server itself starts by this table: when the installed MLflow has a way to write that is not in it, it does\n"
    f"not start, and says which. The way out is a newer Qaqpa, or MLflow {KNOWN[0]} to {KNOWN[-1]}, with which the\n"
    "table was compared."
)
_TRIED = (
    "[Attacks](../attack-suite.md) try them on real servers: what came back, and that the registry and the files are\n"
    "the same afterwards."
)


def write_paths_document() -> str:
    """The page."""
    found = sorted(rows(), key=lambda row: list(_EFFECTS).index(row.effect))
    lines = [(row.what, _EFFECTS[row.effect], f"{_GUARDS[row.guard]}. {row.says}") for row in found]
    calls = "\n".join(_calls(row) for row in found if any(row.calls.values()))
    headers = ("what somebody does", "what it can do", "what happens")
    return page(_TITLE, _HEAD, _TRIED, table(headers, lines), "## The calls", calls)


def _calls(row: Row) -> str:
    return f"- **{row.what}**\n" + "".join(_named(row))


def _named(row: Row) -> Iterator[str]:
    for surface in SURFACES:
        names = [f"`{name}`{_since(row, name)}" for name in row.calls[surface]]
        if names:
            yield f"  - {_SURFACES[surface]}: {', '.join(names)}\n"


def _since(row: Row, name: str) -> str:
    return f" (MLflow {row.since[name]} and later)" if name in row.since else ""
