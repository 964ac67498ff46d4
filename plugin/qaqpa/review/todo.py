# SPDX-License-Identifier: Apache-2.0
"""What has to be signed before production, and by whom: at review that is a task, and no failure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from qaqpa.evidence.kinds import SYSTEM, kind, kinds
from qaqpa.evidence.parties import Parties
from qaqpa.evidence.verify import may_sign, must_be_independent
from qaqpa.model import Strength
from qaqpa.policy.bundle import Catalog
from qaqpa.report.judged import Note
from qaqpa.review.state import State

_STRENGTHS = list(Strength)
_ANYBODY = ("todo.sign", "todo.sign_several")
_INDEPENDENT = ("todo.independent", "todo.independent_several")


@dataclass(frozen=True)
class Todo:
    """A kind of evidence that production needs signed and that nobody signed who may.

    `persons` are the parties who may sign it, by id, and `threshold` how many of them have to. Without a parties file
    `persons` is None, and the role of the kind is all that is known.
    """

    kind: str
    role: str
    persons: tuple[str, ...] | None = None
    threshold: int = 1
    independent: bool = False


def todos(state: State, catalog: Catalog, parties: Parties | None) -> list[Todo]:
    """What is to be signed of a model, sorted by kind, the context first."""
    needed = {SYSTEM: Strength.SIGNED}
    for finding in state.decision.findings:
        card = catalog.controls.get(finding["control"], {})
        for name in card.get("evidence", ()) if finding["status"] != "not_applicable" else ():
            least = Strength(card.get("minimum_strength", Strength.SIGNED.value))
            needed[name] = max(least, needed.get(name, least), key=_STRENGTHS.index)
    unsigned = (name for name, least in needed.items() if name in kinds() and not _has(state, name, least))
    order = sorted(unsigned, key=lambda name: (name != SYSTEM, name))
    return [_todo(name, needed[name], parties) for name in order]


def notes(found: list[Todo]) -> Iterator[Note]:
    """The tasks as notes, those of the same persons together."""
    together: dict[Todo, list[str]] = {}
    for todo in found:
        same = replace(todo, kind="", role="" if todo.persons is not None else todo.role)
        together.setdefault(same, []).append(todo.kind)
    for todo, names in together.items():
        if todo.persons is None:
            yield Note("todo.role", {"roles": [todo.role], "kinds": names})
        elif not todo.persons:
            yield Note("todo.nobody", {"kinds": names})
        else:
            one, several = _INDEPENDENT if todo.independent else _ANYBODY
            code = several if todo.threshold > 1 else one
            yield Note(code, {"persons": todo.persons, "count": todo.threshold, "kinds": names})


def _has(state: State, name: str, least: Strength) -> bool:
    facts = (fact for fact in state.request.evidence if fact.kind == name and not fact.against_only)
    return any(_STRENGTHS.index(fact.strength) >= _STRENGTHS.index(least) for fact in facts)


def _todo(name: str, least: Strength, parties: Parties | None) -> Todo:
    own = kind(name)
    if parties is None:
        return Todo(name, own.actor)
    rule = parties.rules.get(name)
    if rule is None:
        return Todo(name, own.actor, ())
    persons = tuple(sorted(person.id for person in parties.persons.values() if may_sign(person, name, rule)))
    independent = least is Strength.INDEPENDENT or must_be_independent(name, rule)
    return Todo(name, own.actor, persons, rule.threshold, independent)
