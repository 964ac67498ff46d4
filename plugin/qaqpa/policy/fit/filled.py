# SPDX-License-Identifier: Apache-2.0
"""Whether somebody filled in what `qaqpa new control` wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from qaqpa.documents import Document, parse_yaml
from qaqpa.model import Json
from qaqpa.policy.fit.parts import Problems
from qaqpa.policy.opa import PolicyError
from qaqpa.resources import TEMPLATES

_PLACE = re.compile(r"@[A-Z]+@")

Path = tuple[str | int, ...]


def filled_problems(document: Document) -> Problems:
    """The texts of a card, a profile or an act that are still those of its template, in any language."""
    for path, text in _texts(document.value, ()):
        if "texts" in path and text in _to_fill_in():
            yield PolicyError(
                f"{'.'.join(map(str, path))}: this is the text of the template, “{text}”",
                where=document.where(path),
                required="a text of your own",
                mend="Fill it in",
            )


@lru_cache(maxsize=1)
def _to_fill_in() -> frozenset[str]:
    found: set[str] = set()
    for name in ("card", "law", "profile"):
        source = _PLACE.sub("x", (TEMPLATES / f"{name}.txt").read_text("utf-8"))
        found.update(text for path, text in _texts(parse_yaml(source, name).value, ()) if "texts" in path)
    return frozenset(found)


def _texts(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield from _texts(child, (*path, name))
