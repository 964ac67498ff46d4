# SPDX-License-Identifier: Apache-2.0
"""The bytes that `qaqpa verify` is asked about: hashed where they lie, or fetched once into a new directory."""

from __future__ import annotations

import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qaqpa.cli.bounded import MODEL, Limits, fetch
from qaqpa.cli.lazily import MODELS
from qaqpa.errors import UndecidedError, UsageError
from qaqpa.escape import visible
from qaqpa.evidence.digest import dir_hash
from qaqpa.model import Subject

_DIRECTORY_MODE, _FILE_MODE = 0o755, 0o644


@dataclass(frozen=True)
class Bytes:
    """Some bytes: their digest, and the registered version, where a registry named them."""

    digest: str
    version: Subject | None = None


def in_place(target: str, registry_uri: str | None, limits: Limits) -> Bytes:
    """The bytes where they lie. Whoever may write there can change them afterwards; `fetched` is the answer to that.

    Raises:
        QaqpaError: they cannot be read or hashed.
    """
    if not target.startswith(MODELS):
        return Bytes(dir_hash(_directory(target)))
    with tempfile.TemporaryDirectory(prefix="qaqpa-") as private:
        version = fetch(target, registry_uri, Path(private), limits, copy=False)
        return Bytes(dir_hash(version.files), version.subject)


class Fetched:
    """Bytes in a private directory, which become `destination` only when they are kept."""

    def __init__(self, scratch: Path, destination: Path, found: Bytes) -> None:
        self.found = found
        self._scratch = scratch
        self._destination = destination

    def keep(self) -> None:
        """Puts them at their destination, in one step.

        Raises:
            UsageError: something came there meanwhile, or it cannot be written.
        """
        _refuse_existing(self._destination)
        try:
            _set_modes(self._scratch)
            self._scratch.rename(self._destination)
        except OSError as error:
            raise _unwritable(self._destination, error) from error


@contextmanager
def fetched(target: str, registry_uri: str | None, destination: Path, limits: Limits) -> Iterator[Fetched]:
    """Fetches bytes once into a new private directory beside the destination, and hashes what came.

    What is not kept is taken away at the end.

    Raises:
        UsageError: the destination exists, or nothing can be written beside it.
        QaqpaError: they cannot be fetched or hashed.
    """
    _refuse_existing(destination)
    if not target.startswith(MODELS) and destination.resolve().is_relative_to(Path(target).resolve()):
        raise UsageError(
            "This lies among the files that are verified",
            where=f"--into {visible(destination)}",
            required="a directory elsewhere",
        )
    try:
        private = Path(tempfile.mkdtemp(prefix=".qaqpa-", dir=destination.absolute().parent))
    except OSError as error:
        raise _unwritable(destination, error) from error
    scratch = private / MODEL
    try:
        version = _fetch(target, registry_uri, private, limits)
        yield Fetched(scratch, destination, Bytes(dir_hash(scratch), version))
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _fetch(target: str, registry_uri: str | None, private: Path, limits: Limits) -> Subject | None:
    if target.startswith(MODELS):
        return fetch(target, registry_uri, private, limits, copy=True).subject
    try:
        # Links stay links, and the digest refuses them.
        shutil.copytree(_directory(target), private / MODEL, symlinks=True)
    except (OSError, shutil.Error) as error:
        raise UndecidedError("The model's files cannot be copied", where=visible(target)) from error
    return None


def _set_modes(directory: Path) -> None:
    """Leaves no permission but the usual ones: a set-user-id file, or a directory that anybody writes, is no model."""
    directory.chmod(_DIRECTORY_MODE)
    for path in directory.rglob("*"):
        executable = path.stat(follow_symlinks=False).st_mode & stat.S_IXUSR
        path.chmod(_DIRECTORY_MODE if path.is_dir() or executable else _FILE_MODE)


def _directory(target: str) -> Path:
    """The directory itself: where a link leads can be another place when the model is served."""
    path = Path(target)
    if path.is_symlink():
        raise UndecidedError(
            "The model's directory is a symbolic link", where=visible(target), required="the directory itself"
        )
    return path


def _refuse_existing(destination: Path) -> None:
    if destination.exists() or destination.is_symlink():
        raise UsageError(
            "This exists already", where=f"--into {visible(destination)}", required="a directory that is to be made"
        )


def _unwritable(destination: Path, error: OSError) -> UsageError:
    return UsageError(f"The directory cannot be made ({error.strerror})", where=f"--into {visible(destination)}")
