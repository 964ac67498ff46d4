# SPDX-License-Identifier: Apache-2.0
"""What lies in a directory, without reading it: enough to tell later whether somebody wrote to it.

A write to a file, its replacement by another, a hard link and a rename change its inode or the time of its last change
(`ctime`), which nobody but the system sets.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from qaqpa.errors import UndecidedError
from qaqpa.escape import visible
from qaqpa.evidence.files import open_below, plain_file_below

_LONGEST_PATH = 4095
_WRITTEN_BY_MLFLOW = b"registered_model_meta"
_META_LINE = rb"(?:[^:#\n{}\[\],&*!|>%@`\"' -][^:#\n]*|'[^'\n]*'|\"[^\"\\\n]*\")"
_META = re.compile(rb"model_name: " + _META_LINE + rb"\nmodel_version: (?:null|[0-9]{1,10}|'[0-9]{1,10}')\n")
# The longest name that MLflow takes, in quotes, and the words around it.
_META_BYTES = 310
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class DigestError(UndecidedError):
    """A directory has no digest: it is empty, unreadable, changes, or holds something that is not a plain file."""


class TooLargeError(DigestError):
    """There is more than may be hashed."""


@dataclass(frozen=True)
class Limits:
    """The most that is hashed: files (and directories, as many again), and bytes in all."""

    files: int
    size: int

    def check(self, files: int, size: int) -> None:
        """Refuses more.

        Raises:
            TooLargeError: saying what is too much.
        """
        if files > self.files:
            raise TooLargeError(
                f"The model has more than {self.files} files", mend="Pack them, or raise hashing.most_files"
            )
        if size > self.size:
            gib = f"{self.size / (1 << 30):g} GiB"
            raise TooLargeError(f"The model has more than {gib}", mend="Raise hashing.most_gib")


@dataclass(frozen=True)
class File:
    """A file as it was listed: its path's bytes, and what changes when somebody writes to it; times in nanoseconds."""

    path: bytes
    size: int
    modified: int
    changed: int
    inode: int


@dataclass(frozen=True)
class Listing:
    """All files but MLflow's own, in the order of the digest's lines, and all directories."""

    files: tuple[File, ...]
    folders: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits that are others as soon as anything in the listing is."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(b"%d %d %d %d " % (file.size, file.modified, file.changed, file.inode) + file.path + b"\n")
        for folder in self.folders:
            digest.update(b"/" + folder + b"\n")
        return digest.hexdigest()


def list_below(base: int, limits: Limits | None = None) -> Listing:
    """Lists what lies below an open directory.

    Each file is opened: a file system of the network asks its server then, and not what it remembers.

    Args:
        base: descriptor of the directory.
        limits: the most that there may be; no limit where None.

    Raises:
        DigestError: a symbolic link, a special file, a name that cannot be hashed, something that cannot be read.
        TooLargeError: there is more.
    """
    files: list[File] = []
    folders: list[bytes] = []
    pending, size = [b""], 0
    while pending:
        directory = pending.pop()
        for path, found in _entries(base, directory):
            if stat.S_ISDIR(found.st_mode):
                pending.append(path)
                folders.append(path)
            elif not stat.S_ISREG(found.st_mode):
                raise DigestError("Only plain files and directories can be hashed", where=shown(path))
            elif not (path == _WRITTEN_BY_MLFLOW and _is_mlflow_meta(base, path, found.st_size)):
                files.append(as_file(path, found))
                size += found.st_size
            if limits:
                limits.check(max(len(files), len(folders)), size)
    return Listing(tuple(sorted(files, key=lambda file: file.path)), tuple(sorted(folders)))


def as_file(path: bytes, found: os.stat_result) -> File:
    """A file from what the system says of it."""
    return File(path, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def written_by_mlflow(path: bytes, content: bytes) -> bool:
    """Whether a file is the one that MLflow writes while a model is read, which no digest counts."""
    return path == _WRITTEN_BY_MLFLOW and len(content) <= _META_BYTES and _META.fullmatch(content) is not None


def checked(path: bytes) -> bytes:
    """A path that can stand in a digest's line.

    Raises:
        DigestError: it is not UTF-8, is too long, or holds a line break or backslash.
    """
    try:
        path.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DigestError("A file name is not UTF-8", where=shown(path)) from error
    if any(character in path for character in b"\n\r\\"):
        raise DigestError("A file name holds a line break or a backslash", where=shown(path))
    if len(path) > _LONGEST_PATH:
        required = f"a path of at most {_LONGEST_PATH} bytes"
        raise DigestError("A file name is too long", where=shown(path), required=required)
    return path


@contextmanager
def readable(path: bytes) -> Iterator[None]:
    """Turns the system's errors into ours.

    Raises:
        DigestError: naming the path.
    """
    try:
        yield
    except OSError as error:
        raise DigestError(f"The model's files cannot be read ({error.strerror})", where=shown(path)) from error


def shown(path: bytes) -> str:
    """A path for messages."""
    return visible(path.decode("utf-8", "backslashreplace")) or "."


def _entries(base: int, directory: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    with readable(directory):
        descriptor = open_below(base, directory, os.O_DIRECTORY)
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    path = checked(os.path.join(directory, os.fsencode(entry.name)))  # noqa: PTH118 - bytes
                    found = entry.stat(follow_symlinks=False)
                    yield path, _fresh(descriptor, path, entry.name) if stat.S_ISREG(found.st_mode) else found
        finally:
            os.close(descriptor)


def _fresh(directory: int, path: bytes, name: str) -> os.stat_result:
    with readable(path):
        descriptor = os.open(name, _FILE, dir_fd=directory)
        try:
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)


def _is_mlflow_meta(base: int, path: bytes, size: int) -> bool:
    if size > _META_BYTES:
        return False
    with readable(path), plain_file_below(base, path) as file:
        return written_by_mlflow(path, file.read(_META_BYTES + 1))
