# SPDX-License-Identifier: Apache-2.0
"""Patterns for files of a repository: `*` stands for any characters of a name, `**` for any directories.

Names are compared exactly, case included. A pattern is about files; what ends in `/**` is about all below.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence

_ODD = re.compile(r"[\x00-\x1f\\]")


def objection(path: str) -> str:
    """Why a text is no path or pattern below the top of a repository; empty where it is one."""
    parts = path.split("/")
    if _ODD.search(path):
        return "it has a control character or a backslash"
    if path.startswith("/"):
        return "it begins with /"
    if any(part in {"", ".", ".."} for part in parts):
        return "it has an empty part, or one that is . or .."
    if any("**" in part and part != "**" for part in parts):
        return "** has to stand alone between slashes"
    return ""


def fits(path: str, patterns: Sequence[str]) -> bool:
    """True where one of the patterns is about a file, given from the top of the repository with slashes."""
    names = path.split("/")
    return any(_fits(names, pattern.split("/")) for pattern in patterns)


def may_hold(path: str, patterns: Sequence[str]) -> bool:
    """True where one of the patterns is about a path, or could be about a file below it."""
    names = path.split("/")
    return any(_met(names, pattern.split("/")) for pattern in patterns)


def _fits(names: Sequence[str], parts: Sequence[str]) -> bool:
    return len(parts) in _met(names, parts)


def _met(names: Sequence[str], parts: Sequence[str]) -> set[int]:
    """Which beginnings of a pattern are met, kept name by name: hostile names must not make it slow."""
    met = _skipping({0}, parts)
    for name in names:
        met = _skipping({after for at in met if at < len(parts) for after in _after(at, name, parts)}, parts)
    return met


def _after(at: int, name: str, parts: Sequence[str]) -> Iterator[int]:
    """How far a pattern is met once one more name was read; `**` can go on, and at the end is met."""
    if parts[at] != "**":
        if fnmatch.fnmatchcase(name, _literal(parts[at])):
            yield at + 1
        return
    yield at
    if at + 1 == len(parts):
        yield at + 1


def _skipping(met: set[int], parts: Sequence[str]) -> set[int]:
    """`**` stands for no directory too, but at the end for one name at least."""
    found = set(met)
    for at in met:
        following = at
        while following < len(parts) - 1 and parts[following] == "**":
            following += 1
            found.add(following)
    return found


def _literal(part: str) -> str:
    return part.replace("[", "[[]").replace("?", "[?]")
