# SPDX-License-Identifier: Apache-2.0
"""Who trained, owns and deploys, and whether a signer is independent of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qaqpa.evidence.people import DEPLOYER, OWNER, ROLES, TRAINER, Named, People, actor_id, people_of
from qaqpa.model import Recorded
from support.statements import parties

PARTIES = parties()
LAB = [Recorded(TRAINER, "trainer", "s", trusted=True)]
OWNED = [Named(OWNER, "owner", trusted=True)]


def objection(people: People, person: str, *roles: str, other_unit: bool = True) -> str:
    found = people.objection(PARTIES.persons[person], roles or ROLES, other_unit=other_unit)
    return found[0] if found else ""


def test_somebody_outside_is_independent_of_everybody() -> None:
    assert objection(people_of(PARTIES, LAB, OWNED), "auditor") == ""


def test_whoever_did_it_is_not_independent_whichever_source_says_so() -> None:
    for trusted in (True, False):
        recorded = people_of(PARTIES, [*LAB, Recorded(TRAINER, "auditor", "s", trusted=trusted)], OWNED)
        assert objection(recorded, "auditor") == "not_independent"
        named = people_of(PARTIES, LAB, [*OWNED, Named(DEPLOYER, "auditor", trusted=trusted)])
        assert objection(named, "auditor") == "not_independent"
        assert objection(named, "auditor", TRAINER) == "", "only those of whom it must be"


def test_whoever_is_of_the_same_unit_is_not_independent_where_that_is_asked() -> None:
    people = people_of(PARTIES, LAB, OWNED)
    assert objection(people, "peer") == "same_unit"
    assert objection(people, "peer", other_unit=False) == ""


def test_a_unit_written_otherwise_is_the_same_unit() -> None:
    peer = replace(PARTIES.persons["peer"], unit="\uff2cAB ")
    found = people_of(PARTIES, LAB, OWNED).objection(peer, ROLES, other_unit=True)
    assert found
    assert found[0] == "same_unit"


def test_who_is_recorded_alone_leaves_the_others_of_the_unit_independent() -> None:
    copied = Recorded(TRAINER, "junior", "s", trusted=False, alone=True)
    people = people_of(PARTIES, [*LAB, copied], OWNED)
    assert objection(people, "junior") == "not_independent"
    assert objection(people, "auditor") == ""
    assert objection(people_of(PARTIES, [*LAB, copied, replace(copied, alone=False)], OWNED), "auditor") == "same_unit"


def test_where_nobody_is_recorded_independence_cannot_be_shown() -> None:
    assert objection(people_of(PARTIES, [], OWNED), "auditor") == "trainer_unknown"
    assert objection(people_of(PARTIES, LAB, []), "auditor") == "people_unknown"
    assert objection(people_of(PARTIES, LAB, []), "auditor", TRAINER) == ""


def test_what_anybody_can_write_shows_nobody() -> None:
    claimed = [Recorded(TRAINER, "trainer", "s", trusted=False)]
    assert objection(people_of(PARTIES, claimed, OWNED), "auditor") == "trainer_unknown"
    ended = [Named(OWNER, "owner", trusted=False)]
    assert objection(people_of(PARTIES, LAB, ended), "auditor") == "people_unknown"
    assert objection(people_of(PARTIES, LAB, ended), "owner") == "not_independent"


@pytest.mark.parametrize("role", ROLES)
def test_somebody_whom_the_parties_file_does_not_know_leaves_it_open(role: str) -> None:
    recorded = people_of(PARTIES, [*LAB, Recorded(role, "stranger", "s", trusted=True)], OWNED)
    assert objection(recorded, "auditor") == "people_unknown"
    named = people_of(PARTIES, LAB, [*OWNED, Named(role, "stranger", trusted=True)])
    assert objection(named, "auditor") == "people_unknown"


def test_an_unknown_login_that_anybody_can_write_does_no_harm() -> None:
    people = people_of(PARTIES, [*LAB, Recorded(TRAINER, "root", "s", trusted=False)], OWNED)
    assert objection(people, "auditor") == ""


def test_a_service_is_no_person_and_stands_for_who_operates_it() -> None:
    people = people_of(PARTIES, [*LAB, Recorded(TRAINER, "ci", "s", trusted=True)], OWNED)
    assert objection(people, "deployer", TRAINER) == "not_independent"
    assert "ci" not in people.persons[TRAINER]
    assert actor_id(PARTIES, "ci") == "deployer"


def test_whoever_asks_is_named_by_party_id() -> None:
    assert actor_id(PARTIES, "risk") == "risk"
    assert actor_id(PARTIES, "stranger") == "login:stranger"
