# SPDX-License-Identifier: Apache-2.0
"""The parties file: which persons there are, which keys they sign with, and whose signature counts for which kind.

What is read here is not trusted yet; `qaqpa.evidence.trust` says whether root keys signed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from qaqpa import times
from qaqpa.config import fold
from qaqpa.documents import Document, DocumentError, validate
from qaqpa.documents.document import Pointer
from qaqpa.evidence.keys import PublicKey, fingerprint, read_public_key
from qaqpa.evidence.kinds import LEAST_SIGNERS, WITHDRAWAL, kinds
from qaqpa.evidence.objections import Objections
from qaqpa.model import Json, JsonObject

_MEND = "`qaqpa parties init` writes a commented parties file"


@dataclass(frozen=True)
class PartyKey:
    """A key of a person; `id` is its fingerprint. It is valid from `valid_from` on and before `valid_until`, UTC.

    `revoked_at` is None and `reason` empty where it was not revoked.
    """

    id: str
    public: PublicKey
    valid_from: datetime
    valid_until: datetime
    revoked_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class Person:
    """A person. `logins` are the names by which the MLflow server knows the person."""

    id: str
    unit: str
    roles: tuple[str, ...] = ()
    disciplines: tuple[str, ...] = ()
    keys: tuple[PartyKey, ...] = ()
    logins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Service:
    """An account of a machine, and the ids of the persons who answer for what it does. It has no keys."""

    id: str
    unit: str
    logins: tuple[str, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """Whose signature counts for a kind: at least `threshold` persons, each with a role and a discipline of these.

    `disciplines` is empty where any will do. A signer is none of those whom `independent_of` names, and with
    `other_unit` not of their unit.
    """

    roles: tuple[str, ...]
    disciplines: tuple[str, ...]
    max_age_days: int
    threshold: int
    independent_of: tuple[str, ...]
    other_unit: bool

    def allows(self, person: Person) -> bool:
        """True where the person holds a role and a discipline that the rule asks for."""
        held = not self.disciplines or set(self.disciplines) & set(person.disciplines)
        return bool(set(self.roles) & set(person.roles) and held)


@dataclass(frozen=True)
class Parties:
    """A parties file: persons and services by id, rules by kind.

    `digest` is the SHA-256 of what the root keys signed; empty where nobody asked whether they did.
    """

    version: int
    expires: datetime
    root_keys: tuple[PublicKey, ...]
    persons: Mapping[str, Person]
    services: Mapping[str, Service]
    rules: Mapping[str, Rule]
    digest: str = ""

    def key_owner(self, key_id: str) -> tuple[Person, PartyKey] | None:
        """The person who holds the key with this fingerprint, and the key; None where nobody does."""
        return self._owners.get(key_id)

    def named_by(self, login: str) -> Person | Service | None:
        """Whom the MLflow server knows by this login, compared exactly; None where nobody has it."""
        return self._logins.get(login)

    @cached_property
    def _owners(self) -> dict[str, tuple[Person, PartyKey]]:
        return {key.id: (person, key) for person in self.persons.values() for key in person.keys}

    @cached_property
    def _logins(self) -> dict[str, Person | Service]:
        everybody: list[Person | Service] = [*self.persons.values(), *self.services.values()]
        return {login: one for one in everybody for login in one.logins}


def parse_parties(document: Document) -> Parties:
    """Reads a parties file.

    Raises:
        DocumentError: with line and column of everything that is wrong, at most ten: it does not fit its schema, a key
            cannot be read or stands twice, an id or a login stands twice, an operator or a kind does not exist, a rule
            asks for more persons than there are.
    """
    try:
        validate(document, "parties")
    except DocumentError as error:
        raise DocumentError(error.found, where=error.where, mend=_MEND) from error
    objections = Objections(document)
    parties = _Reader(document, objections).parties()
    objections.raise_any()
    return parties


class _Reader:
    """Turns a document that fits the schema into records, and notes what the schema cannot see."""

    def __init__(self, document: Document, objections: Objections) -> None:
        self._value = document.value
        self._objections = objections
        self._ids: dict[str, str] = {}
        self._identities: dict[Json, str] = {}
        self._keys: dict[str, str] = {}

    def parties(self) -> Parties:
        value = self._value
        lines = enumerate(value["root_keys"])
        roots = [self._public_key(line, ("root_keys", number), "a root key") for number, line in lines]
        persons = [self._person(entry, ("parties", number)) for number, entry in enumerate(value["parties"])]
        services = [
            self._service(entry, ("services", number), {person.id for person in persons})
            for number, entry in enumerate(value.get("services", []))
        ]
        return Parties(
            version=int(value["version"]),
            expires=times.parse(value["expires"]),
            root_keys=tuple(root for root in roots if root),
            persons={person.id: person for person in persons},
            services={service.id: service for service in services},
            rules={name: self._rule(name, entry, persons) for name, entry in value["rules"].items()},
        )

    def _public_key(self, line: str, pointer: Pointer, owner: str) -> PublicKey | None:
        """The key, once only: the same key elsewhere would let one person sign as two."""
        try:
            public = read_public_key(line)
        except ValueError as error:
            self._objections.add(pointer, f"this public key cannot be read: {error}")
            return None
        key_id = fingerprint(public)
        if key_id in self._keys:
            self._objections.add(pointer, f"the key {key_id} stands twice; first it is {self._keys[key_id]}")
            return None
        self._keys[key_id] = owner
        return public

    def _person(self, entry: JsonObject, pointer: Pointer) -> Person:
        self._objections.once(self._ids, entry["id"], (*pointer, "id"), f"the id {entry['id']}")
        keys = [
            self._key(key, (*pointer, "keys", number), entry["id"]) for number, key in enumerate(entry.get("keys", []))
        ]
        return Person(
            id=entry["id"],
            unit=entry["unit"],
            roles=tuple(entry.get("roles", ())),
            disciplines=tuple(entry.get("disciplines", ())),
            keys=tuple(key for key in keys if key),
            logins=self._logins(entry, pointer),
        )

    def _key(self, entry: JsonObject, pointer: Pointer, owner: str) -> PartyKey | None:
        start, end = times.parse(entry["valid_from"]), times.parse(entry["valid_until"])
        if start >= end:
            message = "the key ends before it is valid; required: a time after valid_from"
            self._objections.add((*pointer, "valid_until"), message)
        public = self._public_key(entry["ssh"], (*pointer, "ssh"), f"a key of {owner}")
        if public is None:
            return None
        revoked = entry.get("revoked")
        return PartyKey(
            id=fingerprint(public),
            public=public,
            valid_from=start,
            valid_until=end,
            revoked_at=times.parse(revoked["at"]) if revoked else None,
            reason=revoked["reason"] if revoked else "",
        )

    def _service(self, entry: JsonObject, pointer: Pointer, persons: set[str]) -> Service:
        self._objections.once(self._ids, entry["id"], (*pointer, "id"), f"the id {entry['id']}")
        for number, operator in enumerate(entry["operators"]):
            if operator not in persons:
                self._objections.add((*pointer, "operators", number), f"there is no person {operator} under parties")
        return Service(entry["id"], entry["unit"], self._logins(entry, pointer), tuple(entry["operators"]))

    def _logins(self, entry: JsonObject, pointer: Pointer) -> tuple[str, ...]:
        logins = []
        for number, identity in enumerate(entry.get("identities", [])):
            # Some servers compare logins without case, so that two spellings could be one account.
            folded = tuple(fold(identity[name]) for name in sorted(identity))
            self._objections.once(self._identities, folded, (*pointer, "identities", number), "this identity")
            if identity["type"] == "mlflow":
                logins.append(identity["name"])
        return tuple(logins)

    def _rule(self, name: str, entry: JsonObject, persons: list[Person]) -> Rule:
        rule = Rule(
            roles=tuple(entry["roles"]),
            disciplines=tuple(entry.get("disciplines", ())),
            max_age_days=int(entry["max_age_days"]),
            threshold=max(int(entry.get("threshold", 1)), LEAST_SIGNERS.get(name, 1)),
            independent_of=tuple(entry.get("independent_of", ())),
            other_unit=bool(entry.get("other_unit", False)),
        )
        for message in _wrong_with(name, rule, persons):
            self._objections.add(("rules", name), message, at_key=True)
        return rule


def _wrong_with(name: str, rule: Rule, persons: list[Person]) -> Iterator[str]:
    if name == WITHDRAWAL:
        yield "a withdrawal needs no rule: whoever signed a statement can withdraw it"
    elif name not in kinds():
        possible = ", ".join(one for one in kinds() if one != WITHDRAWAL)
        yield f"there is no kind of evidence {name[:60]!r}; required: one of {possible}"
    able = len({person.id for person in persons if rule.allows(person)})
    if able < rule.threshold:
        held = f" and one of the disciplines {', '.join(rule.disciplines)}" if rule.disciplines else ""
        found = f"{rule.threshold} must sign and {able} could; required: as many persons with one of the roles"
        yield f"{found} {', '.join(rule.roles)}{held}"
