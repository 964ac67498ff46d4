# SPDX-License-Identifier: Apache-2.0
"""The files that a git repository has stored: where each lies in a commit, and what is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from qaqpa.errors import UndecidedError, UsageError
from qaqpa.escape import visible

MEND = "Fetch all of it: in GitHub Actions `fetch-depth: 0` and no `filter`, elsewhere `git fetch --refetch`"
"""What to do where a file is not here."""

_PIECE_BYTES = 1 << 20


SUBMODULE = "160000"
"""The mode of an entry where another repository is to be put."""


@dataclass(frozen=True)
class Entry:
    """A file of a commit: its path from the top of the repository, mode, object id, and size in bytes."""

    path: str
    mode: str
    oid: str
    size: int

    @property
    def is_file(self) -> bool:
        """True for a plain file; not for a symbolic link, nor for a submodule."""
        return self.mode in {"100644", "100755"}

    @property
    def is_submodule(self) -> bool:
        """True where another repository is to be put."""
        return self.mode == SUBMODULE


class Blobs:
    """Reads stored files by their object id."""

    def __init__(self, questions: IO[bytes], answers: IO[bytes]) -> None:
        self._questions, self._answers = questions, answers

    def read(self, entry: Entry, most: int) -> bytes:
        """A file as a whole.

        Raises:
            UsageError: it is larger than `most` bytes.
            UndecidedError: it is not here, or git stopped.
        """
        if entry.size > most:
            raise UsageError("The file is too large", where=visible(entry.path), required=f"at most {most} bytes")
        return b"".join(self._pieces(entry))

    def sha256(self, entry: Entry) -> str:
        """The SHA-256 of a file, of whatever size.

        Raises:
            UndecidedError: it is not here, or git stopped.
        """
        digest = hashlib.sha256()
        for piece in self._pieces(entry):
            digest.update(piece)
        return digest.hexdigest()

    def _pieces(self, entry: Entry) -> Iterator[bytes]:
        try:
            self._questions.write(f"{entry.oid}\n".encode())
            self._questions.flush()
        except OSError as error:
            raise self._lost(entry) from error
        if self._answers.readline().split() != [entry.oid.encode(), b"blob", str(entry.size).encode()]:
            raise self._lost(entry)
        left = entry.size
        while left:
            piece = self._answers.read(min(left, _PIECE_BYTES))
            if not piece:
                raise self._lost(entry)
            left -= len(piece)
            yield piece
        if self._answers.read(1) != b"\n":
            raise self._lost(entry)

    @staticmethod
    def _lost(entry: Entry) -> UndecidedError:
        return UndecidedError("A file of the base cannot be read", where=visible(entry.path), mend=MEND)
