# SPDX-License-Identifier: Apache-2.0
"""The state of a model's directory in a commit, read as it is stored and put where it can be judged."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from qaqpa.documents import MAX_BYTES
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.carriers import MAX_CARRIED
from qaqpa.evidence.digest import digest_of, written_by_mlflow
from qaqpa.evidence.directory import Directory, read_directory
from qaqpa.review.blobs import Blobs, Entry
from qaqpa.review.tree import CONTEXT, EVIDENCE, MODEL

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]+\n)*oid sha256:([0-9a-f]{64})\nsize ([0-9]+)\n"
)
_MAX_POINTER_BYTES = 1024


@dataclass(frozen=True)
class Stored:
    """The files of one directory in a commit, by their path below it."""

    folder: str
    files: Mapping[str, Entry]

    @classmethod
    def of(cls, folder: str, entries: Sequence[Entry]) -> Stored:
        """Those of a commit's files that lie below a folder, both given from the top of the repository."""
        start = f"{folder}/" if folder else ""
        return cls(folder, {entry.path[len(start) :]: entry for entry in entries if entry.path.startswith(start)})


def read_stored(stored: Stored, blobs: Blobs, scratch: Path, same_model: str | None) -> Directory:
    """What a directory said in a commit.

    Only its context and its evidence are written out; the bytes of its model are hashed as they are read.

    Args:
        stored: its files.
        blobs: reads them.
        scratch: an empty directory of one's own, where they are put.
        same_model: the model digest, where the bytes are known to be those of the work tree; None to compute it.

    Raises:
        QaqpaError: the directory cannot be read, or something in it does not fit its schema.
    """
    for entry in stored.files.values():
        if entry.is_submodule:
            raise UsageError(
                "This is a submodule, and what is in it is not known",
                where=visible(entry.path),
                required="the files themselves, in the repository that is reviewed",
            )
    wanted = [entry for path, entry in sorted(stored.files.items()) if _is_judged(path)]
    if len(wanted) > MAX_CARRIED + 1:
        where = visible(stored.folder)
        raise UsageError(f"{len(wanted)} files of evidence are too many", where=where, required=str(MAX_CARRIED))
    for entry in wanted:
        _write(entry, blobs.read(_plain(entry), MAX_BYTES), scratch / entry.path[len(stored.folder) :].lstrip("/"))
    found = read_directory(scratch)
    digest = same_model or _digest(stored, blobs)
    # A directory without a context is called by its name, which is not that of the scratch directory.
    name = found.subject.name if CONTEXT in stored.files else PurePosixPath(stored.folder).name
    return Directory(replace(found.subject, digest=digest, name=name), found.carried, found.problems)


def pointed_at(content: bytes) -> tuple[str, int] | None:
    """The SHA-256 and the size of the file that a Git LFS pointer stands for; None for any other file."""
    match = _POINTER.fullmatch(content)
    return (match[1].decode(), int(match[2])) if match else None


def may_point(entry: Entry) -> bool:
    """True for a file that is small enough to be a Git LFS pointer."""
    return 0 < entry.size <= _MAX_POINTER_BYTES


def _is_judged(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return path == CONTEXT or (folder == EVIDENCE and not name.startswith("."))


def _plain(entry: Entry) -> Entry:
    if not entry.is_file:
        raise UsageError("This is no plain file", where=visible(entry.path), required="the file itself, no link")
    return entry


def _write(entry: Entry, content: bytes, path: Path) -> None:
    if path.name in {"", ".", ".."}:
        raise UsageError("This is no name of a file", where=visible(entry.path))
    path.parent.mkdir(exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)


def _digest(stored: Stored, blobs: Blobs) -> str | None:
    """The model digest; a file that Git LFS keeps elsewhere is known by the SHA-256 in its pointer."""
    start = f"{MODEL}/"
    hashed = {}
    for path, entry in stored.files.items():
        if path.startswith(start):
            name = path[len(start) :]
            content = blobs.read(_plain(entry), _MAX_POINTER_BYTES) if may_point(entry) else b""
            if content and written_by_mlflow(os.fsencode(name), content):
                continue
            pointer = pointed_at(content) if content else None
            hashed[os.fsencode(name)] = pointer[0] if pointer else blobs.sha256(entry)
    return digest_of(hashed) if hashed else None
