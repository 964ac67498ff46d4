# SPDX-License-Identifier: Apache-2.0
"""Whose signatures make an override and its review, whatever the parties file says, and that no policy sees either."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from qaqpa.documents import parse_yaml
from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.collect import Collected, collect
from qaqpa.evidence.parties import Parties, parse_parties
from qaqpa.gate import input_document
from qaqpa.model import Stage
from support.contents import contents, context, override, override_review, withdrawal
from support.keyring import organisation, to_yaml
from support.statements import NOW, SUBJECT, Known, carried, parties, request

HOUR = timedelta(hours=1)
BASIS = [carried(context()), carried(contents(NOW)["responsibility"])]


def weak(**people: dict[str, Any]) -> Parties:
    """A parties file that asks for as little as it can, in which some persons have further roles."""
    value = organisation(NOW)
    for one in value["parties"]:
        one["roles"] = [*one["roles"], *people.get(one["id"], {}).get("roles", [])]
        one["unit"] = people.get(one["id"], {}).get("unit", one["unit"])
    roles = ["incident", "model_owner", "ml_engineer", "auditor", "risk_owner"]
    value["rules"]["override"] = {"roles": roles, "max_age_days": 365, "threshold": 1}
    value["rules"]["override_review"] = {"roles": roles, "max_age_days": 365}
    return parse_parties(parse_yaml(to_yaml(value), "parties.yaml"))


def found(*pieces: Carried, known: Parties | None = None, stage: Stage = Stage.PRODUCTION) -> Collected:
    return collect([*BASIS, *pieces], SUBJECT, stage, NOW, parties=known or weak())


def signed(*signers: str, **changes: Any) -> Carried:
    return carried(override(), signers, **{"issued_at": NOW - HOUR, "expires_at": NOW + HOUR, **changes})


def code(collected: Collected, kind: str = "override") -> str:
    codes = [refusal.code for refusal in collected.rejected if refusal.kind == kind]
    return codes[0] if codes else next(fact.strength.value for fact in collected.aside if fact.kind == kind)


ROLE = {"roles": ["incident"]}


@pytest.mark.parametrize(
    ("signers", "people", "wanted"),
    [
        (["incident1", "incident2"], {}, "independent"),
        (["incident1"], {}, "too_few_signers"),
        (["incident1", "auditor"], {}, "too_few_signers"),
        (["incident1", "auditor"], {"auditor": ROLE}, "independent"),
        (["incident1", "owner"], {"owner": ROLE}, "too_few_signers"),
        (["incident1", "trainer"], {"trainer": ROLE}, "too_few_signers"),
        (["owner", "trainer"], {"owner": ROLE, "trainer": ROLE}, "not_independent"),
        (["incident1", "incident2"], {"incident2": {"unit": "lab"}}, "too_few_signers"),
        ([], {}, "untrusted_signature"),
    ],
)
def test_two_persons_with_the_role_whatever_the_rule_says(signers: list[str], people: Any, wanted: str) -> None:
    assert code(found(signed(*signers), known=weak(**people))) == wanted


def test_the_threshold_of_the_parties_file_only_adds() -> None:
    assert weak().rules["override"].threshold == 2
    assert parties().rules["audit"].threshold == 1


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"issued_at": NOW - HOUR, "expires_at": NOW + 23 * HOUR}, "independent"),
        ({"issued_at": NOW - HOUR, "expires_at": NOW + 23 * HOUR + timedelta(seconds=1)}, "override_too_long"),
        ({"expires_at": None}, "override_without_end"),
        ({"expires_at": NOW}, "expired"),
        ({"issued_at": NOW + HOUR}, "dated_in_future"),
        ({"stage": Stage.STAGING}, "other_stage"),
        ({"model_digest": "0" * 64}, "other_model"),
        ({"context_digest": "0" * 64}, "other_context"),
    ],
)
def test_it_counts_within_a_day_for_its_bytes_context_and_stage(changes: dict[str, Any], wanted: str) -> None:
    assert code(found(signed("incident1", "incident2", **changes))) == wanted


@pytest.mark.parametrize(("by", "wanted"), [("incident2", "withdrawn"), ("auditor", "independent")])
def test_one_signer_who_takes_it_back_is_enough(by: str, wanted: str) -> None:
    piece = signed("incident1", "incident2")
    [fact] = found(piece).aside
    assert code(found(piece, carried(withdrawal(fact.id), [by], issued_at=NOW - HOUR))) == wanted


def test_of_three_signers_one_may_take_it_back() -> None:
    known = weak(auditor=ROLE)
    piece = signed("incident1", "incident2", "auditor")
    [fact] = found(piece, known=known).aside
    back = [carried(withdrawal(fact.id), [one], issued_at=NOW - HOUR) for one in ("incident2", "auditor")]
    assert code(found(piece, back[0], known=known)) == "independent"
    assert code(found(piece, *back, known=known)) == "withdrawn"


@pytest.mark.parametrize(
    ("signers", "wanted"),
    [(["risk"], "independent"), (["auditor"], "wrong_role"), (["owner"], "wrong_role"), ([], "untrusted_signature")],
)
def test_a_review_is_signed_by_a_risk_owner_or_compliance_officer(signers: list[str], wanted: str) -> None:
    piece = carried(override_review("e" * 64), signers, issued_at=NOW - HOUR)
    assert code(found(piece), "override_review") == wanted


def test_a_review_is_not_signed_by_the_owner_or_trainer_and_takes_nothing_back() -> None:
    for who in ("owner", "trainer"):
        known = weak(**{who: {"roles": ["risk_owner"]}})
        piece = carried(override_review("e" * 64), [who], issued_at=NOW - HOUR)
        assert code(found(piece, known=known), "override_review") == "not_independent"
    override_piece = signed("incident1", "incident2")
    [fact] = found(override_piece).aside
    review = carried(override_review(fact.id), ["incident1"], issued_at=NOW - HOUR)
    known = weak(incident1={"roles": ["risk_owner"]})
    assert code(found(override_piece, review, known=known)) == "independent"


def test_neither_reaches_the_policies_at_any_stage() -> None:
    pieces = [*BASIS, signed("incident1", "incident2"), carried(override_review("e" * 64), issued_at=NOW - HOUR)]
    for stage in Stage:
        asked = request(pieces, stage=stage, trust=Known(weak()))
        without = request(BASIS, stage=stage, trust=Known(weak()))
        there = ["override_review"] if stage is Stage.STAGING else ["override", "override_review"]
        assert [fact.kind for fact in asked.aside] == there
        assert input_document(asked)["evidence"] == input_document(without)["evidence"]
