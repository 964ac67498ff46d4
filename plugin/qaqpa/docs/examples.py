# SPDX-License-Identifier: Apache-2.0
"""Which examples show a control failing or warning, as each example says what is expected of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qaqpa.documents import read

_TELLING = ("fail", "warn")


@dataclass(frozen=True)
class Example:
    """A variant of an example, `<name>/<variant>`, and the status that a control has there."""

    place: str
    status: str


def examples_of(directory: Path) -> Mapping[str, Sequence[Example]]:
    """By control, the examples below a directory in which it fails or warns, those first in which it fails.

    Raises:
        DocumentError: a file with expectations cannot be read.
    """
    found: dict[str, list[Example]] = {}
    for control, example in _examples(directory):
        found.setdefault(control, []).append(example)
    return {control: sorted(listed, key=_order) for control, listed in found.items()}


def _examples(directory: Path) -> Iterator[tuple[str, Example]]:
    for path in sorted(directory.glob("*/*/expected.json")):
        place = path.parent.relative_to(directory).as_posix()
        expected = read(path).value
        for control, status in _worst(expected.get("cases", [expected])).items():
            yield control, Example(place, status)


def _worst(cases: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """The controls that fail or warn in any of the cases, each with the worst."""
    told = [(control, status) for case in cases for control, status in case["controls"].items() if status in _TELLING]
    # The worst comes last, and stays.
    return dict(sorted(told, key=lambda one: -_TELLING.index(one[1])))


def _order(example: Example) -> tuple[int, str]:
    return _TELLING.index(example.status), example.place
