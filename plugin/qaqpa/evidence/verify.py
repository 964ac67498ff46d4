# SPDX-License-Identifier: Apache-2.0
"""Whose signatures on a statement count: the person, the rule of its kind, the key, and independence, in that order.

A person with two keys is one person. What the parties file asks for can be stricter than `_FLOORS`, and never weaker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from qaqpa import times
from qaqpa.evidence.envelope import SignedPayload, signed_by
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.kinds import OVERRIDE, OVERRIDE_REVIEW, SYSTEM, WAIVER
from qaqpa.evidence.parties import Parties, PartyKey, Person, Rule
from qaqpa.evidence.people import OWNER, ROLES, TRAINER, People
from qaqpa.evidence.statement import Statement
from qaqpa.model import Signer, Strength

MAX_WAIVER = timedelta(days=30)
"""Longest time that a waiver may last."""

MAX_OVERRIDE = timedelta(hours=24)
"""Longest time that an override may last."""

_COMPROMISE = "compromise"


@dataclass(frozen=True)
class _Floor:
    """What is asked of a kind whatever the parties file says."""

    roles: tuple[str, ...] = ()
    independent_of: tuple[str, ...] = ()


_FLOORS: Mapping[str, _Floor] = {
    SYSTEM: _Floor(("risk_owner",), (TRAINER,)),
    WAIVER: _Floor(("risk_owner",), (TRAINER, OWNER)),
    OVERRIDE: _Floor(("incident",), ROLES),
    OVERRIDE_REVIEW: _Floor(("risk_owner", "compliance_officer"), (TRAINER, OWNER)),
    "audit": _Floor((), ROLES),
    "ethics_assessment": _Floor((), ROLES),
    "release_approval": _Floor((), (TRAINER,)),
}


@dataclass(frozen=True)
class Signature:
    """A good signature by a key of the parties file."""

    person: Person
    key: PartyKey


@dataclass(frozen=True)
class Counted:
    """What counts of a statement: who signed it, how strong that makes it, and when it ends at the latest."""

    signers: Sequence[Signer]
    strength: Strength
    expires_at: datetime


@dataclass
class _Sorted:
    """Signers that count, by person, and why the others do not."""

    counted: dict[str, Person] = field(default_factory=dict)
    objections: list[tuple[str, str]] = field(default_factory=list)


def signatures(envelopes: Iterable[SignedPayload], parties: Parties) -> list[Signature]:
    """The good signatures on envelopes that hold one payload, by keys that the parties file lists."""
    found: dict[str, Signature] = {}
    for envelope in envelopes:
        for key_id, _ in envelope.signatures:
            owner = None if key_id in found else parties.key_owner(key_id)
            if owner and signed_by(envelope, owner[1].public):
                found[key_id] = Signature(*owner)
    return list(found.values())


def key_objection(
    key: PartyKey, issued_at: datetime, now: datetime, ends: datetime | None = None
) -> tuple[str, str] | None:
    """Why a key does not count for a statement, as code and sentence; None where it does.

    Args:
        key: what signed it.
        issued_at: when the statement was made.
        now: the moment of the decision.
        ends: what the end of the key is compared with, where that is another moment: a key that has ended since counts
            where the gate has a record from before.
    """
    if key.reason == _COMPROMISE:
        return "key_compromised", f"The key {key.id} was compromised; nothing that it signed counts."
    if not key.valid_from <= issued_at < key.valid_until:
        return "key_not_valid_then", f"The key {key.id} was not valid on {times.render(issued_at)}."
    if key.revoked_at and key.revoked_at <= now:
        return "key_revoked", f"The key {key.id} was revoked on {times.render(key.revoked_at)} ({key.reason})."
    if key.valid_until <= (ends or now):
        return "key_expired", f"The key {key.id} ended on {times.render(key.valid_until)}."
    return None


def end_of(statement: Statement, rule: Rule) -> datetime:
    """When a statement ends at the latest: its own end, or the age that the rule of its kind allows."""
    try:
        by_rule = statement.issued_at + timedelta(days=rule.max_age_days)
    except OverflowError:
        by_rule = datetime.max.replace(tzinfo=timezone.utc, microsecond=0)
    return min(statement.expires_at, by_rule) if statement.expires_at else by_rule


def keys_end(
    given: Iterable[Signature],
    persons: Iterable[str],
    issued_at: datetime,
    now: datetime,
    ends: datetime | None = None,
) -> datetime | None:
    """When the first of some signers has no key left that counts, by what is known today; None where nobody signed.

    Args:
        given: the good signatures on a statement.
        persons: ids of the signers that count.
        issued_at: when the statement was made.
        now: the moment of the decision.
        ends: see `key_objection`.
    """
    last: dict[str, datetime] = {}
    for own in given:
        if key_objection(own.key, issued_at, now, ends) is None:
            end = min(filter(None, (own.key.valid_until, own.key.revoked_at)))
            last[own.person.id] = max(end, last.get(own.person.id, end))
    return min((last[person] for person in persons if person in last), default=None)


def rule_of(statement: Statement, parties: Parties) -> Rule:
    """The rule of a statement's kind.

    Raises:
        StatementError: with code `no_rule`.
    """
    rule = parties.rules.get(statement.kind.name)
    if rule is None:
        raise StatementError("no_rule", f"The parties file has no rule for {statement.kind.name}.")
    return rule


def check_age(statement: Statement, rule: Rule, now: datetime) -> None:
    """Refuses a statement that is older than the rule of its kind allows.

    Raises:
        StatementError: with code `expired_by_rule`.
    """
    if end_of(statement, rule) <= now:
        detail = f"It is older than the {rule.max_age_days} days that the parties file allows."
        raise StatementError("expired_by_rule", detail)


def check_exception(statement: Statement) -> None:
    """Refuses a waiver or an override without an end, or one that lasts too long.

    Raises:
        StatementError: with code `waiver_without_end`, `waiver_too_long`, `override_without_end` or
            `override_too_long`.
    """
    lasts = statement.expires_at - statement.issued_at if statement.expires_at else None
    if statement.kind.name == WAIVER:
        if lasts is None:
            raise StatementError("waiver_without_end", "The waiver has no end.")
        if lasts > MAX_WAIVER:
            raise StatementError("waiver_too_long", f"The waiver lasts longer than {MAX_WAIVER.days} days.")
    if statement.kind.name == OVERRIDE:
        if lasts is None:
            raise StatementError("override_without_end", "The override has no end.")
        if lasts > MAX_OVERRIDE:
            hours = MAX_OVERRIDE // timedelta(hours=1)
            raise StatementError("override_too_long", f"The override lasts longer than {hours} hours.")


def may_sign(person: Person, kind_name: str, rule: Rule) -> bool:
    """True where a person has the role and discipline of a kind; whether they are independent is another question."""
    floor = _FLOORS.get(kind_name, _Floor())
    return rule.allows(person) and (not floor.roles or bool(set(floor.roles) & set(person.roles)))


def must_be_independent(kind_name: str, rule: Rule) -> bool:
    """True where a signer of a kind has to be independent of somebody of the model."""
    return bool(rule.independent_of or kind_name in _FLOORS)


def authorised(
    statement: Statement, given: Sequence[Signature], rule: Rule, now: datetime, ends: datetime | None = None
) -> dict[str, Person]:
    """The persons by id whose signature counts, whoever they are independent of; `ends` as in `key_objection`.

    Raises:
        StatementError: with code `wrong_role`, `wrong_discipline`, `key_…` or `too_few_signers`.
    """
    found = _Sorted()
    for signature in given:
        objection = (
            _authority(signature.person, statement, rule)
            or _discipline(signature.person, rule)
            or key_objection(signature.key, statement.issued_at, now, ends)
        )
        if objection:
            found.objections.append(objection)
        else:
            found.counted[signature.person.id] = signature.person
    _enough(found, rule)
    return found.counted


def counted(
    statement: Statement,
    persons: Mapping[str, Person],
    rule: Rule,
    people: People,
    *,
    must_be_shown: bool,
) -> Counted:
    """What counts of a statement that authorised persons signed.

    Args:
        statement: what they signed.
        persons: who signed, by id.
        rule: of the statement's kind.
        people: of whom they may have to be independent.
        must_be_shown: false where it is enough that nothing speaks against independence, as at review.

    Raises:
        StatementError: with code `not_independent`, `same_unit`, `trainer_unknown`, `people_unknown` or
            `too_few_signers`.
    """
    roles, other_unit = _demanded(statement, rule)
    found = _Sorted()
    for person in persons.values():
        objection = _asked_for_it(person, statement) or people.objection(person, roles, other_unit=other_unit)
        if objection and not must_be_shown and objection[0] in {"trainer_unknown", "people_unknown"}:
            objection = None
        if objection:
            found.objections.append(objection)
        else:
            found.counted[person.id] = person
    _enough(found, rule)
    signers = [signer(person, people) for _, person in sorted(found.counted.items())]
    independent = sum(one.independent for one in signers) >= rule.threshold
    strength = Strength.INDEPENDENT if independent else Strength.SIGNED
    return Counted(signers, strength, end_of(statement, rule))


def _authority(person: Person, statement: Statement, rule: Rule) -> tuple[str, str] | None:
    floor = _FLOORS.get(statement.kind.name, _Floor())
    if not set(rule.roles) & set(person.roles):
        required = ", ".join(rule.roles)
    elif floor.roles and not set(floor.roles) & set(person.roles):
        required = " or ".join(floor.roles)
    else:
        return None
    return "wrong_role", f"{person.id} signed it and is {', '.join(person.roles) or 'nothing'}; required: {required}."


def _discipline(person: Person, rule: Rule) -> tuple[str, str] | None:
    if not rule.disciplines or set(rule.disciplines) & set(person.disciplines):
        return None
    required = ", ".join(rule.disciplines)
    return "wrong_discipline", f"{person.id} signed it and holds none of the disciplines {required}."


def _asked_for_it(person: Person, statement: Statement) -> tuple[str, str] | None:
    if statement.kind.name == WAIVER and person.id == statement.content["requested_by"]:
        return "not_independent", f"{person.id} signed the waiver and asked for it."
    return None


def _demanded(statement: Statement, rule: Rule) -> tuple[tuple[str, ...], bool]:
    floor = _FLOORS.get(statement.kind.name)
    if floor is None:
        return rule.independent_of, rule.other_unit
    return (*rule.independent_of, *floor.independent_of), True


def signer(person: Person, people: People) -> Signer:
    """A person as a signer of evidence about one model."""
    independent = people.objection(person, ROLES, other_unit=True) is None
    return Signer(person.id, person.unit, sorted(person.roles), sorted(person.disciplines), independent)


def _enough(found: _Sorted, rule: Rule) -> None:
    if len(found.counted) >= rule.threshold:
        return
    others = " ".join(dict.fromkeys(detail for _, detail in found.objections))
    if found.objections and not found.counted:
        raise StatementError(found.objections[0][0], others)
    persons = ", ".join(sorted(found.counted))
    detail = f"{rule.threshold} different persons must sign it; counted: {persons}. {others}".strip()
    raise StatementError("too_few_signers", detail)
