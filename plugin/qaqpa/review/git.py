# SPDX-License-Identifier: Apache-2.0
"""Reads a git repository without believing it: only stored objects are read, and nothing that it configures is run.

No filter, hook, text conversion, file-system monitor, replacement or graft takes part, nothing is fetched, and every
call has an end. Names are bytes to git; here they are texts in which what is not UTF-8 is a lone surrogate.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from qaqpa.errors import UndecidedError, UsageError
from qaqpa.escape import visible

MAX_LISTING_BYTES = 64 << 20
"""Most that is read of one answer of git, such as the list of a tree, in bytes."""

_SECONDS = 60.0
_BLOB_SECONDS = 600.0
_PIECE_BYTES = 1 << 20
_ENTRY = re.compile(rb"([0-7]{6}) ([a-z]+) ([0-9a-f]{40,64}) +([0-9]+|-)\t(.+)", re.DOTALL)
_OPTIONS = (
    *("--no-pager", "--no-optional-locks", "--literal-pathspecs"),
    # What is owned by somebody else is refused by git lest it run what stands in there; here nothing of it is run.
    *("-c", "safe.directory=*"),
    *("-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false", "-c", "core.hooksPath=/dev/null"),
    *("-c", "core.commitGraph=false", "-c", "protocol.allow=never"),
)
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    # An older git fetches what lacks all the same, and then no protocol is allowed.
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}

_MEND_BLOBS = "Fetch all of it: in GitHub Actions `fetch-depth: 0` and no `filter`, elsewhere `git fetch --refetch`"


class SubmoduleError(UsageError):
    """The directory is in a repository that another one holds."""


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


@dataclass(frozen=True)
class Repository:
    """A repository by the top of its work tree, an absolute path without symbolic links."""

    top: Path

    @classmethod
    def around(cls, directory: Path) -> Repository:
        """The repository whose work tree holds a directory.

        Raises:
            SubmoduleError: it is a submodule.
            UsageError: there is none, or git is not installed.
        """
        answer = _run(directory, "rev-parse", "--show-toplevel", "--show-superproject-working-tree")
        if answer.returncode:
            raise UsageError(
                f"This is in no git work tree ({_complaint(answer)})",
                where=visible(directory),
                required="a directory of a repository, for there is something to compare with",
            )
        top, _, outer = answer.stdout.removesuffix(b"\n").partition(b"\n")
        if outer:
            raise SubmoduleError(
                "This is a submodule: what it is compared with would come from whoever chose it",
                where=visible(directory),
                mend="Run it in the repository that holds the submodule, on directories of its own",
            )
        return cls(Path(os.fsdecode(top)))

    def text(self, *arguments: str) -> str | None:
        """What a command of git answers, without white space at its ends; None where it fails."""
        answer = _run(self.top, *arguments)
        return None if answer.returncode else os.fsdecode(answer.stdout).strip()

    def entries(self, commit: str, folder: str = "") -> list[Entry]:
        """All files of a commit below a folder; a file where that is its path; none where there is no such path.

        Raises:
            UndecidedError: the objects are not here.
        """
        paths = ["--", folder] if folder else []
        answer = self._expect("ls-tree", "-r", "-z", "-l", "--full-tree", commit, *paths)
        return [_entry(line) for line in answer.split(b"\0") if line]

    def listed(self, folder: str = "") -> list[str]:
        """The files of the work tree below a folder that git tracks, or would: not those that it ignores."""
        paths = ["--", folder] if folder else []
        kinds = ("--cached", "--others", "--exclude-standard")
        answer = self._expect("ls-files", "-z", "--full-name", *kinds, *paths)
        return sorted({os.fsdecode(name) for name in answer.split(b"\0") if name})

    def staged(self, folder: str = "", index: Path | None = None) -> dict[str, str]:
        """The object ids of the files of an index by path; empty for what is no plain file or is not merged."""
        paths = ["--", folder] if folder else []
        more = {"GIT_INDEX_FILE": str(index)} if index else {}
        answer = self._expect("ls-files", "-z", "--stage", "--full-name", *paths, more=more)
        found = [line.partition(b"\t") for line in answer.split(b"\0") if line]
        merged = {
            path: about.split(b" ")[1] for about, _, path in found if about.startswith(b"100") and about.endswith(b" 0")
        }
        return {os.fsdecode(path): merged.get(path, b"").decode() for _, _, path in found}

    @contextmanager
    def blobs(self) -> Iterator[Blobs]:
        """A reader of the stored files."""
        command = [*_command(self.top), "cat-file", "--batch"]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=_environment()
        ) as process:
            watch = threading.Timer(_BLOB_SECONDS, process.kill)
            watch.daemon = True
            watch.start()
            try:
                if process.stdin is None or process.stdout is None:
                    raise UndecidedError("git cannot be talked to")
                yield Blobs(process.stdin, process.stdout)
            finally:
                watch.cancel()
                process.kill()

    def _expect(self, *arguments: str, more: Mapping[str, str] | None = None) -> bytes:
        answer = _run(self.top, *arguments, more=more)
        if answer.returncode:
            raise UndecidedError(
                f"git {arguments[0]} fails: {_complaint(answer)}", where=visible(self.top), mend=_MEND_BLOBS
            )
        if len(answer.stdout) > MAX_LISTING_BYTES:
            raise UsageError(
                "The repository has too many files", where=visible(self.top), mend="Name a directory with fewer"
            )
        return answer.stdout


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
        return UndecidedError("A file of the base cannot be read", where=visible(entry.path), mend=_MEND_BLOBS)


def _entry(line: bytes) -> Entry:
    match = _ENTRY.fullmatch(line)
    if match is None:
        raise UndecidedError("git lists a tree in a form that is not known", required="git 2.31 or later")
    mode, _, oid, size, path = match.groups()
    return Entry(os.fsdecode(path), mode.decode(), oid.decode(), int(size) if size.isdigit() else 0)


def _run(directory: Path, *arguments: str, more: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [*_command(directory), *arguments]
    try:
        return subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            env={**_environment(), **(more or {})},
        )
    except FileNotFoundError as error:
        raise UsageError("git is not installed", mend="Install git, or leave --base out") from error
    except subprocess.TimeoutExpired as error:
        raise UndecidedError(f"git {arguments[0]} took longer than {_SECONDS:.0f} seconds") from error


def _command(directory: Path) -> Sequence[str]:
    return ["git", *_OPTIONS, "-C", str(directory)]


def _environment() -> dict[str, str]:
    """The environment of the process without whatever tells git to read something else than what lies there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, **_ENVIRONMENT}


def _complaint(answer: subprocess.CompletedProcess[bytes]) -> str:
    lines = os.fsdecode(answer.stderr).strip().splitlines()
    return visible(lines[-1].removeprefix("fatal: ")) if lines else f"exit code {answer.returncode}"
