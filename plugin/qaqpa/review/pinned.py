# SPDX-License-Identifier: Apache-2.0
"""What judges a pull request: configuration, parties file and policies of the base, never those of the pull request.

Whatever is named and lies in the work tree, by its name or by where links lead, is read from the base's tip instead.
What lies outside was put there by whoever judges, and is taken as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from qaqpa.config import DEFAULT_FILE, Config, PartiesSource, config_from, load_config
from qaqpa.config.environment import with_environment
from qaqpa.documents import MAX_BYTES, parse_yaml
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.trust import MAX_SIGNED_BYTES
from qaqpa.policy.bundle import DATA, MANIFEST, WASM
from qaqpa.review.changed import has_object_id
from qaqpa.review.git import Blobs, Entry
from qaqpa.review.place import Spot, below
from qaqpa.review.refs import Base

_VARIABLE = "QAQPA_CONFIG"
_OTHER_FILE = "qaqpa.yml"
_MAX_POLICY_BYTES = 64 << 20

Say = Callable[[str], None]
"""Is told what somebody who reads the result has to know."""


@dataclass(frozen=True)
class Pinned:
    """Reads what judges from the base.

    Attributes:
        spot: the tree that is judged.
        base: the base; its tip counts.
        blobs: reads what is stored.
        scratch: an empty directory of one's own, where files of the base are put.
        say: is told where nothing was found.
    """

    spot: Spot
    base: Base
    blobs: Blobs
    scratch: Path
    say: Say
    _asked: list[str] = field(default_factory=list)

    def config(self, named: str | None) -> Config:
        """The configuration in force.

        Args:
            named: the file that an option names; `QAQPA_CONFIG`, else `qaqpa.yaml` in the working directory where None.

        Raises:
            UsageError: the configuration is broken, or names what is not at the base.
        """
        found, by = (named, "--config") if named is not None else (os.environ.get(_VARIABLE), _VARIABLE)
        path = self._inside(Path(found if found else DEFAULT_FILE)) if found != "" else None
        if path is None:
            return self._with_files_of_base(load_config(named))
        return self._with_files_of_base(self._at_base(path, by if found else "default"))

    def changed(self) -> list[str]:
        """The files that `config` looked for at the base and that the change alters, sorted."""
        return sorted({path for path in self._asked if self._is_changed(path)})

    def _is_changed(self, path: str) -> bool:
        """Whether a file is not what it was where the branch was left, nor what the base has by now."""
        repository = self.spot.repository
        entries = [repository.entries(commit, path) for commit in (self.base.fork, self.base.tip)]
        stored = [next((entry.oid for entry in found if entry.path == path), "") for found in entries]
        if not os.path.lexists(repository.top / path):
            return "" not in stored
        return not any(has_object_id(repository.top, path, oid) for oid in stored)

    def _at_base(self, path: str, named_by: str) -> Config:
        entry = self._entry(path)
        if entry is None:
            other = path.removesuffix(DEFAULT_FILE) + _OTHER_FILE
            if path.endswith(DEFAULT_FILE) and self._entry(other):
                raise UsageError(f"The configuration is named {_OTHER_FILE}", where=self._named(other))
            defaults = with_environment(Config(), {}, "default")
            nobody = "" if defaults.parties else ", and nobody's signature counts"
            self.say(f"{self._named(path)} does not exist: the shipped policies judge{nobody}")
            return defaults
        raw = self.blobs.read(entry, MAX_BYTES)
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UsageError("The file is not UTF-8", where=self._named(path), mend="Save it as UTF-8") from error
        file = self.spot.repository.top / path
        return config_from(parse_yaml(text, self._named(path)), file, file.parent, named_by)

    def _with_files_of_base(self, config: Config) -> Config:
        opa = replace(
            config.opa,
            token_file=self._of_server("token_file", config.opa.token_file),
            ca_file=self._of_server("ca_file", config.opa.ca_file),
        )
        policy = self._policy(config.policy) if config.policy else None
        return replace(config, opa=opa, policy=policy, parties=self._parties(config.parties))

    def _parties(self, parties: PartiesSource | None) -> PartiesSource | None:
        if parties is None:
            return None
        state = parties.state
        if state and self._inside(state) is not None:
            self.say("parties.state lies in the work tree, so no version is remembered: minimum_version counts")
            state = None
        file = self._file(parties.file, MAX_SIGNED_BYTES) or self.scratch / "missing"
        return replace(parties, file=file, state=state)

    def _of_server(self, name: str, path: str | None) -> str | None:
        if path is None:
            return None
        file = self._file(Path(path), MAX_BYTES)
        if file is None:
            raise UsageError(
                f"opa.{name} is not at the base", where=visible(path), mend="Keep it out of the repository"
            )
        return str(file)

    def _policy(self, folder: Path) -> Path:
        inside = self._inside(folder)
        if inside is None:
            return folder
        target = self.scratch / "policy"
        for name in (WASM, DATA, MANIFEST):
            entry = self._entry(f"{inside}/{name}")
            if entry is None:
                found = "The base has no compiled policies there"
                raise UsageError(found, where=self._named(f"{inside}/{name}"), mend="`qaqpa policy build` makes them")
            self._put(entry, target / name, _MAX_POLICY_BYTES)
        return target

    def _file(self, path: Path, most: int) -> Path | None:
        """A file that was named: as it is where it lies outside, that of the base where inside; None without one."""
        inside = self._inside(path)
        if inside is None:
            return path
        entry = self._entry(inside)
        if entry is None:
            self.say(f"{self._named(inside)} does not exist")
            return None
        return self._put(entry, self.scratch / "files" / entry.oid, most)

    def _put(self, entry: Entry, path: Path, most: int) -> Path:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self.blobs.read(entry, most))
        return path

    def _entry(self, path: str) -> Entry | None:
        """The file of the base with exactly this path; a link or a submodule there is refused."""
        self._asked.append(path)
        found = [entry for entry in self.spot.repository.entries(self.base.tip, path) if entry.path == path]
        if found and not found[0].is_file:
            raise UsageError("This is no plain file", where=self._named(path), required="the file itself, no link")
        return found[0] if found else None

    def _inside(self, path: Path) -> str | None:
        """A path from the top of the work tree; None for what lies outside by its name and by where links lead."""
        top = self.spot.repository.top
        named = below(top, path)
        return named if named is not None else below(top, Path(os.path.realpath(path)))

    def _named(self, path: str) -> str:
        return f"{visible(self.base.ref)}:{visible(path)}"
