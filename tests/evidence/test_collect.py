# SPDX-License-Identifier: Apache-2.0
"""What counts for one subject, and what is refused with which code."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from qaqpa.documents import validator
from qaqpa.evidence.carriers import MAX_CARRIED, Carried, carried_in_tags
from qaqpa.evidence.collect import Collected, collect
from qaqpa.evidence.pieces import MAX_CHARACTERS
from qaqpa.evidence.statement import context_digest
from qaqpa.gate import input_document
from qaqpa.model import Stage, Subject
from support.contents import MODEL, contents, context
from support.statements import (
    DIGEST,
    NOW,
    SUBJECT,
    altered,
    carried,
    carry,
    envelope,
    everything,
    parties,
    payload,
    request,
    tags,
)

ALL = contents(NOW)
CONTEXT = carried(context())
PARTIES = parties()


def found(*pieces: Carried, subject: Subject = SUBJECT, stage: Stage = Stage.PRODUCTION) -> Collected:
    return collect(pieces, subject, stage, NOW, parties=PARTIES)


def codes(collected: Collected) -> list[tuple[str, str]]:
    return [(refusal.kind, refusal.code) for refusal in collected.rejected]


def kinds(collected: Collected) -> list[str]:
    return [fact.kind for fact in collected.evidence]


def draft(content: dict[str, Any], source: str = "evidence/x.yaml") -> Carried:
    return Carried(source, rfc8785.dumps(content).decode(), content["kind"], draft=True)


def test_sound_statements_of_every_kind_count() -> None:
    collected = found(*everything())
    assert (collected.rejected, collected.problems) == ([], [])
    assert kinds(collected) == sorted([*ALL, "system"])
    assert collected.context_digest == context_digest(context())
    assert collected.context == {name: value for name, value in context().items() if name != "kind"}
    audit = collected.evidence[0]
    assert audit.predicate["issued_on"] == {"text": "2026-10-24", "seconds": 1792800000}
    assert "kind" not in audit.predicate
    assert (audit.strength.value, audit.signers[0].id, audit.signers[0].independent) == ("independent", "auditor", True)
    assert {fact.kind: fact.strength.value for fact in collected.evidence}["bias"] == "signed"
    assert len(audit.envelope) == 64


@pytest.mark.parametrize(
    ("piece", "code"),
    [
        (carry("{}", "audit"), "malformed"),
        (altered(ALL["audit"], _type="https://in-toto.io/Statement/v0.1"), "malformed"),
        (altered(ALL["audit"], extra=1), "malformed"),
        (altered(ALL["audit"], predicateType="https://slsa.dev/provenance/v1"), "unknown_kind"),
        (altered(ALL["audit"], predicateType="urn:qaqpa:evidence:bias:v1"), "schema_violated"),
        (altered(ALL["audit"], subject=[]), "two_subjects"),
        (altered(ALL["audit"], subject=[{"digest": {"dirHash": DIGEST, "sha256": "0" * 64}}]), "digest_mismatch"),
        (carried(ALL["bias"]), "kind_mismatch"),
        (carry(envelope(payload(ALL["audit"]), ["auditor"], "application/json"), "audit"), "payload_type"),
        (carried(ALL["audit"], model_digest="cd" * 32), "other_model"),
        (carried(ALL["audit"], context_digest="cd" * 32), "other_context"),
        (carried(ALL["audit"], issued_at=NOW + timedelta(minutes=5, seconds=1)), "dated_in_future"),
        (carried(ALL["audit"], expires_at=NOW), "expired"),
        (draft(ALL["audit"]), "draft"),
        (carry(" " * MAX_CHARACTERS + "x", "audit"), "too_large"),
    ],
)
def test_each_refusal_has_its_code(piece: Carried, code: str) -> None:
    collected = found(CONTEXT, replace(piece, kind="audit"))
    assert codes(collected) == [("audit", code)]
    assert collected.rejected[0].source == piece.source
    assert collected.rejected[0].detail
    assert kinds(collected) == ["system"]


def test_evidence_about_a_system_needs_its_context() -> None:
    collected = found(carried(ALL["oversight"]), carried(ALL["legal_basis"]), carried(ALL["bias"]))
    assert codes(collected) == [("legal_basis", "context_missing"), ("oversight", "context_missing")]
    assert kinds(collected) == ["bias"]
    assert (collected.context, collected.context_digest) == (None, None)


def test_a_refusal_names_the_kind_even_where_the_carrier_does_not() -> None:
    for late in ({"model_digest": "cd" * 32}, {"issued_at": NOW + timedelta(days=1)}):
        piece = Carried("evidence/x.json", payload(ALL["bias"], **late).decode())
        assert [refusal.kind for refusal in found(piece).rejected] == ["bias"]


def test_limits_are_met_exactly() -> None:
    at_limit = payload(ALL["bias"]).decode()
    at_limit += " " * (MAX_CHARACTERS - len(at_limit))
    timely = carried(ALL["model_card"], issued_at=NOW + timedelta(minutes=5), expires_at=NOW + timedelta(seconds=1))
    assert kinds(found(carry(at_limit, "bias"), timely)) == ["bias", "model_card"]


def test_one_changed_byte_of_the_model_voids_what_is_about_it_and_leaves_what_is_about_the_system() -> None:
    collected = found(*everything(), subject=replace(SUBJECT, digest="cd" * 32))
    about_model = ["audit", "bias", "datasheets", "evaluation", "explanation", "model_card", "release_approval"]
    assert codes(collected) == [(kind, "other_model") for kind in about_model]
    assert kinds(collected) == sorted({*ALL, "system"} - set(about_model))


def test_without_bytes_nothing_about_a_model_counts() -> None:
    collected = found(*everything(), subject=replace(SUBJECT, digest=None))
    assert ("bias", "other_model") in codes(collected)
    assert "bias" not in kinds(collected)


def test_the_highest_version_of_the_context_holds_and_voids_what_was_said_of_the_older() -> None:
    older, newer = context(affects_rights=False), context(version=2)
    said_of_older = carried(ALL["legal_basis"], context_digest=context_digest(older))
    said_of_newer = carried(ALL["oversight"], context_digest=context_digest(newer))
    for pieces in ([carried(older), carried(newer)], [carried(newer), carried(older)]):
        collected = found(*pieces, said_of_older, said_of_newer)
        assert collected.context_digest == context_digest(newer)
        assert codes(collected) == [("legal_basis", "other_context"), ("system", "other_context")]
        assert kinds(collected) == ["oversight", "system"]


def test_two_contexts_of_one_version_that_differ_leave_nothing_to_decide_on() -> None:
    collected = found(CONTEXT, carried(context(affects_rights=False)), carried(context(version=1, title="x")))
    assert [problem.code for problem in collected.problems] == ["context_conflict"]
    assert collected.context is None
    assert kinds(collected) == []


def test_an_older_conflict_does_not_matter_once_there_is_a_newer_context() -> None:
    collected = found(CONTEXT, carried(context(title="x")), carried(context(version=2)))
    assert collected.problems == []
    assert collected.context_digest == context_digest(context(version=2))


def test_the_same_context_said_twice_is_no_conflict() -> None:
    collected = found(CONTEXT, carried(context(), issued_at=NOW))
    assert (collected.problems, kinds(collected)) == ([], ["system", "system"])


@pytest.mark.parametrize(
    ("entry", "subject", "named"),
    [
        ({"name": MODEL}, SUBJECT, True),
        ({"name": "Credit"}, SUBJECT, False),
        ({"name": "other"}, SUBJECT, False),
        ({"name": MODEL, "workspace": "default"}, SUBJECT, True),
        ({"name": MODEL, "workspace": "team"}, SUBJECT, False),
        ({"name": MODEL, "workspace": "team"}, replace(SUBJECT, workspace="team"), True),
        ({"name": MODEL}, replace(SUBJECT, workspace="team"), False),
        ({"name": MODEL, "created": 5}, replace(SUBJECT, created_ms=5), True),
        ({"name": MODEL, "created": 5}, replace(SUBJECT, created_ms=6), False),
        ({"name": MODEL, "created": 5}, SUBJECT, False),
        ({"name": MODEL}, replace(SUBJECT, created_ms=5), True),
    ],
)
def test_a_context_counts_only_for_the_registered_model_that_it_names(
    entry: dict[str, Any], subject: Subject, *, named: bool
) -> None:
    own = context(models=[{"name": "first"}, entry])
    collected = found(carried(own), subject=subject)
    assert (collected.context is not None) == named
    assert codes(collected) == ([] if named else [("system", "other_model")])


def test_a_context_of_another_model_cannot_outbid_the_own_one() -> None:
    collected = found(CONTEXT, carried(context(version=9, models=[{"name": "other"}], affects_rights=False)))
    assert collected.context_digest == context_digest(context())
    assert codes(collected) == [("system", "other_model")]


def test_drafts_count_at_review_only_and_need_no_digest() -> None:
    pieces = [draft(context(), "context.yaml"), *(draft(content, f"{kind}.yaml") for kind, content in ALL.items())]
    collected = found(*pieces, subject=Subject(MODEL), stage=Stage.REVIEW)
    assert kinds(collected) == sorted([*ALL, "system"])
    assert collected.context_digest == context_digest(context())
    for stage in (Stage.STAGING, Stage.PRODUCTION):
        assert {code for _, code in codes(found(*pieces, stage=stage))} == {"draft"}
        assert kinds(found(*pieces, stage=stage)) == []


def test_one_payload_that_arrives_by_two_ways_counts_once() -> None:
    text = payload(ALL["bias"])
    collected = found(carry(text, "bias"), Carried("evidence/bias.json", text.decode()), carry(text, "bias"))
    assert kinds(collected) == ["bias"]


def test_too_many_pieces_are_no_selection() -> None:
    pieces = [carry(f"{{{number}", "audit") for number in range(MAX_CARRIED)]
    assert len(found(*pieces).rejected) == MAX_CARRIED
    collected = found(*pieces, *everything())
    assert [problem.code for problem in collected.problems] == ["too_much_evidence"]
    assert (collected.evidence, collected.rejected, collected.context) == ((), (), None)
    assert len(found(*pieces, *pieces).rejected) == MAX_CARRIED, "the same piece twice is one piece"


def test_copies_of_one_envelope_crowd_nothing_out() -> None:
    copies = [replace(CONTEXT, source=f"tag qaqpa.evidence.system.{number}") for number in range(3 * MAX_CARRIED)]
    collected = found(*copies, *everything())
    assert collected.problems == []
    assert kinds(collected) == sorted([*ALL, "system"])


def test_the_order_of_the_pieces_does_not_matter() -> None:
    pieces = [*everything(), carry("{}", "audit"), carried(ALL["bias"], model_digest="0" * 64)]
    assert found(*pieces) == found(*reversed(pieces))


HOSTILE = [
    altered(ALL["audit"], predicateType="x" * 90_000).text,
    '{"' + "k" * 45_000 + '": 1, "' + "k" * 45_000 + '": 2}',
    altered(ALL["audit"], predicate={**json.loads(payload(ALL["audit"]))["predicate"], "issuedAt": "9" * 90_000}).text,
    altered(ALL["audit"], subject=[{"digest": {"dirHash": "x" * 90_000, "sha256": "x" * 90_000}}]).text,
    carried({**ALL["audit"], "issued_on": "1970-01-01", "valid_until": "9999-12-31"}).text,
    carried({**ALL["audit"], "auditor": "\x00\x1b[31m\u202e" * 900}).text,
]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "audit", "system", "nothing", "\x1b"]),
            st.text(max_size=50) | st.sampled_from([*HOSTILE, *tags(everything()).values()]),
        ),
        max_size=6,
    )
)
@example([("audit", text) for text in HOSTILE])
@example([("audit", '"\ud800"')])
def test_whatever_tags_hold_the_input_of_the_policies_still_fits_its_schema(pieces: list[tuple[str, str]]) -> None:
    asked = {f"qaqpa.evidence.{kind}.{number}": text for number, (kind, text) in enumerate(pieces)}
    document = input_document(request(carried_in_tags(asked)))
    assert list(validator("input").iter_errors(document)) == []
