# SPDX-License-Identifier: Apache-2.0
"""The fields of a kind of evidence: which values they may have, and which control asks for each.

A schema requires little, so that a gap is reported by the control that minds it. Who minds is read from the controls'
own Rego: nobody has to keep a second list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from qaqpa.evidence.kinds import SYSTEM, Kind
from qaqpa.model import JsonObject
from qaqpa.policy.bundle import Catalog
from qaqpa.report.section import joined, labelled
from qaqpa.report.texts import Texts
from qaqpa.resources import POLICIES

_USES = {
    "deny": "explain.field_denied",
    "warn": "explain.field_warned",
    "read": "explain.field_read",
    "unknown": "explain.field_unknown",
}
_WORD = re.compile(r'["/.]([a-z_0-9]+)\b')
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
# The field that a violation is about stands after the fact: as a text with its path, or as a variable.
_REPORTED = re.compile(r'(?:found :=|violations\.).*?, \w+, (?:"([a-z_0-9]+)[/"]|\w+,)')


@dataclass(frozen=True)
class Field:
    """A field of a kind: its path, with `[]` after a list, and its schema with references replaced."""

    path: tuple[str, ...]
    schema: JsonObject
    required: bool

    @property
    def name(self) -> str:
        """Its path as people read it."""
        return ".".join(self.path)

    def values(self, texts: Texts) -> str:
        """All values that are allowed, where they are listed; else nothing."""
        own, items = (part.get("enum", ()) for part in (self.schema, self.schema.get("items", {})))
        label = texts.say("explain.one_of" if own else "explain.each_one_of")
        return labelled(label, map(str, own or items))


def fields(own: Kind) -> Iterator[Field]:
    """The fields of a kind in the order of its schema, each before what it holds; `kind` is left out."""
    return (field for field in _fields((), own.schema, own) if field.path != ("kind",))


def resolved(schema: JsonObject, own: Kind) -> JsonObject:
    """A part of a kind's schema with its reference replaced by what it refers to."""
    reference = schema.get("$ref")
    return {**own.schema["$defs"][reference.rsplit("/", 1)[-1]], **schema} if reference else schema


def readers(own: Kind, catalog: Catalog) -> list[str]:
    """The controls that read a kind. The context is on no card: whoever looks at one of its fields reads it."""
    if own.name == SYSTEM:
        names = own.schema["properties"]
        return sorted(c for c in catalog.controls if any(_reads_context(c, name, catalog) for name in names))
    return sorted(control for control, card in catalog.controls.items() if own.name in card["evidence"])


def note(field: Field, own: Kind, texts: Texts) -> str:
    """Who asks for a field, or that it may be left out."""
    if field.required:
        return texts.say("explain.field_required")
    use = {control: _use(field, control, own, texts.catalog) for control in readers(own, texts.catalog)}
    said = {
        how: texts.say(words, controls=controls)
        for how, words in _USES.items()
        if (controls := [control for control in use if use[control] == how])
    }
    optional = "" if said.keys() & {"deny", "warn"} else texts.say("explain.field_optional")
    return joined((said.get("deny", ""), said.get("warn", ""), optional, said.get("read", ""), said.get("unknown", "")))


def _fields(path: tuple[str, ...], schema: JsonObject, own: Kind) -> Iterator[Field]:
    for name, part in schema.get("properties", {}).items():
        found = resolved(part, own)
        items = resolved(found.get("items", {}), own)
        here = Field((*path, name), {**found, "items": items}, name in schema.get("required", []))
        yield here
        yield from _fields(here.path, found, own)
        yield from _fields((*path, f"{name}[]"), items, own)


def _use(field: Field, control: str, own: Kind, catalog: Catalog) -> str:
    """What a control does about a field: `deny` or `warn` for what it lacks, `read`, `unknown`, or nothing."""
    rules = _rules(control)
    top, leaf = field.path[0].removesuffix("[]"), field.path[-1]
    if own.name == SYSTEM:
        return "read" if field.path == (top,) and _reads_context(control, top, catalog) else ""
    if not rules:
        return "unknown"
    levels = set()
    for rule in rules:
        words = set(_WORD.findall(rule))
        for line in rule.splitlines():
            reported = _REPORTED.search(line)
            if reported and top in ({reported[1]} if reported[1] else words) and leaf in {top, *words}:
                levels.add("warn" if "violations.warn(" in line else "deny")
    seen = set(_WORD.findall("".join(rules)))
    return min(levels, default="read" if {top, leaf} <= seen else "")


def _reads_context(control: str, field: str, catalog: Catalog) -> bool:
    """True when a rule looks at a field of the context, by its name or by a variable, or a profile does for it."""
    demands = [content["controls"].get(control, {}) for content in catalog.profiles.values()]
    return any(field in demand.get("warn_when", {}) for demand in demands) or any(
        re.search(rf'context\.{field}\b|context\.said\("{field}"\)', rule)
        or ("context.said(field)" in rule and f'"{field}"' in rule)
        for rule in _rules(control)
    )


@lru_cache(maxsize=256)
def _rules(control: str) -> tuple[str, ...]:
    """The rules of a shipped control without comments; none where the control is not ours."""
    found = list((POLICIES / "controls").glob(f"*/{control.lower().replace('-', '_')}.rego"))
    if not found:
        return ()
    return tuple(re.split(r"\n\n(?=\S)", _COMMENT.sub("", found[0].read_text("utf-8"))))
