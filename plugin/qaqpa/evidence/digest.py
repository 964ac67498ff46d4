# SPDX-License-Identifier: Apache-2.0
r"""The model digest: in-toto `dirHash` of a model's artifact root.

It is the SHA-256 of the lines `<sha256>  <relative path>\n`, one for each file, sorted by the bytes of the line's path.
Anybody can compute it again, in the directory:
`find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum -- | sha256sum`.
As there, directories without files, times, owners and modes do not matter, a hard link is a file like any other, and
names are bytes: two that differ only in Unicode normalisation are two names.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qaqpa.evidence.files import PIECE_BYTES, plain_file_below
from qaqpa.evidence.listing import (
    DigestError,
    File,
    Limits,
    Listing,
    as_file,
    checked,
    list_below,
    readable,
    shown,
    written_by_mlflow,
)

__all__ = ["DigestError", "Progress", "digest_of", "dir_hash", "listing_of", "written_by_mlflow"]

Progress = Callable[[int, int], None]
"""Is told bytes hashed so far and bytes in all, from several threads but never from two at once."""

_WORKERS = 8
_SMALL_BYTES = 1 << 20


def dir_hash(
    root: str | Path, progress: Progress | None = None, *, limits: Limits | None = None, quietly: bool = False
) -> str:
    """The model digest of a directory, 64 hexadecimal digits.

    Left out is only a top-level file `registered_model_meta` that holds exactly the two lines that MLflow itself writes
    while a model is read. Several files are read at once, none of them as a whole, and no symbolic link below the root
    is followed, even one that appears meanwhile.

    Args:
        root: the directory.
        progress: is told how far it is, and ends it by raising.
        limits: the most that there may be; no limit where None.
        quietly: for hashing that nobody waits for: in this thread alone, and what somebody wrote through a mapping of
            a file is brought to the disk first, so that further writes change the time of the last change.

    Raises:
        DigestError: a symbolic link, a special file, a name that is not UTF-8, is too long or holds a line break or
            backslash, an unreadable file, no file at all, or a file that came, went or changed meanwhile.
        TooLargeError: there is more than the limits say.
    """
    base = _opened(root)
    try:
        files = list_below(base, limits).files
        if not files:
            raise DigestError("There is no file to hash", where=str(root), required="the artifact root of a model")
        lines = _lines(base, files, progress, quietly=quietly)
        if list_below(base, limits).files != files:
            raise DigestError("The model's files changed while they were read", where=str(root), mend="Try again")
    finally:
        os.close(base)
    return hashlib.sha256(b"".join(lines)).hexdigest()


def listing_of(root: str | Path, limits: Limits | None = None) -> Listing:
    """What `dir_hash` would hash, without reading it.

    Raises:
        DigestError: as `dir_hash`.
    """
    base = _opened(root)
    try:
        return list_below(base, limits)
    finally:
        os.close(base)


def digest_of(files: Mapping[bytes, str]) -> str:
    """The same digest of files whose SHA-256 is known, by path.

    Raises:
        DigestError: there is none, or a name cannot be hashed.
    """
    if not files:
        raise DigestError("There is no file to hash", required="the artifact root of a model")
    lines = [f"{files[path]}  ".encode() + path + b"\n" for path in sorted(map(checked, files))]
    return hashlib.sha256(b"".join(lines)).hexdigest()


def _opened(root: str | Path) -> int:
    try:
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", error)
        raise DigestError(f"The model's files cannot be read ({reason})", where=str(root)) from error


def _lines(base: int, files: tuple[File, ...], progress: Progress | None, *, quietly: bool) -> list[bytes]:
    total = sum(file.size for file in files)
    counter = _Counter(progress, total)

    def line(file: File) -> bytes:
        return f"{_sha256(base, file, counter, settle=quietly)}  ".encode() + file.path + b"\n"

    if quietly or total <= _SMALL_BYTES:
        # Starting threads takes longer.
        return [line(file) for file in files]
    pool = ThreadPoolExecutor(max_workers=min(_WORKERS, os.cpu_count() or 1))
    try:
        return list(pool.map(line, files))
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


def _sha256(base: int, listed: File, counter: _Counter, *, settle: bool) -> str:
    digest = hashlib.sha256()
    piece = memoryview(bytearray(min(PIECE_BYTES, max(listed.size, 1))))
    with readable(listed.path), plain_file_below(base, listed.path) as file:
        _expect(listed, os.fstat(file.fileno()))
        if settle:
            with contextlib.suppress(OSError):
                os.fsync(file.fileno())
        # One that grows without end is not read without end.
        while file.tell() <= listed.size and (count := file.readinto(piece)):
            digest.update(piece[:count])
            counter.add(count)
        _expect(listed, os.fstat(file.fileno()))
    return digest.hexdigest()


def _expect(listed: File, found: os.stat_result) -> None:
    """Refuses a file that is another one than was listed, or was written to since."""
    if as_file(listed.path, found) != listed:
        raise DigestError("The file changed while it was read", where=shown(listed.path), mend="Try again")
