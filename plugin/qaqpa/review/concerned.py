# SPDX-License-Identifier: Apache-2.0
"""Which models a pull request concerns: those whose context, evidence, model or code differ, that came, or went."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from qaqpa.config import Config
from qaqpa.documents import Document, parse_yaml, read
from qaqpa.errors import QaqpaError, UsageError
from qaqpa.escape import visible
from qaqpa.evidence.kinds import SYSTEM, kind
from qaqpa.evidence.pieces import MAX_CHARACTERS
from qaqpa.review.changed import changed_code, changed_parts, remaining_code
from qaqpa.review.git import Blobs, Entry
from qaqpa.review.matching import Name, Pair, matched
from qaqpa.review.pinned import Say
from qaqpa.review.place import Spot
from qaqpa.review.refs import Base
from qaqpa.review.stored import Stored
from qaqpa.review.tree import CONTEXT, models_among, models_below


@dataclass(frozen=True)
class Concerned:
    """A model that is concerned: which parts of its directory differ, and which files of its code."""

    pair: Pair
    parts: frozenset[str] = frozenset()
    code: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """A tree beside its base.

    Attributes:
        spot: the tree.
        base: the base.
        blobs: reads what is stored.
        config: the configuration of the base.
        say: is told what is not in the result.
    """

    spot: Spot
    base: Base
    blobs: Blobs
    config: Config
    say: Say

    @cached_property
    def stored(self) -> Mapping[str, Stored]:
        """The directories of the base that are about a model, by their path from the top of the tree."""
        entries = self.spot.repository.entries(self.base.fork, self.spot.folder)
        start = len(self.spot.folder) + 1 if self.spot.folder else 0
        below = [entry for entry in entries if not start or entry.path.startswith(f"{self.spot.folder}/")]
        folders = models_among(entry.path[start:] for entry in below)
        return {folder: Stored.of(self.spot.inside(folder), below) for folder in folders}

    def concerned(self, *, everything: bool) -> Iterator[Concerned]:
        """The models that are concerned, sorted; all there are where `everything` is asked.

        Raises:
            QaqpaError: the tree or the base cannot be read.
        """
        folders = self._folders()
        self._refuse_submodules({*folders, *self.stored})
        parts = {folder: self._parts(folder, folder) for folder in folders if folder in self.stored}
        code = self._code(folders)
        count = 0
        for pair in self._pairs(folders, parts):
            own = self._parts(pair.now, pair.before) if pair.moved else parts.get(pair.now, frozenset())
            files = tuple(code.get(self._key(pair.now), ())) if pair.now else ()
            if everything or own or files or pair.moved or not (pair.now and pair.before):
                count += 1
                yield Concerned(pair, own, files)
        if not folders and not count:
            self.say(f"{visible(self.spot.tree)} holds no model: no context.yaml, and no evidence/")

    def _folders(self) -> list[str]:
        """The directories of the work tree; none where the whole tree is gone that the base has."""
        if os.path.lexists(self.spot.tree) or not self.stored:
            return models_below(self.spot.tree)
        self.say(f"{visible(self.spot.tree)} is gone, so the models that the base has there are judged as removed")
        return []

    def code_is_gone(self, folder: str) -> bool:
        """True where the configuration names the code of a directory, and nothing shows that it is still there."""
        patterns = self.config.code.get(self._key(folder), ())
        repository = self.spot.repository
        if not patterns:
            return False
        return not any(remaining_code(repository, repository.entries(self.base.fork), patterns, self.blobs))

    def name_of(self, folder: str) -> str:
        """The registered model of a directory of the base; the directory's own name where none can be read."""
        name = self._name_before(folder)
        return name[1] if name else PurePosixPath(self.spot.inside(folder) or self.spot.repository.top.name).name

    def _key(self, folder: str) -> str:
        """A directory as the configuration names it."""
        return self.spot.inside(folder) or "."

    def _refuse_submodules(self, folders: Iterable[str]) -> None:
        """What is in another repository is not in the base, so nothing would tell what changed in it."""
        inside = {self.spot.inside(folder) for folder in folders}
        for path in self.spot.repository.submodules():
            if "" in inside or any(f"{path}/".startswith(f"{folder}/") for folder in inside):
                raise UsageError(
                    "This is a submodule in the directory of a model, and the base says nothing about what is in it",
                    where=visible(path),
                    required="the files themselves, in the repository that is reviewed",
                    mend="`git rm --cached` it, take its `.git` away, and `git add` its files",
                )

    def _parts(self, now: str, before: str) -> frozenset[str]:
        return changed_parts(self.spot.tree / now, self.stored[before], self.blobs)

    def _code(self, folders: list[str]) -> dict[str, list[str]]:
        if not self.config.code:
            return {}
        known = {self._key(folder) for folder in (*folders, *self.stored)}
        for folder in sorted(set(self.config.code) - known):
            if not self.spot.folder or folder.startswith(f"{self.spot.folder}/"):
                self.say(f"review.code names {visible(folder)}, which is no directory of a model")
        entries: list[Entry] = self.spot.repository.entries(self.base.fork)
        return changed_code(self.spot.repository, entries, self.config.code, self.blobs)

    def _pairs(self, folders: list[str], parts: Mapping[str, frozenset[str]]) -> list[Pair]:
        """Names are read only where they matter: where a directory came or went, or a context changed."""
        same = set(folders) == set(self.stored) and not any(CONTEXT in own for own in parts.values())
        now = {folder: None if same else self._name_now(folder) for folder in folders}
        return matched(now, {folder: None if same else self._name_before(folder) for folder in self.stored})

    def _name_now(self, folder: str) -> Name | None:
        path = self.spot.tree / folder / CONTEXT
        try:
            readable = not path.is_symlink() and path.is_file() and path.stat().st_size <= MAX_CHARACTERS
            return _name(read(path)) if readable else None
        except QaqpaError:
            # Reading the directory says what is wrong with it.
            return None

    def _name_before(self, folder: str) -> Name | None:
        entry = self.stored[folder].files.get(CONTEXT)
        try:
            return _name(parse_yaml(self.blobs.read(entry, MAX_CHARACTERS).decode(), CONTEXT)) if entry else None
        except (QaqpaError, UnicodeDecodeError):
            return None


def _name(context: Document) -> Name | None:
    if not kind(SYSTEM).fits(context.value):
        return None
    model = context.value["models"][0]
    return model.get("workspace", "default"), model["name"]
