# SPDX-License-Identifier: Apache-2.0
"""What differs between the work tree and a commit, by the bytes of the files and nothing that git remembers of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import FileIO
from pathlib import Path

from qaqpa.config.patterns import fits
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.files import PIECE_BYTES, plain_file_below
from qaqpa.review.git import Blobs, Entry, Repository
from qaqpa.review.stored import Stored, may_point, pointed_at
from qaqpa.review.tree import CONTEXT, EVIDENCE, MAX_ENTRIES, MODEL

CODE, OTHER = "code", "other"
"""Parts beside the context, the evidence and the model: code that belongs to it, and all else in the directory."""

_LINK = "120000"
_PARTS = {CONTEXT: CONTEXT, EVIDENCE: EVIDENCE, MODEL: MODEL}


def changed_parts(directory: Path, stored: Stored, blobs: Blobs) -> frozenset[str]:
    """Which parts of a directory differ: of `context.yaml`, `evidence`, `model` and `other`.

    What git would convert when it writes files, such as ends of lines, counts as a change: then more is judged.

    Raises:
        UsageError: the directory cannot be read, or is too large.
        UndecidedError: a file of the base cannot be read.
    """
    files = set(_files_below(directory))
    different = files ^ set(stored.files)
    descriptor = _open(directory)
    try:
        different |= {
            path for path in files & set(stored.files) if _differs(descriptor, path, stored.files[path], blobs)
        }
    finally:
        os.close(descriptor)
    return frozenset(_PARTS.get(path.split("/")[0], OTHER) for path in different)


def changed_code(
    repository: Repository, entries: Sequence[Entry], code: Mapping[str, Sequence[str]], blobs: Blobs
) -> dict[str, list[str]]:
    """The files that differ and that patterns count as the code of models, sorted, by the directory of the model.

    Args:
        repository: whose work tree is compared.
        entries: all files of the commit.
        code: patterns by the directory of a model, both from the top of the repository.
        blobs: reads what is stored.
    """
    stored = {entry.path: entry for entry in entries}
    patterns = {pattern for several in code.values() for pattern in several}
    paths = sorted(path for path in {*stored, *repository.listed()} if fits(path, sorted(patterns)))
    descriptor = _open(repository.top)
    try:
        changed = [path for path in paths if _differs(descriptor, path, stored.get(path), blobs)]
    finally:
        os.close(descriptor)
    found = {folder: [path for path in changed if fits(path, several)] for folder, several in code.items()}
    return {folder: several for folder, several in found.items() if several}


def has_object_id(top: Path, path: str, oid: str) -> bool:
    """Whether a path below a directory is a plain file with the content of this object id of git."""
    descriptor = _open(top)
    try:
        with plain_file_below(descriptor, os.fsencode(path)) as file:
            size = os.fstat(file.fileno()).st_size
            return oid == _oid(_pieces(file), size, len(oid))
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _files_below(directory: Path) -> Iterator[str]:
    """All that is no directory, by its path below; links are not followed."""
    seen = 0
    for folder, _, names in os.walk(directory, onerror=_fail):
        links = [entry.name for entry in os.scandir(folder) if entry.is_symlink() and entry.is_dir()]
        for name in (*names, *links):
            seen += 1
            if seen > MAX_ENTRIES:
                raise UsageError("The directory has too many files", where=visible(directory))
            yield os.path.relpath(os.path.join(folder, name), directory)  # noqa: PTH118 - names may not be UTF-8


def _fail(error: OSError) -> None:
    raise UsageError(f"The directory cannot be read ({error.strerror})", where=visible(error.filename)) from error


def _open(directory: Path) -> int:
    try:
        return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"The directory cannot be read ({error.strerror})", where=visible(directory)) from error


def _differs(base: int, path: str, entry: Entry | None, blobs: Blobs) -> bool:
    """Whether a file differs from the stored one. What cannot be read as a plain file does."""
    if entry is None:
        return True
    try:
        if entry.mode == _LINK:
            target = os.fsencode(os.readlink(path, dir_fd=base))
            return entry.oid != _oid([target], len(target), len(entry.oid))
        with plain_file_below(base, os.fsencode(path)) as file:
            size = os.fstat(file.fileno()).st_size
            pointer = pointed_at(blobs.read(entry, entry.size)) if size != entry.size and may_point(entry) else None
            if pointer:
                return pointer != (_sha256(file), size)
            return size != entry.size or entry.oid != _oid(_pieces(file), size, len(entry.oid))
    except OSError:
        return True


def _oid(pieces: Iterable[bytes], size: int, digits: int) -> str:
    """The object id that git gives to a file, of the algorithm whose ids are so long."""
    sha1 = hashlib.sha1(usedforsecurity=False)
    digest = sha1 if digits == 2 * sha1.digest_size else hashlib.sha256()
    digest.update(f"blob {size}\0".encode())
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _sha256(file: FileIO) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(file):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(file: FileIO) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece
