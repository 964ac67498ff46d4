# SPDX-License-Identifier: Apache-2.0
"""Reads YAML strictly, from parser events and without recursion.

The types are those of the core schema of YAML 1.2: `no` is a text, and a date stays the text that was written. Aliases,
anchors, tags and duplicate keys are refused, so that what a reviewer reads is what the gate reads.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import yaml

from qaqpa.documents.document import MAX_DEPTH, Document, DocumentError, Pointer, refuse_odd_values
from qaqpa.model import Json


def parse_yaml(text: str, name: str) -> Document:
    """Parses one YAML document.

    Raises:
        DocumentError: with line and column.
    """
    document = build(text, name)
    refuse_odd_values(document)
    return document


def build(text: str, name: str) -> Document:
    """The document, before its values were looked at; used for JSON as well.

    Raises:
        DocumentError: with line and column.
    """
    builder = _Builder(name)
    loader = None
    try:
        loader = _Loader(text)
        while loader.check_event():
            builder.feed(loader, loader.get_event())  # type: ignore[no-untyped-call]
    except yaml.reader.ReaderError as error:
        line, column = text.count("\n", 0, error.position) + 1, error.position - text.rfind("\n", 0, error.position)
        where = f"{name}:{line}:{column}"
        raise DocumentError(f"This is not YAML: the character U+{error.character:04X}", where=where) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise DocumentError(f"This is not YAML: {error.problem or error.context}", where=where) from error
    except yaml.YAMLError as error:
        raise DocumentError(f"This is not YAML: {error}", where=name) from error
    except (ValueError, OverflowError) as error:
        where = f"{name}:{loader.line + 1}:{loader.column + 1}" if loader else name
        raise DocumentError(f"A character cannot be read: {error}", where=where) from error
    return builder.document()


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the implicit types of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own attribute


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("tag:yaml.org,2002:int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("tag:yaml.org,2002:float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), _first)


class _Builder:
    """Builds a value from parser events without recursion, and notes where each key and each value starts."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stack: list[tuple[Any, Pointer]] = []
        self._key: list[Any] = []
        self._marks: dict[Pointer, tuple[int, int]] = {}
        self._keys: dict[Pointer, tuple[int, int]] = {}
        self._root: list[Json] = []

    def document(self) -> Document:
        if not self._root:
            raise DocumentError("The file is empty", where=f"{self._name}:1:1")
        return Document(self._root[0], self._name, self._marks, self._keys)

    def feed(self, loader: _Loader, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self._refuse(event, "Anchors and aliases are not allowed")
        if isinstance(event, yaml.DocumentStartEvent) and self._root:
            self._refuse(event, "There is more than one document in the file")
        if getattr(event, "tag", None) is not None:
            self._refuse(event, "Tags are not allowed")
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._open(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._stack.pop()
            self._key.pop()
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(loader, event)

    def _open(self, event: yaml.Event) -> None:
        if len(self._stack) >= MAX_DEPTH:
            self._refuse(event, f"Nested more than {MAX_DEPTH} levels deep")
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        path = self._add(event, value)
        self._stack.append((value, path))
        self._key.append(None)

    def _scalar(self, loader: _Loader, event: yaml.ScalarEvent) -> None:
        if self._stack and isinstance(self._stack[-1][0], dict) and self._key[-1] is None:
            mapping, path = self._stack[-1]
            if event.value in mapping:
                self._refuse(event, f"The key {event.value!r} stands twice")
            self._key[-1] = event.value
            self._keys[(*path, event.value)] = _position(event)
            return
        tag: str = loader.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
        try:
            value = _scalar_value(tag, event.value)
        except ValueError as error:
            self._refuse(event, f"A number cannot be read: {error}")
        self._add(event, value)

    def _add(self, event: yaml.Event, value: Json) -> Pointer:
        if not self._stack:
            self._root.append(value)
            self._marks[()] = _position(event)
            return ()
        container, path = self._stack[-1]
        if isinstance(container, list):
            container.append(value)
            here: Pointer = (*path, len(container) - 1)
        else:
            if self._key[-1] is None:
                self._refuse(event, "A key must be a plain text")
            here = (*path, self._key[-1])
            container[self._key[-1]] = value
            self._key[-1] = None
        self._marks[here] = _position(event)
        return here

    def _refuse(self, event: yaml.Event, found: str) -> NoReturn:
        line, column = _position(event)
        raise DocumentError(found, where=f"{self._name}:{line}:{column}")


def _position(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _scalar_value(tag: str, text: str) -> Json:
    kind = tag.rsplit(":", 1)[-1]
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text)
    return float(text) if kind == "float" else text
