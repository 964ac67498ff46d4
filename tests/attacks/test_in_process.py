# SPDX-License-Identifier: Apache-2.0
"""Every attack of the catalogue against the gate itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pytest

from attacks.catalogue import ATTACKS, Attack
from attacks.scene import Scene
from qaqpa import times
from qaqpa.documents import parse_yaml
from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.parties import Parties, parse_parties
from qaqpa.evidence.trust import Trust
from qaqpa.gate import decide, request_about
from qaqpa.model import Decision, JsonObject, Settings, Stage, Subject, Verdict
from qaqpa.policy.embedded import EmbeddedEngine

SCENE = Scene("credit", "ab" * 32, times.now())


class _Known(Trust):
    def __init__(self, parties: Parties) -> None:
        self._parties = parties

    def parties(self, now: datetime) -> Parties:
        del now
        return self._parties


TRUST = _Known(parse_parties(parse_yaml(SCENE.parties, "parties.yaml")))


def decided(engine: EmbeddedEngine, pieces: Iterable[Carried]) -> Decision:
    subject = Subject(SCENE.name, "1", SCENE.digest)
    profiles = ["article-baseline"]
    request = request_about(
        subject, pieces, stage=Stage.PRODUCTION, profiles=profiles, settings=Settings(), now=SCENE.now, trust=TRUST
    )
    return decide(request, engine)


def codes(decision: Decision) -> set[str]:
    """Every code by which a decision refuses something."""
    return codes_of(decision.document)


def codes_of(document: JsonObject) -> set[str]:
    """The same of a decision document."""
    violations = [violation for finding in document["findings"] for violation in finding["violations"]]
    return {found["code"] for found in [*violations, *document["problems"], *document["rejected"]]}


def test_without_an_attack_it_is_allowed(engine: EmbeddedEngine) -> None:
    decision = decided(engine, SCENE.sound())
    assert (decision.verdict, codes(decision)) == (Verdict.ALLOW, set())


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_it_fails_with_its_code(engine: EmbeddedEngine, attack: Attack) -> None:
    assert attack.code not in codes(decided(engine, SCENE.sound(*attack.without))), "the code comes from the attack"
    decision = decided(engine, [*SCENE.sound(*attack.without), *attack.make(SCENE)])
    assert decision.verdict is not Verdict.ALLOW
    assert attack.code in codes(decision)
