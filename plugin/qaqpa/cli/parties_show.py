# SPDX-License-Identifier: Apache-2.0
"""`qaqpa parties show`: what a signed parties file says, who signed it, and whether it is in force."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from qaqpa import times
from qaqpa.cli.parties_check import key_state
from qaqpa.config import PartiesSource, load_config
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.keys import fingerprint
from qaqpa.evidence.parties import Parties, Person, Rule
from qaqpa.evidence.trust import SignedParties, Trust, TrustError, read_signed

_NOT_COMPARED = "Signatures were not compared with trusted roots: no configuration names them. Nothing here is trusted."


def run(args: argparse.Namespace) -> int:
    """Prints the file.

    Raises:
        UsageError: neither a file nor a configuration names one.
        TrustError: the file cannot be read; or, once it was shown, it is not in force.
    """
    source = load_config(args.config).parties
    if not args.file and not source:
        raise UsageError("No parties file is configured", mend="Name a signed file, or set `parties` in qaqpa.yaml")
    file = Path(args.file) if args.file or not source else source.file
    if source and args.file:
        # Looking at a file that is not configured must not change what the gate remembers.
        source = replace(source, file=file, state=None)
    found = read_signed(file)
    now = times.now()
    refusal = _refusal(source, now) if source else None
    shown = visible(file, len(str(file)))
    print(f"{shown}: version {found.parties.version}, until {times.render(found.parties.expires)}")
    if not source:
        print(_NOT_COMPARED)
    elif refusal:
        print(f"NOT IN FORCE: {visible(refusal.found, 2000)} ({refusal.code})")
    else:
        signed = len(found.signed_by & set(source.roots))
        print(f"in force: {signed} of {len(source.roots)} trusted root keys signed it; required: {source.threshold}")
    for line in [*_roots(found, source), *_people(found.parties, now), *_rules(found.parties)]:
        print(line)
    if refusal:
        raise refusal
    return 0


def _refusal(source: PartiesSource, now: datetime) -> TrustError | None:
    try:
        Trust(source).parties(now)
    except TrustError as error:
        return error
    return None


def _roots(found: SignedParties, source: PartiesSource | None) -> Iterator[str]:
    yield ""
    yield "root keys"
    for root in found.parties.root_keys:
        key_id = fingerprint(root)
        signed = "signed" if key_id in found.signed_by else "has not signed"
        trusted = "" if source is None else ", trusted" if key_id in source.roots else ", not trusted"
        yield f"  {key_id}  {signed}{trusted}"


def _people(parties: Parties, now: datetime) -> Iterator[str]:
    yield ""
    yield "persons"
    for person in parties.persons.values():
        yield f"  {person.id}: {_described(person)}"
        for key in person.keys:
            yield f"      {key.id}  {key_state(key, now)}"
        if not person.keys:
            yield "      no key, so signs nothing"
    if parties.services:
        yield ""
        yield "services, which sign nothing"
    for service in parties.services.values():
        logins, operators = _names(service.logins), _names(service.operators)
        yield f"  {service.id}: unit {service.unit}; logins {logins}; operators {operators}"


def _described(person: Person) -> str:
    parts = [f"unit {person.unit}", f"roles {_names(person.roles)}"]
    if person.disciplines:
        parts.append(f"disciplines {_names(person.disciplines)}")
    if person.logins:
        parts.append(f"logins {_names(person.logins)}")
    return "; ".join(parts)


def _rules(parties: Parties) -> Iterator[str]:
    yield ""
    yield "rules"
    for name, rule in sorted(parties.rules.items()):
        yield f"  {name}: {_demand(rule)}"


def _demand(rule: Rule) -> str:
    parts = [f"{rule.threshold} with a role of {_names(rule.roles)}"]
    if rule.disciplines:
        parts.append(f"a discipline of {_names(rule.disciplines)}")
    if rule.independent_of:
        parts.append(f"independent of {_names(rule.independent_of)}")
    if rule.other_unit:
        parts.append("of another unit")
    return "; ".join([*parts, f"at most {rule.max_age_days} days old"])


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(visible(name) for name in names) or "none"
