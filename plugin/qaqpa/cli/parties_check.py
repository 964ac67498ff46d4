# SPDX-License-Identifier: Apache-2.0
"""`qaqpa parties check`: what is wrong with a parties file, and what its authors may not have meant."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import datetime, timedelta

from qaqpa import times
from qaqpa.config import PartiesSource, load_config
from qaqpa.documents import read
from qaqpa.errors import ExitCode
from qaqpa.escape import visible
from qaqpa.evidence.keys import fingerprint
from qaqpa.evidence.kinds import WITHDRAWAL, kinds
from qaqpa.evidence.parties import Parties, PartyKey, Person, Rule, parse_parties
from qaqpa.evidence.people import ROLES
from qaqpa.evidence.trust import TrustError, check_dates

_SOON = timedelta(days=14)
_KEY_SOON = timedelta(days=30)
_INDEPENDENT = ("audit", "ethics_assessment")


def run(args: argparse.Namespace) -> int:
    """Reads the file, and prints errors and warnings; errors give exit code 2.

    Raises:
        DocumentError: the file cannot be read as a parties file, with line and column.
    """
    document = read(args.file)
    parties = parse_parties(document)
    source = load_config(args.config).parties
    now = times.now()
    errors = list(_errors(parties, source, now))
    warnings = list(_warnings(parties, source, now))
    shown = visible(document.name, len(document.name))
    print(
        f"{shown}: version {parties.version}, until {times.render(parties.expires)}; persons {len(parties.persons)}, "
        f"services {len(parties.services)}, rules {len(parties.rules)}, root keys {len(parties.root_keys)}"
    )
    for label, sentences in (("error", errors), ("warning", warnings)):
        for sentence in sentences:
            print(f"{label}: {sentence}")
    if not errors and not warnings:
        print("Nothing is wrong with it.")
    if not source:
        print("Its root keys were not compared with trusted ones: no configuration names them.")
    return int(ExitCode.USAGE if errors else ExitCode.ALLOWED)


def key_state(key: PartyKey, now: datetime) -> str:
    """What a key is good for at a moment, in a few words; `valid …` only where it may sign."""
    if key.revoked_at:
        return f"revoked on {times.render(key.revoked_at)} ({key.reason})"
    if key.valid_until <= now:
        return f"ended on {times.render(key.valid_until)}"
    if key.valid_from > now:
        return f"not valid before {times.render(key.valid_from)}"
    return f"valid until {times.render(key.valid_until)}"


def _errors(parties: Parties, source: PartiesSource | None, now: datetime) -> Iterator[str]:
    """Why the gate would refuse the file however many signed it."""
    try:
        check_dates(parties, now, "")
    except TrustError as error:
        yield str(error)
    if source is None:
        return
    if parties.version < source.minimum_version:
        yield f"The configuration asks for version {source.minimum_version} or higher."
    listed = _listed(parties)
    trusted = [root for root in source.roots if root in listed]
    if len(trusted) < source.threshold:
        yield (
            f"{source.threshold} trusted root keys must sign, and root_keys holds {len(trusted)} of them; "
            f"trusted are {', '.join(source.roots)}."
        )


def _warnings(parties: Parties, source: PartiesSource | None, now: datetime) -> Iterator[str]:
    if now < parties.expires <= now + _SOON:
        yield f"The file ends soon, on {times.render(parties.expires)}; nobody's signature counts after that."
    for root in source.roots if source else ():
        if root not in _listed(parties):
            yield f"root_keys lacks the trusted root key {root}, so its signature does not count."
    for person in parties.persons.values():
        for key in person.keys:
            if not key.revoked_at and now < key.valid_until <= now + _KEY_SOON:
                yield f"The key {key.id} of {person.id} ends soon, on {times.render(key.valid_until)}."
    for name, rule in parties.rules.items():
        yield from _about_rule(name, rule, parties, now)
    without = [name for name in kinds() if name not in parties.rules and name != WITHDRAWAL]
    if without:
        yield f"There is no rule for {', '.join(without)}; no signature on such evidence counts."


def _about_rule(name: str, rule: Rule, parties: Parties, now: datetime) -> Iterator[str]:
    able = [person for person in parties.persons.values() if rule.allows(person) and _can_sign(person, now)]
    if len(able) < rule.threshold:
        yield (
            f"Nobody can fulfil the rule for {name}: {rule.threshold} must sign, and {len(able)} with one of the roles "
            f"{', '.join(rule.roles)} have a valid key."
        )
    lacking = [role for role in ROLES if role not in rule.independent_of]
    if name in _INDEPENDENT and (lacking or not rule.other_unit):
        said = [*(f"independent_of: {role}" for role in lacking), *([] if rule.other_unit else ["other_unit: true"])]
        yield f"The rule for {name} lacks {', '.join(said)}; the gate asks for it whatever the rule says."


def _can_sign(person: Person, now: datetime) -> bool:
    return any(key_state(key, now).startswith("valid ") for key in person.keys)


def _listed(parties: Parties) -> set[str]:
    return {fingerprint(root) for root in parties.root_keys}
