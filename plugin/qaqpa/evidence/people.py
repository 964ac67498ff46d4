# SPDX-License-Identifier: Apache-2.0
"""Who trained, owns and deploys a model: the people of whom a signer may have to be independent.

Every source adds, none takes away. Only what no developer can freely write shows that somebody is known: a login that
the server itself recorded, and a signed statement of responsibility that is in date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from qaqpa.config import fold
from qaqpa.evidence.parties import Parties, Person
from qaqpa.model import Recorded

TRAINER, OWNER, DEPLOYER = "trainer", "owner", "deployer"
"""What somebody does with a model."""

ROLES = (TRAINER, OWNER, DEPLOYER)

_NEEDED = (TRAINER, OWNER)
"""Who deploys is known only where a server asks; whoever trained and owns can always be recorded."""


@dataclass(frozen=True)
class Named:
    """Somebody whom a signed statement names by party id; `trusted` where it is in date."""

    role: str
    id: str
    trusted: bool


@dataclass(frozen=True)
class People:
    """The people of one model, by what they do.

    `units` are those of whom nobody is independent where another unit is asked for, `unknown` holds what trusted
    sources name and the parties file does not list, and `trusted` the roles for which a trusted source names somebody.
    """

    persons: Mapping[str, frozenset[str]]
    units: Mapping[str, frozenset[str]]
    unknown: Mapping[str, tuple[str, ...]]
    trusted: frozenset[str]

    def objection(self, person: Person, roles: Iterable[str], *, other_unit: bool) -> tuple[str, str] | None:
        """Why a person is not independent of some roles, as code and sentence; None where it is shown to be.

        Args:
            person: who signed.
            roles: of whom the person must be independent.
            other_unit: true where nobody of them may be of the same unit either.
        """
        wanted = [role for role in ROLES if role in set(roles)]
        for role in wanted:
            if person.id in self.persons.get(role, ()):
                return "not_independent", f"{person.id} signed it and is recorded as {role} of this model."
        for role in wanted if other_unit else ():
            if fold(person.unit) in self.units.get(role, ()):
                return (
                    "same_unit",
                    f"{person.id} signed it and is of the unit {person.unit}, as the {role} of this model.",
                )
        return self._gap(wanted)

    def _gap(self, wanted: Iterable[str]) -> tuple[str, str] | None:
        for role in wanted:
            if self.unknown.get(role):
                names = ", ".join(self.unknown[role])
                return "people_unknown", f"The parties file does not know {names}, recorded as {role} of this model."
            if role in _NEEDED and role not in self.trusted:
                code = "trainer_unknown" if role == TRAINER else "people_unknown"
                return code, f"Nobody is recorded as {role} of this model, so nobody can be shown to be independent."
        return None


def people_of(parties: Parties, recorded: Iterable[Recorded], named: Iterable[Named]) -> People:
    """The people of a model.

    Args:
        parties: who is who.
        recorded: logins that the registry names.
        named: party ids that statements name.
    """
    persons: dict[str, set[str]] = defaultdict(set)
    units: dict[str, set[str]] = defaultdict(set)
    unknown: dict[str, dict[str, None]] = defaultdict(dict)
    trusted = set()
    for entry in recorded:
        found = _behind(parties, entry.login)
        for person in found:
            persons[entry.role].add(person.id)
            units[entry.role] |= set() if entry.alone else {fold(person.unit)}
        if found and entry.trusted:
            trusted.add(entry.role)
        elif entry.trusted:
            unknown[entry.role][f"the login {entry.login}"] = None
    for name in named:
        known = parties.persons.get(name.id)
        if known:
            persons[name.role].add(known.id)
            units[name.role].add(fold(known.unit))
        if known and name.trusted:
            trusted.add(name.role)
        elif name.trusted:
            unknown[name.role][f"the party {name.id}"] = None
    return People(
        persons={role: frozenset(ids) for role, ids in persons.items()},
        units={role: frozenset(found) for role, found in units.items()},
        unknown={role: tuple(names) for role, names in unknown.items()},
        trusted=frozenset(trusted),
    )


def actor_id(parties: Parties, login: str) -> str:
    """The party id of whoever asks; for a service with one operator the operator's, since a service is no person.

    A login that nobody has is answered as it is, behind `login:`, which no party id starts with.
    """
    found = parties.named_by(login)
    if found is None:
        return f"login:{login}"
    if isinstance(found, Person):
        return found.id
    return found.operators[0] if len(found.operators) == 1 else found.id


def _behind(parties: Parties, login: str) -> list[Person]:
    """The persons behind a login: itself, or who operates a service."""
    found = parties.named_by(login)
    if found is None:
        return []
    if isinstance(found, Person):
        return [found]
    return [parties.persons[operator] for operator in found.operators if operator in parties.persons]
