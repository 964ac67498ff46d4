# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a document that fits its schema, each with its place, to be told all at once."""

from __future__ import annotations

from qaqpa.documents import Document, DocumentError
from qaqpa.documents.document import Pointer
from qaqpa.model import Json

_MAX_TOLD = 10


class Objections:
    """Collects what somebody who reads the document objects to. Its places are those of `document`."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._found: list[str] = []

    def add(self, pointer: Pointer, message: str, *, at_key: bool = False) -> None:
        """Objects to what is at the pointer; with `at_key` the place is that of its key, lines above a block."""
        where = self._document.where_key(pointer) if at_key else self._document.where(pointer)
        # What somebody wrote must not begin a line of its own.
        self._found.append(f"{where}: {' '.join(f'{_path(pointer)}: {message}'.split())}")

    def once(self, seen: dict[Json, str], value: Json, pointer: Pointer, what: str) -> None:
        """Objects where the value was seen before; `seen` says where each value stands first, and is added to."""
        if value in seen:
            self.add(pointer, f"{what} stands twice; first at {seen[value]}")
        seen.setdefault(value, _path(pointer))

    def raise_any(self) -> None:
        """Ends the reading where there are objections.

        Raises:
            DocumentError: with line and column of each, at most ten, and how many more there are.
        """
        if not self._found:
            return
        told = self._found[:_MAX_TOLD]
        more = [f"and {len(self._found) - len(told)} more"] if len(self._found) > len(told) else []
        raise DocumentError("\n".join([*told, *more]))


def _path(pointer: Pointer) -> str:
    return ".".join(map(str, pointer))
