# SPDX-License-Identifier: Apache-2.0
"""Remembers the highest version of the parties file, so that an older one cannot come back."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qaqpa.documents import DocumentError, parse_json
from qaqpa.errors import UndecidedError

_MAX_BYTES = 1000
_LOCK_SECONDS = 5.0
_PAUSE_SECONDS = 0.02
_DIGEST = re.compile("[0-9a-f]{64}", re.ASCII)


class StateError(UndecidedError):
    """The directory that remembers versions cannot be read or written."""


@dataclass(frozen=True)
class Version:
    """A version of the parties file, and the SHA-256 of its bytes."""

    number: int
    digest: str


class SeenVersions:
    """The highest version seen under one set of root keys, in a file of its own below a directory."""

    def __init__(self, directory: Path, roots: Iterable[str]) -> None:
        self._directory = directory
        name = hashlib.sha256("\n".join(sorted(set(roots))).encode()).hexdigest()[:32]
        self._file = directory / f"parties-{name}.json"
        self._lock = directory / f"parties-{name}.lock"

    def highest_with(self, version: Version) -> Version:
        """The highest version seen, this one included, which is remembered where it is higher than all before.

        At an equal number the one that was seen first is the highest.

        Raises:
            StateError: it cannot be read or written.
        """
        try:
            seen = self._read()
            if seen and seen.number >= version.number:
                return seen
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked():
                seen = self._read()
                if seen and seen.number >= version.number:
                    return seen
                self._write(version)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise StateError(f"{reason}", where=str(self._file)) from error
        return version

    def _read(self) -> Version | None:
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ValueError("it is no file")
            raw = file.read(_MAX_BYTES)
        return _version(raw)

    def _write(self, version: Version) -> None:
        """Replaces the file whole or not at all, readable by its owner only."""
        descriptor, name = tempfile.mkstemp(dir=self._directory, prefix=f"{self._file.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"version": version.number, "sha256": version.digest}, file)
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(self._file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Holds the lock, for which nobody waits for ever."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._lock, flags, 0o600)
        try:
            give_up = time.monotonic() + _LOCK_SECONDS
            while not _lock(descriptor):
                if time.monotonic() > give_up:
                    raise ValueError(f"another process has held the lock for {_LOCK_SECONDS:.0f} seconds")
                time.sleep(_PAUSE_SECONDS)
            yield
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _version(raw: bytes) -> Version:
    try:
        value = parse_json(raw.decode("utf-8"), "state", places=False).value
    except (DocumentError, UnicodeDecodeError) as error:
        raise ValueError("the file is damaged") from error
    if not isinstance(value, dict) or set(value) != {"version", "sha256"}:
        raise ValueError("the file is damaged")
    number, digest = value["version"], value["sha256"]
    if type(number) is not int or number < 1 or not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ValueError("the file is damaged")
    return Version(number, digest)
