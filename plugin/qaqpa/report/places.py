# SPDX-License-Identifier: Apache-2.0
"""Where in a file stands what a finding is about."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

from qaqpa.documents import Document, read
from qaqpa.errors import QaqpaError
from qaqpa.model import Evidence, JsonObject, Request
from qaqpa.report.codes import nearest_first
from qaqpa.report.judged import Place
from qaqpa.report.pointers import pointer

CONTEXT = "context.yaml"
"""The file of a directory that names the models."""

_CONFIGURATION = "qaqpa.yaml"
_MODEL = ("models", 0, "name")


class Places:
    """Finds places in the files that were judged. It never fails: where a file cannot be read again, it is its start.

    Args:
        request: what was decided about.
        directory: the directory that it came from, as it was named; None for a registry, which has no files.
        configuration: the configuration file; None where there is none.
    """

    def __init__(
        self, request: Request, directory: str | Path | None = None, configuration: str | Path | None = None
    ) -> None:
        self._facts = {fact.id: fact for fact in request.evidence}
        self._rejected = request.rejected
        self._directory = None if directory is None else Path(directory)
        self._configuration = configuration
        self._read: dict[str, Document | None] = {}

    @property
    def configuration(self) -> str:
        """The configuration file below the working directory, or what it is usually called."""
        named = self._configuration
        return (inside(str(named)) if named else None) or _CONFIGURATION

    def fact(self, identity: str) -> Evidence | None:
        """The evidence with an id; None for one that was not judged."""
        return self._facts.get(identity)

    def of_violation(self, violation: JsonObject) -> Place | None:
        """The field that a violation is about; None where there are no files.

        Evidence that was refused is meant as its file, and what is missing as the name of the model in the context.
        """
        if self._directory is None:
            return None
        fact = self._facts.get(violation["evidence"])
        if fact is not None:
            return self._in_file(fact.source, violation)
        kind = violation["field"]
        if violation["code"] == "evidence_refused":
            refused = {refusal.code: refusal.source for refusal in self._rejected if refusal.kind == kind}
            source = refused[nearest_first(refused)[0]] if refused else ""
        else:
            weak = violation["code"] == "evidence_too_weak"
            source = next((own.source for own in self._facts.values() if weak and own.kind == kind), "")
        return _start(source) if source else self.of_subject()

    def of_source(self, source: str) -> Place | None:
        """The file that carried evidence; None where there are no files."""
        return None if self._directory is None else _start(source)

    def of_subject(self) -> Place | None:
        """The name of the model in the context, the context where it is not read; None where there are no files."""
        if self._directory is None:
            return None
        return self._at(str(self._directory / CONTEXT), _MODEL)

    def of_context(self, field: str) -> Place | None:
        """A field of the context, the context where it does not have it; None where there are no files."""
        if self._directory is None:
            return None
        return self._at(str(self._directory / CONTEXT), (field,))

    def _in_file(self, source: str, violation: JsonObject) -> Place | None:
        document = self._document(source)
        if document is None:
            return _start(source)
        return self._at(source, pointer(document.value, violation["field"], violation["found"]))

    def _at(self, source: str, path: tuple[str | int, ...]) -> Place | None:
        file, document = _shown(source), self._document(source)
        if file is None or document is None:
            return _start(source)
        while path and path not in document.marks and path not in document.keys:
            path = path[:-1]
        line, column = document.keys.get(path) or document.marks.get(path) or (1, 1)
        return Place(file, line, column)

    def _document(self, source: str) -> Document | None:
        """A file as it is now; None where it cannot be read."""
        if source not in self._read:
            try:
                self._read[source] = read(source)
            except (QaqpaError, OSError, ValueError):
                self._read[source] = None
        return self._read[source]


def inside(file: str) -> str | None:
    """A file as a path with slashes below the working directory; None for one outside, and for what is no path."""
    if not file or "\0" in file:
        return None
    plain = PurePath(os.path.normpath(file))
    if plain.is_absolute():
        try:
            plain = plain.relative_to(Path.cwd())
        except (ValueError, OSError):
            return None
    return None if plain.parts[:1] == ("..",) else plain.as_posix()


def _shown(file: str) -> str | None:
    """A file below the working directory as for `inside`; elsewhere only one that was named from the root on."""
    return inside(file) or (file if PurePath(file).is_absolute() and "\0" not in file else None)


def _start(source: str) -> Place | None:
    file = _shown(source)
    return Place(file) if file else None
