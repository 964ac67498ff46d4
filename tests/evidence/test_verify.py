# SPDX-License-Identifier: Apache-2.0
"""Whose signature counts: the whole loop, from what was carried to a fact or a refusal with its code."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.collect import Collected, collect
from qaqpa.evidence.envelope import IN_TOTO, parse_envelope, sign
from qaqpa.evidence.parties import Parties
from qaqpa.model import JsonObject, Recorded, Stage, Strength, Subject
from support.contents import contents, context, withdrawal
from support.contents import waiver as a_waiver
from support.keyring import signing_key
from support.statements import NOW, SUBJECT, TRAINER, carried, carry, envelope, parties, payload

ALL = contents(NOW)
PARTIES = parties()
CONTEXT = carried(context())
OWNED = carried(ALL["responsibility"])
DAY = timedelta(days=1)
WAIVER = a_waiver()


def found(
    *pieces: Carried,
    known: Parties | None = PARTIES,
    subject: Subject = SUBJECT,
    stage: Stage = Stage.PRODUCTION,
    **more: Any,
) -> Collected:
    return collect([CONTEXT, OWNED, *pieces], subject, stage, NOW, parties=known, **more)


def code(*pieces: Carried, kind: str = "audit", **more: Any) -> str:
    """The code with which the evidence of a kind is refused; its strength where it is not."""
    collected = found(*pieces, **more)
    codes = [refusal.code for refusal in collected.rejected if refusal.kind == kind]
    return codes[0] if codes else next(fact.strength.value for fact in collected.evidence if fact.kind == kind)


def with_key(person: str, **changes: Any) -> Parties:
    """The parties file with another state of a person's keys."""
    own = PARTIES.persons[person]
    return with_person(replace(own, keys=tuple(replace(key, **changes) for key in own.keys)))


def with_person(person: Any) -> Parties:
    return replace(PARTIES, persons={**PARTIES.persons, person.id: person})


def with_rule(kind: str, **changes: Any) -> Parties:
    return replace(PARTIES, rules={**PARTIES.rules, kind: replace(PARTIES.rules[kind], **changes)})


def signed(content: JsonObject, *signers: str, **changes: Any) -> Carried:
    return carried(content, signers, **changes)


def test_an_auditor_from_outside_is_independent_and_shown() -> None:
    audit = next(fact for fact in found(signed(ALL["audit"], "auditor")).evidence if fact.kind == "audit")
    assert audit.strength is Strength.INDEPENDENT
    assert [(signer.id, signer.independent) for signer in audit.signers] == [("auditor", True)]
    assert audit.expires_at
    assert audit.issued_at
    assert audit.expires_at - audit.issued_at == timedelta(days=PARTIES.rules["audit"].max_age_days)


@pytest.mark.parametrize(
    ("kind", "signers", "expected"),
    [
        ("audit", ["auditor"], "independent"),
        ("audit", ["auditor", "owner"], "independent"),
        ("audit", ["owner"], "wrong_role"),
        ("audit", ["dpo"], "wrong_role"),
        ("audit", ["peer"], "same_unit"),
        ("bias", ["trainer"], "signed"),
        ("bias", ["auditor"], "wrong_role"),
        ("legal_basis", ["dpo"], "independent"),
        ("legal_basis", ["risk"], "wrong_role"),
    ],
)
def test_the_rule_of_the_kind_says_who_may_sign(kind: str, signers: list[str], expected: str) -> None:
    assert code(signed(ALL[kind], *signers), kind=kind) == expected


@pytest.mark.parametrize("role", ["trainer", "owner", "deployer"])
def test_whoever_trained_owns_or_deploys_cannot_audit(role: str) -> None:
    recorded = Recorded(role, "auditor", "s", trusted=True)
    subject = replace(SUBJECT, people=(TRAINER, recorded))
    assert code(signed(ALL["audit"], "auditor"), subject=subject) == "not_independent"


def test_whoever_asks_for_the_promotion_cannot_be_its_auditor() -> None:
    assert code(signed(ALL["audit"], "auditor"), asked_by="auditor") == "not_independent"
    collected = found(signed(ALL["audit"], "auditor"), asked_by="ci")
    assert collected.actor == "deployer"


def test_whom_the_statement_of_responsibility_names_cannot_audit() -> None:
    named = signed({**ALL["responsibility"], "persons": [{"id": "auditor", "role": "trainer"}]}, "owner")
    assert code(signed(ALL["audit"], "auditor"), named) == "not_independent"
    ended = signed(
        {**ALL["responsibility"], "persons": [{"id": "auditor", "role": "trainer"}]}, "owner", expires_at=NOW - DAY / 2
    )
    assert code(signed(ALL["audit"], "auditor"), ended) == "not_independent", "what has ended still adds"


def test_nobody_recorded_as_trainer_means_that_independence_cannot_be_shown() -> None:
    nobody = replace(SUBJECT, people=())
    assert code(signed(ALL["audit"], "auditor"), subject=nobody) == "trainer_unknown"
    claimed = replace(SUBJECT, people=(replace(TRAINER, trusted=False),))
    assert code(signed(ALL["audit"], "auditor"), subject=claimed) == "trainer_unknown"
    named = signed({**ALL["responsibility"], "persons": [{"id": "trainer", "role": "trainer"}]}, "owner")
    assert code(signed(ALL["audit"], "auditor"), named, subject=nobody) == "independent"


def test_a_statement_of_responsibility_by_somebody_else_names_nobody() -> None:
    nobody = replace(SUBJECT, people=())
    persons = {**ALL["responsibility"], "persons": [{"id": "trainer", "role": "trainer"}]}
    assert code(signed(ALL["audit"], "auditor"), signed(persons, "peer"), subject=nobody) == "trainer_unknown"
    other = signed(persons, "owner", registered_model="other")
    assert code(signed(ALL["audit"], "auditor"), other, subject=nobody) == "trainer_unknown"


def test_at_review_it_is_enough_that_nothing_speaks_against_independence() -> None:
    nobody = replace(SUBJECT, people=())
    assert code(signed(ALL["audit"], "auditor"), subject=nobody, stage=Stage.REVIEW) == "signed"
    assert code(signed(ALL["audit"], "peer"), stage=Stage.REVIEW) == "same_unit"


def test_two_keys_of_one_person_are_one_person() -> None:
    twice = carry(_by_keys(payload(ALL["audit"]), ("auditor", 0), ("auditor", 1)), "audit")
    assert code(twice, known=with_rule("audit", threshold=2)) == "too_few_signers"
    both = signed(ALL["audit"], "auditor", "auditor2")
    assert code(both, known=with_rule("audit", threshold=2)) == "independent"


def test_signatures_on_one_payload_count_together_however_they_arrive() -> None:
    one, other = signed(ALL["audit"], "auditor"), signed(ALL["audit"], "auditor2")
    elsewhere = replace(other, source="tag qaqpa.evidence.audit.x")
    assert code(one, elsewhere, known=with_rule("audit", threshold=2)) == "independent"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"valid_from": NOW}, "key_not_valid_then"),
        ({"valid_until": NOW - 2 * DAY}, "key_not_valid_then"),
        ({"valid_until": NOW}, "key_expired"),
        ({"valid_until": NOW + DAY}, "independent"),
        ({"revoked_at": NOW, "reason": "superseded"}, "key_revoked"),
        ({"revoked_at": NOW - 9 * DAY, "reason": "left"}, "key_revoked"),
        ({"revoked_at": NOW + DAY, "reason": "left"}, "independent"),
        ({"revoked_at": NOW, "reason": "compromise"}, "key_compromised"),
        ({"revoked_at": NOW + DAY, "reason": "compromise"}, "key_compromised"),
    ],
)
def test_the_key_must_have_been_valid_then_and_be_so_still(changes: dict[str, Any], expected: str) -> None:
    assert code(signed(ALL["audit"], "auditor"), known=with_key("auditor", **changes)) == expected


def test_a_discipline_that_the_rule_asks_for_must_be_held() -> None:
    without = with_person(replace(PARTIES.persons["auditor"], disciplines=("law",)))
    asked = replace(without, rules=with_rule("audit", disciplines=("fairness", "security")).rules)
    assert code(signed(ALL["audit"], "auditor"), known=asked) == "wrong_discipline"


def test_what_is_in_date_by_itself_can_be_too_old_for_the_rule() -> None:
    issued = NOW - timedelta(days=PARTIES.rules["audit"].max_age_days)
    old = {"issued_at": issued, "expires_at": NOW + DAY}
    assert code(signed(ALL["audit"], "auditor", **old)) == "expired_by_rule"
    assert code(signed(ALL["audit"], "auditor", issued_at=issued + timedelta(seconds=1))) == "independent"


def test_a_kind_without_a_rule_is_refused() -> None:
    rules = {kind: rule for kind, rule in PARTIES.rules.items() if kind != "audit"}
    assert code(signed(ALL["audit"], "auditor"), known=replace(PARTIES, rules=rules)) == "no_rule"


def test_without_a_parties_file_an_envelope_is_a_mere_claim() -> None:
    piece = signed(ALL["audit"], "auditor")
    assert code(piece, known=None) == "no_parties"
    assert code(piece, known=None, stage=Stage.STAGING) == "no_parties"
    assert code(piece, known=None, stage=Stage.REVIEW) == "declared"


def test_an_altered_payload_is_signed_by_nobody() -> None:
    text = envelope(payload(ALL["audit"]), ["auditor"])
    other = payload({**ALL["audit"], "conclusion": "positive"}, issued_at=NOW - 2 * DAY)
    assert code(carry(_with_payload(text, other), "audit")) == "untrusted_signature"


def test_the_parties_file_cannot_weaken_who_signs_a_context() -> None:
    weak = with_rule("system", roles=("ml_engineer",), independent_of=(), other_unit=False)
    lax = carried(context(version=2, affects_rights=False), ["trainer"])
    assert code(lax, known=weak, kind="system") == "wrong_role"
    insider = replace(PARTIES.persons["trainer"], roles=("ml_engineer", "risk_owner"))
    known = replace(weak, persons={**PARTIES.persons, "trainer": insider})
    assert code(lax, known=known, kind="system") == "not_independent"
    colleague = replace(PARTIES.persons["peer"], roles=("ml_engineer", "risk_owner"))
    known = replace(weak, persons={**PARTIES.persons, "peer": colleague})
    assert code(carried(context(version=2), ["peer"]), known=known, kind="system") == "same_unit"


def test_the_parties_file_cannot_weaken_who_audits() -> None:
    weak = with_rule("audit", roles=("model_owner", "auditor"), independent_of=(), other_unit=False)
    for person, expected in (("owner", "not_independent"), ("peer", "same_unit"), ("auditor", "independent")):
        assert code(signed(ALL["audit"], person), known=weak) == expected


def test_a_context_that_nobody_signed_does_not_count_in_production() -> None:
    collected = collect([carried(context(), [])], SUBJECT, Stage.PRODUCTION, NOW, parties=PARTIES)
    assert collected.context is None
    assert [refusal.code for refusal in collected.rejected] == ["context_unsigned"]
    assert collect([carried(context(), [])], SUBJECT, Stage.STAGING, NOW, parties=PARTIES).context


def test_an_unsigned_context_cannot_outbid_the_signed_one() -> None:
    lax = carried(context(version=9, affects_rights=False), [])
    collected = found(lax)
    assert collected.context == {name: value for name, value in context().items() if name != "kind"}


@pytest.mark.parametrize("ended", [{"expires_at": NOW - DAY / 2}, {"issued_at": NOW - timedelta(days=5000)}])
def test_an_older_context_does_not_take_the_place_of_one_that_has_ended(ended: dict[str, Any]) -> None:
    older = carried(context(version=1, affects_rights=False))
    newer = carried(context(version=2), **ended)
    known = with_key("risk", valid_from=NOW - timedelta(days=6000))
    collected = collect([older, newer], SUBJECT, Stage.PRODUCTION, NOW, parties=known)
    assert collected.context is None
    assert ("system", "other_context") in {(refusal.kind, refusal.code) for refusal in collected.rejected}


def test_whoever_may_sign_a_context_can_take_it_back_and_whoever_may_not_any_more_cannot() -> None:
    older, mistaken = carried(context(version=1), ["risk2"]), carried(context(version=1_000_000), ["risk"])
    payload_id = parse_envelope(mistaken.text).id
    back = carry(envelope(payload(withdrawal(payload_id)), ["risk"]), "withdrawal")

    def versions(subject: Subject = SUBJECT) -> object:
        collected = collect([older, mistaken, back], subject, Stage.PRODUCTION, NOW, parties=PARTIES)
        return collected.context and collected.context["version"]

    assert versions() == 1
    became_trainer = Recorded("trainer", "risk", "s", trusted=True)
    assert versions(replace(SUBJECT, people=(TRAINER, became_trainer))) is None


def test_an_older_context_does_not_take_the_place_of_one_whose_key_was_revoked() -> None:
    older = carried(context(version=1, affects_rights=False), ["risk2"])
    newer = carried(context(version=2), ["risk"])
    revoked = with_key("risk", revoked_at=NOW - DAY / 2, reason="left")
    assert collect([older, newer], SUBJECT, Stage.PRODUCTION, NOW, parties=revoked).context is None
    stolen = with_key("risk", revoked_at=NOW - DAY / 2, reason="compromise")
    assert collect([older, newer], SUBJECT, Stage.PRODUCTION, NOW, parties=stolen).context


def test_only_who_signed_can_withdraw_and_all_must() -> None:
    audit = signed(ALL["audit"], "auditor", "auditor2")
    statement_id = parse_envelope(audit.text).id

    def taken_back(*signers: str) -> Carried:
        return carry(envelope(payload(withdrawal(statement_id)), signers), "withdrawal")

    assert code(audit, taken_back("owner")) == "independent"
    assert code(audit, taken_back("auditor")) == "independent"
    assert code(audit, taken_back("auditor", "auditor2")) == "withdrawn"
    assert code(audit, taken_back("auditor"), replace(taken_back("auditor2"), source="other")) == "withdrawn"
    assert all(fact.kind != "withdrawal" for fact in found(audit, taken_back("auditor")).evidence)
    assert (
        code(
            audit,
            taken_back("auditor"),
            kind="withdrawal",
            known=with_person(replace(PARTIES.persons["auditor"], keys=())),
        )
        == "untrusted_signature"
    )


@pytest.mark.parametrize("signers", [["peer"], ["owner"], ["trainer"]])
def test_what_is_refused_for_who_signed_it_can_still_say_that_something_is_wrong(signers: list[str]) -> None:
    known = with_rule("audit", roles=("auditor", "model_owner", "ml_engineer"))
    collected = found(signed(ALL["audit"], *signers), known=known)
    audit = next(fact for fact in collected.evidence if fact.kind == "audit")
    assert (audit.against_only, audit.strength) == (True, Strength.SIGNED)
    assert [refusal.kind for refusal in collected.rejected] == ["audit"]


def test_what_is_refused_for_what_it_says_or_by_whom_says_nothing() -> None:
    for piece in (signed(ALL["audit"], "dpo"), signed(ALL["audit"], "auditor", model_digest="cd" * 32)):
        assert all(fact.kind != "audit" for fact in found(piece).evidence)
    stolen = with_key("peer", revoked_at=NOW, reason="compromise")
    assert all(fact.kind != "audit" for fact in found(signed(ALL["audit"], "peer"), known=stolen).evidence)


def waiver(*signers: str, content: JsonObject = WAIVER, **changes: Any) -> Carried:
    wanted = {"expires_at": NOW + 29 * DAY, "stage": Stage.PRODUCTION, **changes}
    return signed(content, *(signers or ("risk",)), **wanted)


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        (waiver(), "independent"),
        (waiver("risk2"), "independent"),
        (waiver("owner"), "wrong_role"),
        (waiver("risk", content={**WAIVER, "requested_by": "risk"}), "not_independent"),
        (waiver(expires_at=None), "waiver_without_end"),
        (waiver(expires_at=NOW + 29 * DAY + timedelta(seconds=1)), "waiver_too_long"),
        (waiver(model_digest="cd" * 32), "other_model"),
        (waiver(context_digest="cd" * 32), "other_context"),
        (waiver(stage=Stage.STAGING), "other_stage"),
        (waiver(expires_at=NOW), "expired"),
    ],
)
def test_a_waiver_is_for_these_bytes_this_system_this_stage_and_not_for_long(piece: Carried, expected: str) -> None:
    assert code(piece, kind="waiver") == expected


@pytest.mark.parametrize("stage", [Stage.STAGING, Stage.PRODUCTION])
def test_a_review_takes_what_is_for_a_later_stage(stage: Stage) -> None:
    assert code(waiver(stage=stage), kind="waiver", stage=Stage.REVIEW) == "independent"
    assert code(waiver(stage=Stage.REVIEW), kind="waiver", stage=stage) == "other_stage"


def test_a_waiver_names_its_stage_to_the_policies() -> None:
    fact = next(fact for fact in found(waiver()).evidence if fact.kind == "waiver")
    assert fact.predicate["stage"] == "production"
    assert fact.expires_at == NOW + 29 * DAY


@pytest.mark.parametrize("kind", ["audit", "bias"])
def test_an_unexpected_error_is_a_refusal(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("qaqpa.evidence.collect.counted", broken)
    assert code(carried(ALL[kind]), kind=kind) == "malformed"


def _by_keys(statement: bytes, *keys: tuple[str, int]) -> str:
    return sign(statement, IN_TOTO, [signing_key(person, number) for person, number in keys])


def _with_payload(text: str, other: bytes) -> str:
    return json.dumps({**json.loads(text), "payload": base64.b64encode(other).decode()})
