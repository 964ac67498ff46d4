# SPDX-License-Identifier: Apache-2.0
"""Opens what lies below a directory, and nothing else, whatever somebody does to the names meanwhile."""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO

PIECE_BYTES = 1 << 20
"""How much of a file is read at once."""

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class NotPlainError(OSError):
    """What lies there is a directory, a pipe, a device: not a plain file."""


def plain_file_below(base: int, path: bytes) -> FileIO:
    """Opens a plain file as `open_below` does; unbuffered.

    Raises:
        NotPlainError: it is not a plain file.
        OSError: as `open_below`.
    """
    descriptor = open_below(base, path)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return FileIO(descriptor)
    os.close(descriptor)
    raise NotPlainError(errno.EINVAL, "it is not a plain file")


def open_below(base: int, path: bytes, flags: int = 0) -> int:
    """Opens a path below an open directory for reading, without following a symbolic link in any part of it.

    Opening never waits, not even for a pipe; what it is, is for the caller to see.

    Args:
        base: descriptor of the directory.
        path: names separated by `/`, neither absolute nor with `..`; the directory itself where empty.
        flags: more flags for the last part, such as `os.O_DIRECTORY`.

    Raises:
        OSError: it does not exist, cannot be opened, or has a symbolic link in it.
    """
    *folders, last = path.split(b"/")
    current = base
    try:
        for folder in folders:
            deeper = os.open(folder, _FLAGS | os.O_DIRECTORY, dir_fd=current)
            _close(current, base)
            current = deeper
        return os.open(last or b".", _FLAGS | os.O_NONBLOCK | flags, dir_fd=current)
    finally:
        _close(current, base)


def _close(descriptor: int, base: int) -> None:
    if descriptor != base:
        os.close(descriptor)
