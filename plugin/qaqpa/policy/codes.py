# SPDX-License-Identifier: Apache-2.0
"""Finds in the syntax tree of a control which violation codes it can report, so that each has a text on its card.

A code may be written out, joined by `concat`, chosen by a helper, or handed to one. Where it comes from somewhere
else, the codes that were found are not all there are, and `Codes.complete` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from qaqpa.model import Json, JsonObject
from qaqpa.policy.guard import nodes

_LIBRARY = "data.qaqpa.violation"
_ITEM = "internal.member_2"
_MAX_STEPS = 12

_Place = tuple[Json, JsonObject]
"""A term, and the rule in which it stands."""


@dataclass(frozen=True)
class Codes:
    """The codes of a control.

    Attributes:
        certain: those that are codes.
        possible: those, and texts that may be codes.
        complete: false where some code could not be found out.
        levels: by code, what the control makes of it: `deny`, `warn`, or `by_risk`, which denies at high risk only.
    """

    certain: frozenset[str]
    possible: frozenset[str]
    complete: bool
    levels: Mapping[str, frozenset[str]] = field(default_factory=dict)


def codes_of(syntax: JsonObject) -> Codes:
    """The codes in a control, from what `opa parse --format json` prints of it."""
    module = _Module(syntax)
    certain = [module.texts(place) for place in module.codes()]
    perhaps = [module.texts(place) for place in module.other_codes()]
    written = frozenset(text for found in certain for text in found or ())
    complete = all(found is not None for found in [*certain, *perhaps])
    levels: dict[str, frozenset[str]] = {}
    for level, place in module.levels():
        for code in module.texts(place) or ():
            levels[code] = levels.get(code, frozenset()) | {level}
    return Codes(written, written.union(*(found or () for found in perhaps)), complete, levels)


class _Module:
    """The rules of one file, each with its `else` parts."""

    def __init__(self, syntax: JsonObject) -> None:
        self._rules: list[JsonObject] = syntax.get("rules", [])
        names = {_LIBRARY}
        for entry in syntax.get("imports", []):
            path = [str(term["value"]) for term in entry["path"]["value"]]
            if ".".join(path) == _LIBRARY:
                names.add(entry.get("alias", path[-1]))
        self._makers = {f"{name}.{maker}": maker for name in names for maker in ("deny", "warn", "by_risk")}

    def codes(self) -> Iterator[_Place]:
        """The first arguments of `deny`, `warn` and `by_risk`, and the `code` of violations that are written out."""
        return (place for _, place in self.levels())

    def levels(self) -> Iterator[tuple[str, _Place]]:
        """The codes, each with a level that it has; a level that is not known is `deny`."""
        for name, maker in self._makers.items():
            yield from ((maker, (arguments[0], rule)) for arguments, rule in self._calls(name))
        for fields, rule in self._objects():
            if "level" in fields:
                for level in sorted(self.texts((fields["level"], rule)) or {"deny"}):
                    yield level, (fields["code"], rule)

    def other_codes(self) -> Iterator[_Place]:
        """The `code` of other objects, of which a violation may be put together."""
        yield from ((fields["code"], rule) for fields, rule in self._objects() if "level" not in fields)

    def texts(self, place: _Place, steps: int = _MAX_STEPS) -> set[str] | None:
        """The texts that a term can stand for, None where that cannot be found out."""
        term, rule = place
        terms = _call(term)
        if term["type"] == "string":
            return {term["value"]}
        if not steps or (term["type"] not in {"var", "ref"} and not terms):
            return None
        if terms and _name(terms[0]) == "concat":
            return self._joined(terms[1:], rule, steps - 1)
        name = _name(terms[0] if terms else term)
        return self._union(list(self._origins(name, rule)), steps - 1)

    def _joined(self, arguments: Sequence[Json], rule: JsonObject, steps: int) -> set[str] | None:
        if len(arguments) != 2:  # noqa: PLR2004 - the compiler will refuse it
            return None
        separator, parts = arguments
        if separator["type"] != "string" or parts["type"] != "array":
            return None
        choices: list[set[str]] = []
        for part in parts["value"]:
            found = self.texts((part, rule), steps)
            if found is None:
                return None
            choices.append(found)
        return {separator["value"].join(choice) for choice in product(*choices)}

    def _union(self, places: Sequence[_Place], steps: int) -> set[str] | None:
        union: set[str] = set()
        for place in places:
            found = self.texts(place, steps)
            if found is None:
                return None
            union |= found
        return union if places else None

    def _origins(self, name: str, rule: JsonObject) -> Iterator[_Place]:
        """Where a name gets its values from: an assignment, a list, the callers of its function, the rules so named."""
        local = [*self._bound(name, rule), *self._handed(name, rule)]
        yield from local
        if not local:
            yield from ((head["value"], source) for head, source in self._heads(name) if "value" in head)

    def _bound(self, name: str, rule: JsonObject) -> Iterator[_Place]:
        for node in nodes(rule):
            terms = _call(node)
            if len(terms) < 3 or terms[1] != {"type": "var", "value": name}:  # noqa: PLR2004 - operator and two sides
                continue
            if _name(terms[0]) in {"assign", "eq"}:
                yield terms[2], rule
            elif _name(terms[0]) == _ITEM:
                yield from ((item, rule) for item in self._items(terms[2]))

    def _items(self, collection: Json) -> Iterable[Json]:
        """The items of a list or set that is written out, here or in a rule; else the collection, which is no text."""
        if collection["type"] == "var":
            values = [head["value"] for head, _ in self._heads(collection["value"]) if "value" in head]
            collection = values[0] if len(values) == 1 else collection
        return collection["value"] if collection["type"] in {"array", "set"} else [{"type": "unknown"}]

    def _handed(self, name: str, rule: JsonObject) -> Iterator[_Place]:
        for head in _heads(rule):
            for position, argument in enumerate(head.get("args", [])):
                if argument == {"type": "var", "value": name}:
                    calls = self._calls(_name({"value": head["ref"]}))
                    yield from ((given[position], source) for given, source in calls if len(given) > position)
                    return

    def _heads(self, name: str) -> Iterator[tuple[JsonObject, JsonObject]]:
        for rule in self._rules:
            yield from ((head, rule) for head in _heads(rule) if _name({"value": head["ref"]}) == name)

    def _calls(self, name: str) -> Iterator[tuple[Sequence[Json], JsonObject]]:
        for rule in self._rules:
            for node in nodes(rule):
                terms = _call(node)
                if len(terms) > 1 and _name(terms[0]) == name:
                    yield terms[1:], rule

    def _objects(self) -> Iterator[tuple[dict[str, Json], JsonObject]]:
        for rule in self._rules:
            for node in nodes(rule):
                if node.get("type") == "object":
                    fields = {key["value"]: value for key, value in node["value"] if key["type"] == "string"}
                    if "code" in fields:
                        yield fields, rule


def _heads(rule: JsonObject) -> Iterator[JsonObject]:
    part: JsonObject | None = rule
    while part:
        yield part["head"]
        part = part.get("else")


def _call(node: Json) -> Sequence[Json]:
    """The operator of a call and its arguments; nothing where the node is no call."""
    terms = node.get("value") if node.get("type") == "call" else node.get("terms")
    return terms if isinstance(terms, list) and terms and terms[0].get("type") == "ref" else ()


def _name(term: Json) -> str:
    value = term["value"]
    return value if isinstance(value, str) else ".".join(str(part["value"]) for part in value)
