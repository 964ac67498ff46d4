# SPDX-License-Identifier: Apache-2.0
"""A page as sections with lines, whatever it is printed on: a terminal, or Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qaqpa.report.texts import Texts


@dataclass(frozen=True)
class Line:
    """A line: its text, after the name of what it is about where that has one, and what is said below it."""

    text: str
    name: str = ""
    below: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A part of a page. `key` is the code of its title, the same in every language."""

    key: str
    title: str
    lines: tuple[Line, ...]


def section(key: str, texts: Texts, lines: Iterable[Line | str]) -> Section:
    """A section with its title in the language of the texts; where there is nothing to say, it says so."""
    found = tuple(line if isinstance(line, Line) else Line(line) for line in lines if line)
    return Section(key, texts.say(key), found or (Line(texts.say("explain.none")),))


def joined(parts: Iterable[str], separator: str = "; ") -> str:
    """Parts in one text, without those that say nothing."""
    return separator.join(part for part in parts if part)


def labelled(label: str, names: Iterable[str]) -> str:
    """Names after what they are; nothing where there are none."""
    found = ", ".join(names)
    return f"{label}: {found}" if found else ""
