# SPDX-License-Identifier: Apache-2.0
"""The documents that evidence names by hash: finds them, and compares their bytes with what was signed.

A document is a file beside the evidence, named by a plain relative path, or one behind an https address. Nothing else
is opened. A server of MLflow never does this: it opens nothing that evidence names.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from qaqpa.escape import visible
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.fetch import MAX_DOCUMENT_BYTES, REFUSED, UNREACHABLE, Fetcher
from qaqpa.evidence.files import PIECE_BYTES, NotPlainError, plain_file_below
from qaqpa.evidence.kinds import Kind
from qaqpa.model import Json, JsonObject, Rejection

MISMATCH = "document_mismatch"

_SCHEME = re.compile(r"[^/]*:")
_DOCUMENT = "#/$defs/document"
# What a URI gives another meaning, or what two readers may take for two names.
_ODD = re.compile(r"[\\%?#]|[^ -\U0010ffff]|\x7f")


@dataclass(frozen=True)
class Attached:
    """A document that evidence names: the field, where it is, and the SHA-256 of its bytes."""

    field: str
    uri: str
    sha256: str


def documents_of(kind: Kind, content: JsonObject) -> list[Attached]:
    """All documents that content names, in its order; the content fits the schema of its kind."""
    return list(_found(content, kind.schema, kind.schema, ""))


def check_documents(
    kind: Kind, content: JsonObject, source: str, *, base: Path | None, fetch: Callable[[str], str] | None = None
) -> list[Rejection]:
    """Why documents are not what was signed; empty where all are.

    The codes are `document_mismatch` (other bytes), `document_unreachable`, and `document_refused` (it must not be
    opened, or is too large).

    Args:
        kind: the kind of the evidence.
        content: its content.
        source: where the evidence comes from, for messages.
        base: the directory below which relative paths lie; None where there is none.
        fetch: from an https URL to the SHA-256 of what it yields, or StatementError; a `Fetcher` by default.
    """
    found = [(one, _refusal(one, base, fetch or Fetcher())) for one in documents_of(kind, content)]
    return [
        Rejection(
            refusal.code,
            kind.name,
            source,
            f"Document {visible(one.uri)} ({visible(one.field)}): {visible(refusal.detail)}",
        )
        for one, refusal in found
        if refusal
    ]


def _refusal(one: Attached, base: Path | None, fetch: Callable[[str], str]) -> StatementError | None:
    try:
        sha256 = _of_uri(one.uri, base, fetch)
    except StatementError as error:
        return error
    if sha256 != one.sha256:
        return StatementError(MISMATCH, f"Its bytes have the SHA-256 {sha256}, not {one.sha256}.")
    return None


def _of_uri(uri: str, base: Path | None, fetch: Callable[[str], str]) -> str:
    """SHA-256 of a document.

    Raises:
        StatementError: with a code of a document.
    """
    if uri.lower().startswith("https:"):
        return fetch(uri)
    # A fragment names a place in the document; it is the whole document that was hashed.
    path, _, fragment = uri.partition("#")
    odd = _SCHEME.match(path) or _ODD.search(path) or _ODD.search(fragment)
    if odd or any(part in {"", ".", ".."} for part in path.split("/")):
        raise StatementError(
            REFUSED, r"It must be an https address or a plain relative path, without .., \, %, ? and a second #."
        )
    if base is None:
        raise StatementError(UNREACHABLE, "There is no directory in which a relative path could be looked up.")
    return _local(path, base)


def _found(value: Json, schema: JsonObject, root: JsonObject, path: str) -> Iterator[Attached]:
    reference = schema.get("$ref")
    if reference == _DOCUMENT:
        yield Attached(path, value["uri"], value["sha256"])
        return
    if reference:
        schema = root["$defs"][reference.rsplit("/", 1)[-1]]
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _found(child, schema.get("properties", {}).get(name, {}), root, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from _found(child, schema.get("items", {}), root, f"{path}[{number}]")


def _local(path: str, base: Path) -> str:
    try:
        directory = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with plain_file_below(directory, os.fsencode(path)) as file:
                return _sha256(file)
        finally:
            os.close(directory)
    except NotPlainError as error:
        raise StatementError(REFUSED, "It is not a plain file.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", error)
        raise StatementError(UNREACHABLE, f"It cannot be read ({reason}); links are not followed.") from error


def _sha256(file: FileIO) -> str:
    digest, size = hashlib.sha256(), 0
    while piece := file.read(PIECE_BYTES):
        digest.update(piece)
        size += len(piece)
        if size > MAX_DOCUMENT_BYTES:
            raise StatementError(REFUSED, f"It is larger than {MAX_DOCUMENT_BYTES} bytes.")
    return digest.hexdigest()
