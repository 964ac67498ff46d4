# SPDX-License-Identifier: Apache-2.0
"""Refuses Rego on which OPA and its WebAssembly compiler differ without an error.

Two things can be seen in the text of a policy: a reference that does not name a rule by a static path (the WebAssembly
compiler then calls rules dynamically, and a rule that is false or undefined there falls silent, so that a control that
must deny lets pass), and arithmetic on decimal numbers. Builtins are limited by `capabilities.json`. What cannot be
seen in the text, the comparison of answers has to find: `qaqpa.policy.differential`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qaqpa.model import Json
from qaqpa.policy.bundle import policy_files
from qaqpa.policy.opa import PolicyError, run_opa

_ARITHMETIC = frozenset({"plus", "minus", "mul"})
_MAX_SHOWN = 10
_PARSE = ("parse", "--format", "json", "--json-include", "locations,-comments")

Names = tuple[str, ...]


@dataclass(frozen=True)
class _Module:
    """A parsed file: its package, and what the names that start its references stand for."""

    syntax: Json
    package: Names
    names: Mapping[str, Names]


def package_of(policies: Path, name: str) -> Names:
    """The package of a file as OPA's parser reads it, `("data", "qaqpa", "gate")` for example.

    Args:
        policies: the directory that OPA runs in.
        name: the file's path below it.

    Raises:
        PolicyError: the file is not Rego.
    """
    return _parsed(policies, name).package


def check_rego(policies: Path) -> None:
    """Checks all policies of a directory; tests are left out.

    Raises:
        PolicyError: naming file, line and column of each reference or calculation that is not allowed.
    """
    files = [path for path in policy_files(policies) if path.suffix == ".rego"]
    modules = [_parsed(policies.parent, str(path.relative_to(policies.parent))) for path in files]
    rules = {rule for module in modules for rule in _rules(module)}
    objects = {rule[:length] for rule in rules for length in range(1, len(rule))}
    problems = [problem for module in modules for problem in _problems(module, objects)]
    if problems:
        raise PolicyError(
            "\n".join(["The engines could differ on this:", *problems[:_MAX_SHOWN]]),
            required="references that name a rule by a static path, and arithmetic on whole numbers only",
            mend="Name each rule; compare decimals as they stand, or scale them with round(x * 1000000) first",
        )


def _parsed(directory: Path, name: str) -> _Module:
    return _module(json.loads(run_opa([*_PARSE, name], directory)))


def _module(syntax: Json) -> _Module:
    package = tuple(str(term["value"]) for term in syntax["package"]["path"])
    names: dict[str, Names] = {"data": ("data",)}
    for rule in syntax.get("rules", []):
        name = str(rule["head"]["ref"][0]["value"])
        names[name] = (*package, name)
    for entry in syntax.get("imports", []):
        path = tuple(str(term["value"]) for term in entry["path"]["value"])
        names[entry.get("alias", path[-1])] = path
    return _Module(syntax, package, names)


def _rules(module: _Module) -> Iterator[Names]:
    """The static path of every rule: its package, its name, and the fixed keys that follow the name."""
    for rule in module.syntax.get("rules", []):
        head = rule["head"]["ref"]
        yield (*module.package, str(head[0]["value"]), *_static(head[1:]))


def _problems(module: _Module, objects: set[Names]) -> Iterator[str]:
    for rule in module.syntax.get("rules", []):
        heads = [id(rule["head"]["ref"])]
        for node in nodes(rule):
            if node.get("type") == "ref" and id(node["value"]) not in heads:
                path = _path(module, node["value"])
                if path in objects:
                    yield f"{_place(node)}: a reference below {'.'.join(path)} does not name a rule"
            called = _called(node)
            if called in _ARITHMETIC and any(_is_decimal(term) for term in _arguments(node)):
                yield f"{_place(node)}: arithmetic on a decimal number"


def _path(module: _Module, terms: Sequence[Json]) -> Names:
    start = module.names.get(str(terms[0]["value"]), ())
    return (*start, *_static(terms[1:])) if start else ()


def _static(terms: Sequence[Json]) -> Names:
    fixed: list[str] = []
    for term in terms:
        if term["type"] != "string":
            break
        fixed.append(term["value"])
    return tuple(fixed)


def nodes(node: Json) -> Iterator[Json]:
    """All objects of a syntax tree."""
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from nodes(child)
    elif isinstance(node, list):
        for child in node:
            yield from nodes(child)


def _terms(node: Json) -> Sequence[Json]:
    terms = node.get("value") if node.get("type") == "call" else node.get("terms")
    return terms if isinstance(terms, list) and terms else ()


def _called(node: Json) -> str:
    terms = _terms(node)
    if not terms or terms[0].get("type") != "ref":
        return ""
    return ".".join(str(part["value"]) for part in terms[0]["value"])


def _arguments(node: Json) -> Sequence[Json]:
    return _terms(node)[1:]


def _is_decimal(term: Json) -> bool:
    return term.get("type") == "number" and isinstance(term.get("value"), float)


def _place(node: Json) -> str:
    found: Json = node.get("location") or next((n["location"] for n in nodes(node) if "location" in n), {})
    return f"{found.get('file', '')}:{found.get('row', 0)}:{found.get('col', 0)}"
