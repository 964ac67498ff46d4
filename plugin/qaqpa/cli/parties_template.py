# SPDX-License-Identifier: Apache-2.0
"""The text of a commented parties file, with a rule for every kind of evidence."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from qaqpa import times
from qaqpa.evidence.kinds import LEAST_SIGNERS, OVERRIDE, WITHDRAWAL, Kind, kinds

_KEY_LIFE = timedelta(days=365)
_MAX_AGE_DAYS = 365
_WIDTH = 120

_HEAD = """\
# The parties file: who may sign which evidence. It counts once enough trusted root keys have signed it:
#   qaqpa parties check FILE
#   qaqpa parties sign FILE --key ROOT
# Raise `version` with every change; an older version never counts again.
"""
_ROOTS = """\
# Keys that may sign this file, and nothing else. Which of them are trusted, and how many must sign, is configuration of
# the gate (`parties` in qaqpa.yaml), never of this file.
"""
_PERSONS = """\
# Persons. One person has one id and may have several keys; `unit` is what independence is judged by. A key that must
# not count any more stays here, with: revoked: {at: 2026-01-31T00:00:00Z, reason: superseded}, or left, or compromise.
"""
_SERVICES = """\
# Accounts of machines, such as a pipeline that trains. A service signs nothing; its operators answer for what it does.
# services:
#   - id: pipeline
#     unit: platform
#     identities: [{type: mlflow, name: pipeline}]
#     operators: [ana]
"""
_RULES = """\
# Whose signature counts, by kind of evidence. A kind without a rule is refused. Beside roles and max_age_days:
#   disciplines: [law]             # a signer holds one of them
#   threshold: 2                   # how many different persons must sign
#   independent_of: [trainer]      # whom of this model a signer must not be: trainer, owner, deployer
#   other_unit: true               # nor of their unit
"""

_EVERYBODY = ("trainer", "owner", "deployer")


@dataclass
class Entry:
    """A person as the file will list them; `keys` are lines of OpenSSH."""

    id: str = ""
    unit: str = ""
    roles: list[str] = field(default_factory=list)
    disciplines: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Proposal:
    """What a rule asks for where the kind's own actor and a year are not it."""

    roles: tuple[str, ...] = ()
    max_age_days: int = _MAX_AGE_DAYS
    independent_of: tuple[str, ...] = ()
    threshold: int = 1


_PROPOSALS: Mapping[str, _Proposal] = {
    "audit": _Proposal(independent_of=_EVERYBODY),
    "bias": _Proposal(max_age_days=180),
    "commission": _Proposal(roles=("commission_chair", "commission_member")),
    "ethics_assessment": _Proposal(roles=("auditor", "risk_owner"), independent_of=_EVERYBODY),
    "explanation": _Proposal(max_age_days=180),
    "override": _Proposal(max_age_days=1, independent_of=_EVERYBODY, threshold=LEAST_SIGNERS[OVERRIDE]),
    "override_review": _Proposal(("risk_owner", "compliance_officer"), independent_of=("trainer", "owner")),
    "release_approval": _Proposal(max_age_days=30, independent_of=("trainer",)),
    "system": _Proposal(independent_of=("trainer",)),
    "waiver": _Proposal(max_age_days=30, independent_of=("trainer", "owner")),
}


def text_of(roots: Iterable[str], persons: Sequence[Entry], now: datetime, expires: datetime) -> str:
    """The file.

    Args:
        roots: public root keys, lines of OpenSSH.
        persons: who is listed; their keys are valid for a year.
        now: from when the keys are valid, UTC.
        expires: when the file ends, UTC.
    """
    lines = [
        f"{_HEAD}version: 1",
        f"expires: {times.render(expires)}  # at most 90 days away",
        "",
        f"{_ROOTS}root_keys:",
        *(f"  - {_quoted(line)}" for line in roots),
        "",
        f"{_PERSONS}parties:",
        *(line for person in persons for line in _person(person, now)),
        "",
        _SERVICES,
        f"{_RULES}rules:",
    ]
    written = [_rule(own, persons) for own in kinds().values() if own.name != WITHDRAWAL]
    if not any(possible for possible, _ in written):
        lines[-1] += " {}"
    return "\n".join([*lines, *(line for _, rule in written for line in rule)]) + "\n"


def _person(person: Entry, now: datetime) -> Iterator[str]:
    yield f"  - id: {_quoted(person.id)}"
    yield f"    unit: {_quoted(person.unit)}"
    yield f"    roles: {_listed(person.roles)}"
    yield f"    disciplines: {_listed(person.disciplines)}"
    yield "    keys:" if person.keys else "    keys: []"
    for line in person.keys:
        yield f"      - ssh: {_quoted(line)}"
        yield f"        valid_from: {times.render(now)}"
        yield f"        valid_until: {times.render(now + _KEY_LIFE)}"
    logins = (f"{{type: mlflow, name: {_quoted(login)}}}" for login in person.logins)
    yield f"    identities: [{', '.join(logins)}]"


def _rule(own: Kind, persons: Sequence[Entry]) -> tuple[bool, list[str]]:
    """Whether anybody could fulfil the rule, and its lines; they are commented out where nobody could."""
    proposal = _PROPOSALS.get(own.name, _Proposal())
    roles = proposal.roles or (own.actor,)
    lines = [f"  {own.name}:", f"    roles: [{', '.join(roles)}]", f"    max_age_days: {proposal.max_age_days}"]
    if proposal.threshold > 1:
        lines.append(f"    threshold: {proposal.threshold}")
    if proposal.independent_of:
        lines += [f"    independent_of: [{', '.join(proposal.independent_of)}]", "    other_unit: true"]
    able = sum(not set(roles).isdisjoint(person.roles) for person in persons)
    possible = able >= proposal.threshold
    few = "Nobody holds a role of this rule" if not able else f"It needs {proposal.threshold} persons with this role"
    comment = own.title if possible else f"{own.title}. {few}, so it cannot be given yet"
    head = textwrap.wrap(f"{comment}.", _WIDTH, initial_indent="  # ", subsequent_indent="  # ")
    return possible, ["", *head, *(lines if possible else [f"  # {line[2:]}" for line in lines])]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _listed(words: Iterable[str]) -> str:
    return f"[{', '.join(_quoted(word) for word in words)}]"
