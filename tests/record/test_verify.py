# SPDX-License-Identifier: Apache-2.0
"""Each requirement, met and not met."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qaqpa.evidence.envelope import parse_envelope
from qaqpa.model import Stage, Strength, Subject
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record import summary
from qaqpa.record.verify import Verification, verify
from support.contents import contents, waiver
from support.keyring import signing_key
from support.statements import DIGEST, NOW, carried, everything
from support.verdicts import GATE, changed, envelope, judged, requirements, statement

DAY = timedelta(days=1)


def result(found: dict[str, Any] | str, *, digest: str = DIGEST, now: Any = NOW, **changes: Any) -> Verification:
    text = found if isinstance(found, str) else envelope(found)
    return verify(parse_envelope(text), digest, requirements(**changes), now)


def unmet(found: dict[str, Any] | str, **changes: Any) -> list[str]:
    outcome = result(found, **changes)
    assert outcome.holds is not bool(outcome.unmet)
    return [one.requirement for one in outcome.unmet]


def test_a_verdict_holds_for_its_bytes_until_its_end(passed: dict[str, Any]) -> None:
    assert result(passed).holds
    assert unmet(passed, now=NOW + 28 * DAY) == []
    assert unmet(passed, now=NOW + 29 * DAY) == []
    assert unmet(passed, now=NOW + 29 * DAY + timedelta(seconds=1)) == ["end"]


@pytest.mark.parametrize(
    ("changes", "requirement"),
    [
        ({"digest": "00" * 32}, "bytes"),
        ({"stage": Stage.STAGING}, "stage"),
        ({"verifier": "urn:acme:gate"}, "verifier"),
        ({"model": "other"}, "model"),
        ({"model": "Credit"}, "model"),
        ({"workspace": "retail"}, "workspace"),
        ({"model_version": "8"}, "model_version"),
        ({"registry": "https://mlflow.acme.example"}, "registry"),
        ({"context": "00" * 32}, "context"),
        ({"profiles": ("kz",)}, "profiles"),
        ({"profiles": ("article-baseline", "kz")}, "profiles"),
        ({"policies": ("00" * 32,)}, "policies"),
        ({"configuration": "00" * 32}, "configuration"),
        ({"minimum_strength": Strength.INDEPENDENT}, "minimum_strength"),
        ({"now": NOW - timedelta(minutes=6)}, "date"),
        ({"now": NOW + 2 * DAY, "max_age": timedelta(hours=47)}, "max_age"),
        ({"keys": (signing_key("gate", 3).public_key,)}, "signer"),
    ],
)
def test_a_requirement_that_is_not_met_is_named(
    passed: dict[str, Any], changes: dict[str, Any], requirement: str
) -> None:
    assert unmet(passed, **changes) == [requirement]


def test_requirements_that_are_met(passed: dict[str, Any]) -> None:
    body = passed["predicate"]
    assert not unmet(
        passed,
        now=NOW + 2 * DAY,
        model_version="7",
        context=body[summary.CONTEXT],
        policies=("00" * 32, body["policy"]["digest"]["sha256"]),
        configuration=body[summary.CONFIGURATION],
        minimum_strength=Strength.SIGNED,
        max_age=timedelta(hours=48),
    )
    assert not unmet(passed, now=NOW - timedelta(minutes=4))


def test_keys_can_roll(passed: dict[str, Any]) -> None:
    old, new, other = (signing_key("gate", number) for number in (1, 3, 5))
    for key in (old, new):
        found = result(envelope(passed, key), keys=(old.public_key, new.public_key))
        assert found.holds
        assert found.verdict
        assert found.verdict.signer == key.key_id
    assert unmet(envelope(passed, other), keys=(old.public_key, new.public_key)) == ["signer"]


def test_nothing_is_believed_or_shown_before_a_trusted_key_signed(passed: dict[str, Any]) -> None:
    found = result(envelope(passed, signing_key("gate", 3)))
    assert found.verdict is None
    assert "credit" not in json.dumps([one.found for one in found.unmet])


def test_everything_that_is_not_met_is_told_at_once(passed: dict[str, Any]) -> None:
    assert unmet(passed, stage=Stage.STAGING, model="x", digest="00" * 32, now=NOW + 40 * DAY) == [
        "bytes",
        "stage",
        "model",
        "end",
    ]


def test_a_failed_verdict_never_holds_and_says_why(engine: EmbeddedEngine) -> None:
    denied = statement(judged(engine, [piece for piece in everything() if piece.kind != "audit"]))
    found = result(denied)
    assert [one.requirement for one in found.unmet] == ["result"]
    assert "AUD-01" in found.unmet[0].found


def test_another_model_of_the_same_name_is_told_apart(passed: dict[str, Any]) -> None:
    def made(statement: dict[str, Any]) -> None:
        statement["predicate"][summary.SUBJECT]["created"] = 1_700_000_000_000

    found = changed(passed, made)
    same = Subject("credit", "7", created_ms=1_700_000_000_000)
    assert unmet(found, registered=same) == []
    assert unmet(found, registered=replace(same, created_ms=1_700_000_000_001)) == ["created"]


def test_a_verdict_is_for_the_model_that_the_registry_names_too(passed: dict[str, Any]) -> None:
    """Somebody requires `credit`, has the verdict of `credit`, and deploys the same bytes as `fraud`."""
    assert unmet(passed, registered=Subject("fraud", "1")) == ["model"]
    assert unmet(passed, model=None, registered=Subject("fraud", "1")) == ["model"]
    assert unmet(passed, model=None, registered=Subject("credit", "9")) == []


def test_a_verdict_without_end_in_sight_is_refused(passed: dict[str, Any]) -> None:
    def longer(statement: dict[str, Any]) -> None:
        statement["predicate"][summary.EXPIRES] = "2027-02-22T00:00:00Z"

    assert unmet(changed(passed, longer)) == ["end"]


def test_waivers_are_named_or_refused(engine: EmbeddedEngine) -> None:
    [control] = waiver()["controls"]
    missing = {"TRN-01": "model_card", "TRN-02": "explanation", "AUD-01": "audit"}[control]
    pieces = [piece for piece in everything() if piece.kind != missing]
    granted = carried(waiver(), expires_at=NOW + 9 * DAY)
    found = statement(judged(engine, [*pieces, granted]))
    assert unmet(found) == ["waivers"]
    assert f"--allow-waiver {control}" in result(found).unmet[0].required
    assert unmet(found, allow_waivers=frozenset({"NDQ-02"})) == ["waivers"]
    assert unmet(found, allow_waivers=frozenset({control})) == []
    assert unmet(found, allow_waivers=None) == []


def test_an_evidence_statement_of_the_gate_is_no_verdict() -> None:
    evidence = carried(contents(NOW)["audit"], []).text.encode()
    found = result(envelope(evidence))
    assert [one.requirement for one in found.unmet] == ["verdict"]
    assert found.verdict is None
    assert GATE.key_id
