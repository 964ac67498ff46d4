# SPDX-License-Identifier: Apache-2.0
r"""The model digest: in-toto `dirHash` of a model's artifact root.

It is the SHA-256 of the lines `<sha256>  <relative path>\n`, one for each file, sorted by the bytes of the line's path.
Anybody can compute it again, in the directory:
`find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum -- | sha256sum`.
As there, directories without files, times, owners and modes do not matter, a hard link is a file like any other, and
names are bytes: two that differ only in Unicode normalisation are two names.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qaqpa.errors import UndecidedError
from qaqpa.escape import visible
from qaqpa.evidence.files import PIECE_BYTES, open_below, plain_file_below

Progress = Callable[[int, int], None]
"""Is told bytes hashed so far and bytes in all, from several threads but never from two at once."""

_WORKERS = 8
_SMALL_BYTES = 1 << 20
_LONGEST_PATH = 4095
_WRITTEN_BY_MLFLOW = b"registered_model_meta"
_META_LINE = rb"(?:[^:#\n{}\[\],&*!|>%@`\"' -][^:#\n]*|'[^'\n]*'|\"[^\"\\\n]*\")"
_META = re.compile(rb"model_name: " + _META_LINE + rb"\nmodel_version: (?:null|[0-9]{1,10}|'[0-9]{1,10}')\n")
# The longest name that MLflow takes, in quotes, and the words around it.
_META_BYTES = 310


class DigestError(UndecidedError):
    """A directory has no digest: it is empty, unreadable, changes, or holds something that is not a plain file."""


@dataclass(frozen=True)
class _File:
    """A file as it was listed: its path's bytes, and what changes when somebody writes to it."""

    path: bytes
    size: int
    changed: tuple[int, int]


def dir_hash(root: str | Path, progress: Progress | None = None) -> str:
    """The model digest of a directory, 64 hexadecimal digits.

    Left out is only a top-level file `registered_model_meta` that holds exactly the two lines that MLflow itself writes
    while a model is read. Several files are read at once, none of them as a whole, and no symbolic link below the root
    is followed, even one that appears meanwhile.

    Args:
        root: the directory.
        progress: is told how far it is.

    Raises:
        DigestError: a symbolic link, a special file, a name that is not UTF-8, is too long or holds a line break or
            backslash, an unreadable file, no file at all, or a file that came, went or changed meanwhile.
    """
    try:
        base = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", error)
        raise DigestError(f"The model's files cannot be read ({reason})", where=str(root)) from error
    try:
        files = _listed(base)
        if not files:
            raise DigestError("There is no file to hash", where=str(root), required="the artifact root of a model")
        lines = _lines(base, files, progress)
        if _listed(base) != files:
            raise DigestError("The model's files changed while they were read", where=str(root), mend="Try again")
    finally:
        os.close(base)
    return hashlib.sha256(b"".join(lines)).hexdigest()


def digest_of(files: Mapping[bytes, str]) -> str:
    """The same digest of files whose SHA-256 is known, by path.

    Raises:
        DigestError: there is none, or a name cannot be hashed.
    """
    if not files:
        raise DigestError("There is no file to hash", required="the artifact root of a model")
    lines = [f"{files[path]}  ".encode() + path + b"\n" for path in sorted(map(_checked, files))]
    return hashlib.sha256(b"".join(lines)).hexdigest()


def written_by_mlflow(path: bytes, content: bytes) -> bool:
    """Whether a file is the one that MLflow writes while a model is read, which no digest counts."""
    return path == _WRITTEN_BY_MLFLOW and len(content) <= _META_BYTES and _META.fullmatch(content) is not None


def _lines(base: int, files: list[_File], progress: Progress | None) -> list[bytes]:
    total = sum(file.size for file in files)
    counter = _Counter(progress, total)
    if total <= _SMALL_BYTES:
        # Starting threads takes longer.
        return [f"{_sha256(base, file, counter)}  ".encode() + file.path + b"\n" for file in files]
    pool = ThreadPoolExecutor(max_workers=min(_WORKERS, os.cpu_count() or 1))
    try:
        digests = pool.map(lambda file: _sha256(base, file, counter), files)
        return [f"{digest}  ".encode() + file.path + b"\n" for digest, file in zip(digests, files, strict=True)]
    finally:
        # The rest is not read where one file failed or somebody interrupts, but what runs still needs the descriptor.
        pool.shutdown(cancel_futures=True)


class _Counter:
    """Adds up what the threads have read."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        if self._progress:
            with self._lock:
                self._done += count
                self._progress(self._done, self._total)


def _sha256(base: int, listed: _File, counter: _Counter) -> str:
    digest = hashlib.sha256()
    piece = memoryview(bytearray(min(PIECE_BYTES, max(listed.size, 1))))
    with _readable(listed.path), plain_file_below(base, listed.path) as file:
        _expect(listed, os.fstat(file.fileno()))
        # One that grows without end is not read without end.
        while file.tell() <= listed.size and (count := file.readinto(piece)):
            digest.update(piece[:count])
            counter.add(count)
        _expect(listed, os.fstat(file.fileno()))
    return digest.hexdigest()


def _expect(listed: _File, found: os.stat_result) -> None:
    """Refuses a file that is another one than was listed, or was written to since."""
    if _file(listed.path, found) != listed:
        raise DigestError("The file changed while it was read", where=_shown(listed.path), mend="Try again")


def _listed(base: int) -> list[_File]:
    """All files but MLflow's own, in the order of the digest's lines."""
    return sorted(_files(base), key=lambda file: file.path)


def _files(base: int) -> Iterator[_File]:
    pending = [b""]
    while pending:
        directory = pending.pop()
        for path, found in _entries(base, directory):
            if stat.S_ISDIR(found.st_mode):
                pending.append(path)
            elif not stat.S_ISREG(found.st_mode):
                raise DigestError("Only plain files and directories can be hashed", where=_shown(path))
            elif not (path == _WRITTEN_BY_MLFLOW and _is_mlflow_meta(base, path, found.st_size)):
                yield _file(path, found)


def _entries(base: int, directory: bytes) -> list[tuple[bytes, os.stat_result]]:
    found = []
    with _readable(directory):
        descriptor = open_below(base, directory, os.O_DIRECTORY)
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    path = _checked(os.path.join(directory, os.fsencode(entry.name)))  # noqa: PTH118 - bytes
                    found.append((path, entry.stat(follow_symlinks=False)))
        finally:
            os.close(descriptor)
    return found


def _checked(path: bytes) -> bytes:
    try:
        path.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DigestError("A file name is not UTF-8", where=_shown(path)) from error
    if any(character in path for character in b"\n\r\\"):
        raise DigestError("A file name holds a line break or a backslash", where=_shown(path))
    if len(path) > _LONGEST_PATH:
        required = f"a path of at most {_LONGEST_PATH} bytes"
        raise DigestError("A file name is too long", where=_shown(path), required=required)
    return path


def _is_mlflow_meta(base: int, path: bytes, size: int) -> bool:
    if size > _META_BYTES:
        return False
    with _readable(path), plain_file_below(base, path) as file:
        return written_by_mlflow(path, file.read(_META_BYTES + 1))


def _file(path: bytes, found: os.stat_result) -> _File:
    return _File(path, found.st_size, (found.st_mtime_ns, found.st_ctime_ns))


@contextmanager
def _readable(path: bytes) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DigestError(f"The model's files cannot be read ({error.strerror})", where=_shown(path)) from error


def _shown(path: bytes) -> str:
    return visible(path.decode("utf-8", "backslashreplace")) or "."
