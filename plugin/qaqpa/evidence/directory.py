# SPDX-License-Identifier: Apache-2.0
"""A directory as something to judge: `context.yaml`, `evidence/`, and, where the bytes are there, `model/`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import rfc8785

from qaqpa.documents import Document, DocumentError, parse_json, read
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.carriers import MAX_CARRIED, Carried
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.elsewhere import weights_elsewhere
from qaqpa.evidence.envelope import is_envelope
from qaqpa.evidence.kinds import SYSTEM, kind
from qaqpa.evidence.pieces import MAX_CHARACTERS
from qaqpa.evidence.statement import STATEMENT_TYPE
from qaqpa.model import Json, Problem, Subject

_SUFFIXES = {".yaml", ".yml", ".json"}


@dataclass(frozen=True)
class Directory:
    """What a directory says about one subject."""

    subject: Subject
    carried: list[Carried]
    problems: list[Problem]


def read_directory(root: str | Path) -> Directory:
    """Reads a directory.

    `context.yaml` is a file of kind `system`, and names the registered model. Files in `evidence/` are drafts (with a
    top-level `kind`), statements or envelopes. Without `context.yaml` or a statement about the system every control
    applies at its strictest.

    Raises:
        UsageError: the directory or a file in it cannot be read, or does not fit its schema; with line and column.
        DigestError: `model/` is there and cannot be hashed.
    """
    base = Path(root)
    if not os.path.isdir(base):  # noqa: PTH112 - unlike Path.is_dir it takes a name that no file can have
        raise UsageError("There is no such directory", where=str(root), mend="Name a directory, or a models:/ URI")
    files = _evidence_files(base)
    context = base / "context.yaml"
    _refuse_link(context)
    if not context.is_file() and not files:
        raise UsageError(
            "The directory holds neither context.yaml nor evidence/",
            where=str(root),
            mend="Make them with `qaqpa init`, or name another directory",
        )
    if context.is_file():
        _refuse_large(context)
    for path in (base, *files):
        _refuse_odd_name(path)
    digest, problems = _bytes(base / "model")
    carried = []
    if len(files) > MAX_CARRIED:
        detail = f"{len(files)} files in evidence/ are more than the {MAX_CARRIED} that can be read."
        problems.append(Problem("too_much_evidence", detail))
    else:
        carried = [_carried(path) for path in [*([context] if context.is_file() else []), *files]]
    if not context.is_file():
        return Directory(Subject(name=base.resolve().name, digest=digest), carried, problems)
    return Directory(_subject(read(context), digest), carried, problems)


def _bytes(model: Path) -> tuple[str | None, list[Problem]]:
    if not model.is_dir():
        return None, []
    digest = dir_hash(model)
    return digest, list(weights_elsewhere(model))


def _evidence_files(base: Path) -> list[Path]:
    folder = base / "evidence"
    _refuse_link(folder)
    if not folder.is_dir():
        return []
    files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    for path in files:
        _refuse_link(path)
        if path.suffix not in _SUFFIXES or not path.is_file():
            raise UsageError("This is not an evidence file", where=str(path), required=".yaml, .yml or .json")
        _refuse_large(path)
    return files


def _refuse_large(path: Path) -> None:
    """Nothing larger can be attested, and a reader that remembers places takes long."""
    if path.stat().st_size > MAX_CHARACTERS:
        raise UsageError(
            "The file is too large for evidence", where=str(path), required=f"at most {MAX_CHARACTERS} bytes"
        )


def _refuse_link(path: Path) -> None:
    """What is judged lies in the directory; a link could lead to what nobody there may read, or what never ends."""
    if path.is_symlink():
        raise UsageError("This is a symbolic link", where=str(path), required="the file itself")


def _refuse_odd_name(path: Path) -> None:
    """Where evidence came from stands in the decision, which is JSON."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise UsageError("The name is not UTF-8", where=visible(path), mend="Give it another name") from error


def read_draft(path: str | Path, expected: str | None = None) -> Document:
    """Reads an evidence file that somebody wrote, and validates it against the schema of its kind.

    Args:
        path: the file.
        expected: the kind it must be of; its own `kind` where None.

    Raises:
        DocumentError: with line and column.
        UsageError: its kind is unknown.
    """
    document = read(path)
    if not isinstance(document.value, dict) or not isinstance(document.value.get("kind"), str):
        raise DocumentError("The file does not say its kind", where=document.where(), required="`kind:` at the top")
    name = document.value["kind"]
    if expected and name != expected:
        raise DocumentError(f"The file is of kind {name!r}", where=document.where(("kind",)), required=expected)
    try:
        found = kind(name)
    except UsageError as error:
        raise DocumentError(error.found, where=document.where(("kind",)), required=error.required) from error
    found.check(document)
    return document


def _carried(path: Path) -> Carried:
    if path.suffix == ".json":
        text = _text(path)
        if text is not None:
            return Carried(source=str(path), text=text)
    document = read_draft(path, SYSTEM if path.name == "context.yaml" and path.parent.name != "evidence" else None)
    text = rfc8785.dumps(document.value).decode()
    return Carried(source=str(path), text=text, kind=document.value["kind"], draft=True)


def _text(path: Path) -> str | None:
    """What a JSON file holds, where that is a statement or an envelope; None where it is not, or cannot be read.

    Nobody asks for places in those, which take much longer to find than the rest.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        value = parse_json(text, str(path), places=False).value
    except (OSError, UnicodeDecodeError, DocumentError):
        return None
    return text if is_envelope(value) or _is_statement(value) else None


def _is_statement(value: Json) -> bool:
    return isinstance(value, dict) and value.get("_type") == STATEMENT_TYPE


def _subject(context: Document, digest: str | None) -> Subject:
    """The first registered model that the context names, with all that the context says of it."""
    model = context.value["models"][0]
    workspace = model.get("workspace", "default")
    return Subject(model["name"], digest=digest, created_ms=model.get("created"), workspace=workspace)
