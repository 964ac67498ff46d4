# SPDX-License-Identifier: Apache-2.0
"""Reads YAML and JSON strictly, remembers where each value stands, and validates against JSON Schema.

YAML follows the core schema of version 1.2: `no` is a text, and a date stays the text that was written. Aliases,
anchors, tags and duplicate keys are refused, so that what a reviewer reads is what the gate reads.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import jsonschema_rs
import yaml

from qaqpa import times
from qaqpa.errors import UsageError
from qaqpa.model import Json
from qaqpa.resources import SCHEMAS

MAX_BYTES = 1 << 20
"""Largest file that is read, in bytes."""

MAX_DEPTH = 40
"""Deepest nesting that is read."""

_MAX_ERRORS = 10
_MAX_INTEGER = (1 << 53) - 1
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_QUOTED = 200
_FORMATS = {"date": times.is_day, "date-time": times.is_moment}

# White space and line breaks to YAML 1.1, which in JSON are none, or not allowed.
_JSON_AS_YAML = str.maketrans({"\t": " ", "\x85": "?", "\u2028": "?", "\u2029": "?"})

Pointer = tuple[str | int, ...]


class DocumentError(UsageError):
    """A file cannot be read, or does not fit its schema."""


@dataclass(frozen=True)
class Document:
    """A parsed file: its value, its name, and line and column (from 1) of every value by its path."""

    value: Json
    name: str
    marks: Mapping[Pointer, tuple[int, int]] = field(repr=False, default_factory=dict)

    def where(self, pointer: Sequence[str | int] = ()) -> str:
        """`path:line:column` of a value, or of the nearest value around it; only the name where no place is known."""
        if not self.marks:
            return self.name
        path = tuple(pointer)
        while path and path not in self.marks:
            path = path[:-1]
        line, column = self.marks.get(path, (1, 1))
        return f"{self.name}:{line}:{column}"


def read(path: str | Path) -> Document:
    """Reads a YAML or JSON file.

    Raises:
        DocumentError: the file is missing, too large, not UTF-8, not strict YAML or JSON, or nested too deeply.
    """
    name = str(path)
    try:
        with Path(path).open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DocumentError(
            f"The file cannot be read ({error.strerror})", where=name, mend="Check the path and the permissions"
        ) from error
    if len(raw) > MAX_BYTES:
        raise DocumentError("The file is too large", where=name, required=f"at most {MAX_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise DocumentError("The file is not UTF-8", where=f"{name}:{line}:1", mend="Save it as UTF-8") from error
    return parse_json(text, name) if name.endswith(".json") else parse_yaml(text, name)


def parse_yaml(text: str, name: str) -> Document:
    """Parses one YAML document.

    Raises:
        DocumentError: with line and column.
    """
    document = _build(text, name)
    _refuse_odd_values(document)
    return document


def parse_json(text: str, name: str, *, places: bool = True) -> Document:
    """Parses JSON; duplicate keys, NaN and infinities are refused.

    Args:
        text: the JSON.
        name: the file's name, for messages.
        places: note where each value stands, which takes hundreds of times longer than to read it.

    Raises:
        DocumentError: with line and column where the parser knows them.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise DocumentError(f"This is not JSON: {error.msg}", where=f"{name}:{error.lineno}:{error.colno}") from error
    except (_StrictError, RecursionError, ValueError) as error:
        where = _refused_at(text, name) if places else name
        raise DocumentError(f"This JSON is refused: {error}", where=where) from error
    document = Document(value, name, _json_marks(text) if places else {})
    _refuse_odd_values(document)
    return document


def validate(document: Document, schema: str) -> None:
    """Validates a document against `schemas/<schema>.json`.

    Raises:
        DocumentError: naming file, line and column of every error, at most ten.
    """
    problems = [
        f"{document.where(_place(error))}: {_message(error)}"
        for error in sorted(
            validator(schema).iter_errors(document.value), key=lambda e: list(map(str, e.instance_path))
        )
    ]
    if problems:
        more = [f"and {len(problems) - _MAX_ERRORS} more"] if len(problems) > _MAX_ERRORS else []
        raise DocumentError(
            "\n".join([*problems[:_MAX_ERRORS], *more]), mend=f"The fields are described in schemas/{schema}.json"
        )


@lru_cache(maxsize=64)
def validator(schema: str) -> Any:
    """The compiled validator of `schemas/<schema>.json`; it asserts formats."""
    return jsonschema_rs.validator_for(load_schema(schema), validate_formats=True, formats=_FORMATS)


@lru_cache(maxsize=64)
def load_schema(schema: str) -> Any:
    """The JSON Schema `schemas/<schema>.json` as parsed JSON."""
    return json.loads((SCHEMAS / f"{schema}.json").read_bytes())


def _place(error: Any) -> list[str | int]:
    path = list(error.instance_path)
    unexpected = re.match(r"Additional properties are not allowed \('(.*?)'", error.message)
    return [*path, unexpected[1]] if unexpected else path


def _message(error: Any) -> str:
    field_name = ".".join(str(part) for part in error.instance_path) or "the document"
    message = error.message if len(error.message) <= _MAX_QUOTED else f"{error.message[:_MAX_QUOTED]}…"
    # A field's name is whatever somebody wrote, and must not begin a line of its own.
    return " ".join(f"{field_name}: {message}".split())


class _StrictError(Exception):
    """What the strict reader refuses although the format would allow it."""


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in pairs:
        if key in found:
            raise _StrictError(f"the key {key!r} stands twice")
        found[key] = value
    return found


def _no_constant(name: str) -> Json:
    raise _StrictError(f"{name} is not a number")


def _build(text: str, name: str) -> Document:
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


def _as_yaml(text: str) -> str:
    """JSON so that the YAML reader takes it, with every value at its place."""
    return str(yaml.reader.Reader.NON_PRINTABLE.sub("?", text.translate(_JSON_AS_YAML)))


def _json_marks(text: str) -> Mapping[Pointer, tuple[int, int]]:
    try:
        return _build(_as_yaml(text), "").marks
    except DocumentError:
        return {}


def _refused_at(text: str, name: str) -> str:
    """The place at which the YAML reader refuses JSON too: that of a second key, of a long number."""
    try:
        _build(_as_yaml(text), name)
    except DocumentError as error:
        return error.where
    return name


def _refuse_odd_values(document: Document) -> None:
    """Refuses what the two policy engines, or JSON readers elsewhere, could read differently."""
    depth = 0
    level: list[tuple[Pointer, Json]] = [((), document.value)]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            where = document.where(level[0][0])
            raise DocumentError("The file is nested too deeply", where=where, required=f"at most {MAX_DEPTH} levels")
        for pointer, item in level:
            odd = _odd(item)
            if odd:
                raise DocumentError(odd, where=document.where(pointer))
        level = [child for pointer, item in level for child in _children(pointer, item)]


def _odd(item: Json) -> str:
    if isinstance(item, float) and not math.isfinite(item):
        return "A number is not finite"
    if isinstance(item, int) and abs(item) > _MAX_INTEGER:
        return "A whole number is too large, beyond 2^53 - 1"
    if isinstance(item, str) and _SURROGATE.search(item):
        return "A text has half a character (a lone surrogate)"
    return ""


def _children(pointer: Pointer, item: Json) -> Iterator[tuple[Pointer, Json]]:
    if isinstance(item, dict):
        for key, value in item.items():
            yield (*pointer, key), key
            yield (*pointer, key), value
    elif isinstance(item, list):
        yield from (((*pointer, number), value) for number, value in enumerate(item))


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
    """Builds a value from parser events without recursion, and notes where each value starts."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stack: list[tuple[Any, Pointer]] = []
        self._key: list[Any] = []
        self._marks: dict[Pointer, tuple[int, int]] = {}
        self._root: list[Json] = []

    def document(self) -> Document:
        if not self._root:
            raise DocumentError("The file is empty", where=f"{self._name}:1:1")
        return Document(self._root[0], self._name, self._marks)

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
            self._marks[(*path, event.value)] = _position(event)
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
