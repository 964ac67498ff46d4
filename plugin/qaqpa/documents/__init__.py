# SPDX-License-Identifier: Apache-2.0
"""Reads YAML and JSON strictly, remembers where each value stands, and validates against JSON Schema."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from qaqpa.documents.document import MAX_BYTES, MAX_DEPTH, Document, DocumentError
from qaqpa.documents.json_reader import parse_json
from qaqpa.documents.schema import load_schema, validate, validator
from qaqpa.documents.yaml_reader import parse_yaml

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "Document",
    "DocumentError",
    "load_schema",
    "parse",
    "parse_json",
    "parse_yaml",
    "read",
    "read_bytes",
    "validate",
    "validator",
]


def read(path: str | Path) -> Document:
    """Reads a YAML or JSON file.

    Raises:
        DocumentError: the file is missing, too large, not UTF-8, not strict YAML or JSON, or nested too deeply.
    """
    return parse(read_bytes(path), str(path))


def read_bytes(path: str | Path) -> bytes:
    """What is in a file that may be parsed.

    Raises:
        DocumentError: the file is missing or too large.
    """
    name = str(path)
    try:
        # Opening never waits, not even for a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise DocumentError("This is no regular file", where=name, required="a file of YAML or JSON")
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DocumentError(
            f"The file cannot be read ({error.strerror})", where=name, mend="Check the path and the permissions"
        ) from error
    if len(raw) > MAX_BYTES:
        raise DocumentError("The file is too large", where=name, required=f"at most {MAX_BYTES} bytes")
    return raw


def parse(raw: bytes, name: str) -> Document:
    """Parses YAML, or JSON where the name ends so.

    Raises:
        DocumentError: it is not UTF-8, not strict YAML or JSON, or nested too deeply.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise DocumentError("The file is not UTF-8", where=f"{name}:{line}:1", mend="Save it as UTF-8") from error
    return parse_json(text, name) if name.endswith(".json") else parse_yaml(text, name)
