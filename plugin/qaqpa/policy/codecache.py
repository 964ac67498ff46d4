# SPDX-License-Identifier: Apache-2.0
"""Keeps machine code that was compiled from WebAssembly, so that only the first start pays for compiling.

Machine code is executed as it is: whoever can write it owns this process. So the directory and the files must belong to
this user and be closed to everybody else, which is checked on the open file at every load. Anything odd, a directory
that cannot be written or a platform without owners means only that the code is compiled afresh.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_MAX_BYTES = 64 << 20
_MAX_FILES = 8
_DIGEST_BYTES = 32
_OTHERS = 0o077


def cache_directory() -> Path | None:
    """`$XDG_CACHE_HOME/qaqpa`, else `~/.cache/qaqpa`; None where neither is an absolute path."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if named.startswith("/") else Path("~/.cache").expanduser()
    return base / "qaqpa" if base.is_absolute() else None


def load(key: str) -> bytes | None:
    """The machine code that was kept under a key (a file name); None unless file and directory are beyond doubt."""
    with contextlib.suppress(OSError), _directory() as folder:
        descriptor = os.open(_file(key), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as file:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode) or not _ours(state) or state.st_nlink != 1:
                return None
            content = file.read(_MAX_BYTES)
        digest, code = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        # Against a file that was cut short, not against an enemy: the owner and the modes are what keeps those out.
        return code if hashlib.sha256(code).digest() == digest else None
    return None


def store(key: str, code: bytes) -> None:
    """Keeps machine code under a key. Does nothing where that is not possible."""
    with contextlib.suppress(OSError):
        path = cache_directory()
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        with _directory() as folder:
            fresh = f".{key}.{os.getpid()}.{os.urandom(4).hex()}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(fresh, flags, 0o600, dir_fd=folder), "wb") as file:
                file.write(hashlib.sha256(code).digest() + code)
            os.rename(fresh, _file(key), src_dir_fd=folder, dst_dir_fd=folder)
            _forget_oldest(folder)


@contextlib.contextmanager
def _directory() -> Iterator[int]:
    """The open cache directory.

    Raises:
        OSError: there is none, it is not ours, or others can write or read it.
    """
    path = cache_directory()
    if path is None or not hasattr(os, "geteuid"):
        raise OSError("no cache directory")
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not _ours(os.fstat(descriptor)):
            raise OSError("the cache directory is open to others")
        yield descriptor
    finally:
        os.close(descriptor)


def _ours(state: os.stat_result) -> bool:
    return state.st_uid == os.geteuid() and not state.st_mode & _OTHERS


def _file(key: str) -> str:
    return f"{key}.code"


def _forget_oldest(folder: int) -> None:
    names = [name for name in os.listdir(folder) if name.endswith(".code")]
    times = {name: os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime for name in names}
    for name in sorted(names, key=lambda name: times[name])[:-_MAX_FILES]:
        os.unlink(name, dir_fd=folder)
