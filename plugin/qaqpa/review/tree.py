# SPDX-License-Identifier: Apache-2.0
"""Which directories of a tree are about a model, in the work tree and in a commit, by the same rule.

A directory is about a model when it holds `context.yaml`, or `evidence/` with a file that can be evidence. Hidden
directories are not entered, nor `evidence/` and `model/` of such a directory. Links are never followed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from qaqpa.errors import UsageError
from qaqpa.escape import visible

CONTEXT, EVIDENCE, MODEL = "context.yaml", "evidence", "model"
"""What a directory that is about a model may hold."""

MAX_MODELS = 500
"""Most models of one tree."""

MAX_DEPTH = 20
"""How deep below the tree models are looked for, in directories."""

MAX_ENTRIES = 100_000
"""Most files and directories that are looked at."""

_SUFFIXES = (".yaml", ".yml", ".json")
_NARROWER = "Name a directory that holds the models and little else"


def models_below(tree: Path) -> list[str]:
    """The directories of a tree that are about a model, relative to it with slashes, sorted; `.` is the tree itself.

    Raises:
        UsageError: the tree is no directory or cannot be read, has a link to a directory or another repository in it,
            or is too large.
    """
    if tree.is_symlink() or not tree.is_dir():
        found = "This is a symbolic link" if tree.is_symlink() else "There is no such directory"
        raise UsageError(found, where=visible(tree), required="the directory itself")
    return _within_limit(_Walk(tree).found(), tree)


def models_among(files: Iterable[str]) -> list[str]:
    """The same of the files of a commit, given relative to the tree.

    Raises:
        UsageError: there are too many.
    """
    holding: set[PurePosixPath] = set()
    for file in files:
        path = PurePosixPath(file)
        if path.name == CONTEXT:
            holding.add(path.parent)
        elif path.parent.name == EVIDENCE and _may_be_evidence(path.name):
            holding.add(path.parent.parent)
    return _within_limit(str(path) for path in holding if _is_entered(path, holding))


def _is_entered(path: PurePosixPath, holding: set[PurePosixPath]) -> bool:
    if len(path.parts) > MAX_DEPTH or any(part.startswith(".") for part in path.parts):
        return False
    above = [path, *path.parents]
    return not any(one.name in {EVIDENCE, MODEL} and one.parent in holding for one in above if one.name)


def _within_limit(found: Iterable[str], tree: Path | None = None) -> list[str]:
    models = sorted(found)
    if len(models) > MAX_MODELS:
        where = visible(tree) if tree else "the base"
        raise UsageError(f"{len(models)} models are too many", where=where, required=f"at most {MAX_MODELS}")
    return models


def _may_be_evidence(name: str) -> bool:
    return name.endswith(_SUFFIXES) and not name.startswith(".")


class _Walk:
    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._seen = 0

    def found(self) -> Iterator[str]:
        pending = [PurePosixPath()]
        while pending:
            folder = pending.pop()
            entries = self._entries(folder)
            names = {entry.name for entry in entries}
            holds = CONTEXT in names or any(self._has_evidence(folder, entry) for entry in entries)
            if holds:
                yield str(folder)
            for entry in entries:
                self._refuse_odd(entry, folder)
                if holds and entry.name in {EVIDENCE, MODEL} and entry.is_dir(follow_symlinks=False):
                    self._refuse_repositories(folder / entry.name)
                if not entry.is_dir(follow_symlinks=False) or entry.name.startswith("."):
                    continue
                if not (holds and entry.name in {EVIDENCE, MODEL}):
                    pending.append(folder / entry.name)

    def _has_evidence(self, folder: PurePosixPath, entry: os.DirEntry[str]) -> bool:
        if entry.name != EVIDENCE or not entry.is_dir(follow_symlinks=False):
            return False
        return any(_may_be_evidence(inner.name) for inner in self._entries(folder / EVIDENCE))

    def _entries(self, folder: PurePosixPath) -> list[os.DirEntry[str]]:
        if len(folder.parts) > MAX_DEPTH:
            raise UsageError(
                "The tree is too deep", where=visible(self._tree / folder), required=f"at most {MAX_DEPTH} levels"
            )
        try:
            with os.scandir(self._tree / folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise UsageError(
                f"The directory cannot be read ({error.strerror})", where=visible(self._tree / folder)
            ) from error
        self._seen += len(entries)
        if self._seen > MAX_ENTRIES:
            found_text = f"The tree has more than {MAX_ENTRIES} files and directories"
            raise UsageError(found_text, where=visible(self._tree), mend=_NARROWER)
        return entries

    def _refuse_repositories(self, folder: PurePosixPath) -> None:
        """Below what is not looked through for models; how deep that is and how much is limited where it is read."""
        for place, folders, files in os.walk(self._tree / folder):
            if ".git" in (*folders, *files):
                raise _another_repository(Path(place) / ".git")

    def _refuse_odd(self, entry: os.DirEntry[str], folder: PurePosixPath) -> None:
        """A link could lead to what is judged elsewhere, or nowhere; another repository has a history of its own."""
        where = visible(self._tree / folder / entry.name)
        if entry.is_symlink() and (entry.name in {CONTEXT, EVIDENCE, MODEL} or _leads_to_directory(entry)):
            raise UsageError("This is a symbolic link", where=where, required="the file or directory itself")
        if entry.name == ".git" and folder.parts:
            raise _another_repository(self._tree / folder / entry.name)


def _another_repository(path: Path) -> UsageError:
    return UsageError(
        "This is another repository inside the tree, which the base says nothing about",
        where=visible(path),
        mend="Keep evidence in the repository that is reviewed",
    )


def _leads_to_directory(link: os.DirEntry[str]) -> bool:
    try:
        return link.is_dir()
    except OSError:
        # It leads to itself.
        return False
