# SPDX-License-Identifier: Apache-2.0
"""Which models a pull request concerns: those whose context, evidence, model or code differ, that came, or went."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from qaqpa.config import Config
from qaqpa.config.patterns import fits
from qaqpa.documents import MAX_BYTES, Document, parse_yaml, read
from qaqpa.errors import QaqpaError
from qaqpa.escape import visible
from qaqpa.evidence.kinds import SYSTEM, kind
from qaqpa.review.changed import changed_code, changed_parts
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
        """True where the configuration names the code of a directory, and no file of it is there."""
        patterns = self.config.code.get(self._key(folder), ())
        top = self.spot.repository.top
        there = (path for path in self.spot.repository.listed() if fits(path, patterns))
        return bool(patterns) and not any(os.path.lexists(top / path) for path in there)

    def name_of(self, folder: str) -> str:
        """The registered model of a directory of the base; the directory's own name where none can be read."""
        name = self._name_before(folder)
        return name[1] if name else PurePosixPath(self.spot.inside(folder) or self.spot.repository.top.name).name

    def _key(self, folder: str) -> str:
        """A directory as the configuration names it."""
        return self.spot.inside(folder) or "."

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
            return _name(read(path)) if not path.is_symlink() and path.is_file() else None
        except QaqpaError:
            # Reading the directory says what is wrong with it.
            return None

    def _name_before(self, folder: str) -> Name | None:
        entry = self.stored[folder].files.get(CONTEXT)
        try:
            return _name(parse_yaml(self.blobs.read(entry, MAX_BYTES).decode(), CONTEXT)) if entry else None
        except (QaqpaError, UnicodeDecodeError):
            return None


def _name(context: Document) -> Name | None:
    if not kind(SYSTEM).fits(context.value):
        return None
    model = context.value["models"][0]
    return model.get("workspace", "default"), model["name"]
