# SPDX-License-Identifier: Apache-2.0
"""Drafts of evidence from templates: one template for each kind, one file of words for each made-up system.

A text that begins with `$` stands for something else: `$owner` for a word, `$day -20` for a day, `$paper notice` for
`made-up.md`, which then has a section of that name, `$file NAME` for another document, `$hash WORDS` for the SHA-256 of
data that do not exist, `$context FIELD` for what the context says, `$cap WORD` for a word that begins a sentence.
`${owner}` is filled in inside a text.
"""

from __future__ import annotations

import hashlib
import json
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from qaqpa.documents import parse_yaml, read
from qaqpa.evidence.kinds import SYSTEM, kind

HERE = Path(__file__).parent

DAY = date(2026, 11, 23)
"""The day on which the examples were written."""

MADE_UP = "made-up.md"
"""The document that holds all papers that do not exist."""

_INSIDE = re.compile(r"\$\{([a-z0-9_]+)\}")
_WHOLE = re.compile(r"\$([a-z0-9_]+)(?: (.+))?", re.DOTALL)
_DOCUMENTS = "documents"
_WIDTH = 120
_HEAD = """\
# Papers about ${title}

Made up: the people, the organisations and the papers do not exist. In a real system each of these is a document of its
own; evidence names it by where it is kept and by the SHA-256 of its bytes. Here all stand in one file, and so have one
SHA-256.
"""


@dataclass(frozen=True)
class Measured:
    """What was measured on a model: numbers by the word that stands for them, and files by path in the variant."""

    words: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """A variant of a system: its words, what was measured on its model, and the kinds of evidence that it needs."""

    system: str
    name: str
    measured: Measured = Measured()
    kinds: tuple[str, ...] = ()

    @cached_property
    def value(self) -> dict[str, Any]:
        """The system's file with what all share below it and the variant's changes above; not the evidence."""
        found = _loaded("common.yaml")
        for part in (*self._parts, {"words": self.measured.words}):
            found = merged(found, {name: part[name] for name in part if name not in {"evidence", "variants"}})
        return found

    @property
    def profiles(self) -> list[str]:
        """The profiles that the system is judged by."""
        return list(self.value["profiles"])

    @cached_property
    def context(self) -> dict[str, Any]:
        """The content of `context.yaml`."""
        return self.content(SYSTEM)

    def content(self, name: str) -> dict[str, Any]:
        """The evidence of a kind, `kind` included.

        Raises:
            DocumentError: it does not fit the schema of its kind.
        """
        filled: dict[str, Any] = self._filled(self._raw(name))
        kind(name).check(parse_yaml(json.dumps(filled), f"{self.system}/{self.name}: {name}"))
        return filled

    @cached_property
    def documents(self) -> dict[str, bytes]:
        """Every document that the evidence names, and what was measured, by path in the variant."""
        written = {f"{_DOCUMENTS}/{MADE_UP}": self._papers(), **self.measured.files}
        for name, text in self.value.get(_DOCUMENTS, {}).items():
            written[f"{_DOCUMENTS}/{name}"] = text.encode()
        return written

    def origin(self, name: str) -> str:
        """Where the evidence of a kind comes from, in a few words."""
        return str(self.value.get("origin", {}).get(name, "made up"))

    def filled_in(self, text: str) -> str:
        """A text with its words filled in."""
        return str(_INSIDE.sub(lambda match: str(self._filled(f"${match[1]}")), text))

    @cached_property
    def _parts(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the system's file says for both variants, and for this one."""
        own = _loaded(f"systems/{self.system}.yaml")
        return own, own["variants"][self.name]

    @property
    def _layers(self) -> list[str]:
        context = self.value["context"]
        owner = "public" if context["public_sector"] else "private"
        return ["all", owner, *(["eu"] if "EU" in context["jurisdictions"] else [])]

    def _raw(self, name: str) -> dict[str, Any]:
        template = _loaded(f"templates/{name}.yaml")
        found: dict[str, Any] = {"kind": name}
        for layer in self._layers:
            found = merged(found, template.get(layer, {}))
        if name == SYSTEM:
            return merged(found, self.value["context"])
        for part in self._parts:
            found = merged(found, part.get("evidence", {}).get(name, {}))
        return found

    def _papers(self) -> bytes:
        named = {paper for name in self.kinds for paper in _named(self._raw(name))}
        texts = self.value["papers"]
        sections = [f"## {paper}\n\n{textwrap.fill(self.filled_in(texts[paper]), _WIDTH)}\n" for paper in sorted(named)]
        return "\n".join([self.filled_in(_HEAD), *sections]).encode()

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._filled(entry) for name, entry in value.items()}
        if isinstance(value, list):
            return [self._filled(entry) for entry in value]
        if not isinstance(value, str):
            return value
        whole = _WHOLE.fullmatch(value)
        if whole is None:
            return self.filled_in(value)
        return self._filled(self._meant(whole[1], whole[2] or ""))

    def _meant(self, name: str, argument: str) -> Any:
        """What a text that begins with `$` stands for."""
        meanings: dict[str, Callable[[str], Any]] = {
            "cap": self._capital,
            "context": self.value["context"].__getitem__,
            "day": lambda days: (DAY + timedelta(days=int(days))).isoformat(),
            "excluded_attributes": lambda _: self._excluded(),
            "file": self._document,
            "groups": lambda _: list(_groups(self.value.get("counts", {}))),
            "hash": self._hash,
            "paper": lambda _: self._document(MADE_UP),
            "system_id": lambda _: self._hash("system")[:32],
        }
        if name in meanings:
            return meanings[name](argument)
        if name not in self.value["words"]:
            raise KeyError(f"{self.system}: the word {name!r} is missing under `words`")
        return self.value["words"][name]

    def _capital(self, word: str) -> str:
        text = str(self._meant(word, ""))
        return text[:1].upper() + text[1:]

    def _hash(self, of: str) -> str:
        """The SHA-256 of something that does not exist."""
        return hashlib.sha256(f"made up: {self.system}: {of}".encode()).hexdigest()

    def _excluded(self) -> list[dict[str, str]]:
        """The attributes by which nobody was compared, with the reason."""
        reasons, why = self.value["excluded"], self.value.get("excluded_because")
        left = [attribute for attribute in reasons if attribute not in self.value.get("counts", {})]
        return [{"attribute": attribute, "reason": why or reasons[attribute]} for attribute in left]

    def _document(self, name: str) -> dict[str, str]:
        path = f"{_DOCUMENTS}/{name}"
        return {"uri": path, "sha256": hashlib.sha256(self.documents[path]).hexdigest()}


def systems() -> list[str]:
    """The names of all systems."""
    return sorted(path.stem for path in (HERE / "systems").glob("*.yaml"))


def variants(system: str) -> list[str]:
    """The names of the variants of a system."""
    return list(_loaded(f"systems/{system}.yaml")["variants"])


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """What base says with the change: mappings are merged, `null` removes, `name+` adds to a list, else it replaces.

    Neither of the two is changed.
    """
    found = dict(base)
    for name, value in change.items():
        if value is None:
            found.pop(name, None)
        elif name.endswith("+"):
            found[name[:-1]] = [*found.get(name[:-1], []), *value]
        elif isinstance(value, dict) and isinstance(found.get(name), dict):
            found[name] = merged(found[name], value)
        else:
            found[name] = value
    return found


@lru_cache
def _loaded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = read(HERE / name).value
    return found


def _named(value: Any) -> Iterator[str]:
    """The papers that a value names."""
    if isinstance(value, dict | list):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _named(entry)
    elif isinstance(value, str) and value.startswith("$paper "):
        yield value.removeprefix("$paper ")


def _groups(counts: Mapping[str, Mapping[str, list[int]]]) -> Iterator[dict[str, Any]]:
    """Counts by group as evidence of kind `bias` holds them.

    They are made from positives, how many of these were found, negatives, and how many of these were found wrongly.
    """
    for attribute, groups in counts.items():
        for group, (positives, found, negatives, wrongly) in groups.items():
            yield {
                "attribute": attribute,
                "group": group,
                "n": positives + negatives,
                "selected": found + wrongly,
                "positives": positives,
                "false_negatives": positives - found,
                "negatives": negatives,
                "false_positives": wrongly,
            }
