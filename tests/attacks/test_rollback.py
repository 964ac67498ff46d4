# SPDX-License-Identifier: Apache-2.0
"""Going back as a way around the gate: each story begins with an ordinary promotion, and ends with one that is refused.

The clock is the test's own; gate, policies, keys and decision log are real.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from qaqpa import times
from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.statement import context_digest
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.judge import Gatekeeper
from qaqpa.model import Stage
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.log.allowed import Promotion
from qaqpa.record.log.asked import Result
from qaqpa.record.log.chain import link, make_row, open_row
from qaqpa.record.log.erase import erase_person, erase_row
from qaqpa.record.log.opening import open_log
from qaqpa.record.log.opening import signing_key as gate_key
from qaqpa.record.log.tables import allowed
from support.contents import contents, context
from support.going_back import DAY, STAGING, Story, audit, of, said, sound, verdict, without
from support.keyring import person, signing_key
from support.logs import Owner, log_source
from support.statements import DIGEST, NOW, SUBJECT, carried, everything

LATER = 20
"""The day on which somebody goes back; the audit of `sound` has ended then."""


@pytest.fixture
def story(tmp_path: Path, engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch) -> Story:
    """On day 0 the model was allowed."""
    found = Story(tmp_path, engine, monkeypatch)
    assert verdict(found.promote(sound())) == "allow"
    return found


@pytest.fixture
def fresh(tmp_path: Path, engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch) -> Story:
    """Nothing was allowed yet."""
    return Story(tmp_path, engine, monkeypatch)


def refused(story: Story, pieces: list[Carried], code: str = "AUD-01", day: float = LATER, **more: Any) -> None:
    """Going back is denied for a reason that is told, and the log is intact."""
    story.go_to(day)
    found = story.promote(pieces, **more)
    assert verdict(found) in {"deny", "deny back"}, said(found, "warn")
    assert any(code in one for one in said(found)), said(found)
    assert story.intact() == []


@pytest.mark.parametrize("reason", ["superseded", "left", "compromise"])
def test_after_a_key_was_revoked(story: Story, reason: str) -> None:
    key = person(story.people, "auditor")["keys"][0]
    key["revoked"] = {"at": times.render(NOW + 3 * DAY), "reason": reason}
    refused(story, sound(), "AUD-01 evidence_refused")


def test_after_a_negative_audit_was_handed_in(story: Story) -> None:
    refused(story, [*sound(), audit("negative", day=3, ends=None)], "AUD-01 conclusion_negative")


def test_after_a_negative_audit_was_handed_in_that_has_ended_as_well(story: Story) -> None:
    refused(story, [*sound(), audit("negative", day=3, ends=6)], "AUD-01 conclusion_negative")


def test_after_a_negative_audit_whose_key_has_ended_as_well(story: Story) -> None:
    person(story.people, "auditor2")["keys"][0]["valid_until"] = times.render(NOW + 6 * DAY)
    negative = carried({**contents(NOW)["audit"], "conclusion": "negative"}, ["auditor2"], issued_at=NOW + 3 * DAY)
    refused(story, [*sound(), negative], "AUD-01 conclusion_negative")


def withdrawal(story: Story, **changes: Any) -> Carried:
    """The auditor takes back the audit by which the last decision allowed."""
    findings = (story.last().document or {})["findings"]
    (own,) = (one for finding in findings for one in finding["evidence"] if finding["control"] == "AUD-01")
    content = {"kind": "withdrawal", "statement": own, "reason": "The report was wrong."}
    return carried(content, ["auditor"], issued_at=NOW + 3 * DAY, **changes)


@pytest.mark.parametrize("ends", [None, NOW + 6 * DAY])
def test_after_the_audit_was_withdrawn(story: Story, ends: datetime | None) -> None:
    refused(story, [*sound(), withdrawal(story, expires_at=ends)], "AUD-01 evidence_refused")


def test_after_the_audit_was_withdrawn_with_a_key_that_has_ended_as_well(fresh: Story) -> None:
    person(fresh.people, "auditor")["keys"][0]["valid_until"] = times.render(NOW + 6 * DAY)
    fresh.write_parties()
    pieces = sound(audit(ends=None))
    assert verdict(fresh.promote(pieces)) == "allow"
    refused(fresh, [*pieces, withdrawal(fresh)], "AUD-01 evidence_refused")


def test_with_other_bytes(story: Story) -> None:
    refused(story, sound(), subject=replace(SUBJECT, digest="ef" * 32))


def test_with_evidence_that_is_gone(story: Story) -> None:
    refused(story, without(sound(), "bias"), "NDQ-02 evidence_missing")
    refused(story, without(sound(), "audit"), "AUD-01 evidence_missing")


def test_with_evidence_that_was_never_handed_in_before(story: Story) -> None:
    other = audit(day=0.5, ends=6)
    refused(story, sound(other), "AUD-01 evidence_refused")


def test_with_an_audit_that_a_key_made_after_its_end_and_dated_before(fresh: Story) -> None:
    person(fresh.people, "auditor")["keys"][0]["valid_until"] = times.render(NOW + 5 * DAY)
    fresh.write_parties()
    assert verdict(fresh.promote(sound(audit(ends=None)))) == "allow"
    backdated = carried({**contents(NOW)["audit"], "scope": ["everything"]}, issued_at=NOW - 2 * DAY)
    refused(fresh, sound(backdated), "AUD-01 evidence_refused")


def test_to_what_was_allowed_for_staging_only(fresh: Story) -> None:
    pieces = [*without(everything(stage=Stage.STAGING), "audit"), audit(stage=Stage.STAGING)]
    assert verdict(fresh.promote(pieces, gate=STAGING)) == "allow"
    refused(fresh, sound())


def test_in_another_version_of_the_context(story: Story) -> None:
    newer = context(version=2, title="Credit scoring for all")
    refused(story, [*without(sound(), "system"), carried(newer)], "AUD-01")
    refused(story, [*sound(), carried(newer, issued_at=NOW + DAY)], "AUD-01")


def test_in_another_version_of_the_context_that_has_ended_as_well(story: Story) -> None:
    newer = carried(context(version=2, title="Credit scoring for all"), issued_at=NOW + DAY, expires_at=NOW + 6 * DAY)
    refused(story, [*sound(), newer], "AUD-01")


def test_in_a_context_that_was_signed_once_more_and_ended_again(fresh: Story) -> None:
    ending = sound(of("system", expires_at=NOW + 5 * DAY), audit(ends=None))
    assert verdict(fresh.promote(ending)) == "allow"
    again = carried(context(), issued_at=NOW + DAY / 2, expires_at=NOW + 6 * DAY)
    fresh.go_to(LATER)
    assert verdict(fresh.promote([*without(ending, "system"), again])) == "deny", "and no rollback without its context"


def test_in_another_system(story: Story) -> None:
    other = context(system_id="6" * 32, models=[{"name": "other"}])
    pieces = everything(registered_model="other", context_digest=context_digest(other), expires_at=NOW + 5 * DAY)
    moved = [*without(pieces, "system"), carried(other, registered_model="other", expires_at=NOW + 5 * DAY)]
    refused(story, moved, "", subject=replace(SUBJECT, name="other"))


def test_to_what_was_allowed_91_days_ago(story: Story) -> None:
    story.go_to(90)
    assert verdict(story.promote(sound())) == "allow back"
    refused(story, sound(), "AUD-01 evidence_refused", day=91)


@pytest.mark.parametrize("result", [Result.FAILED, Result.ASKED, None])
def test_to_what_was_allowed_and_never_done(fresh: Story, result: Result | None) -> None:
    assert verdict(fresh.promote(sound(), result=result)) == "allow"
    refused(fresh, sound(), "AUD-01 evidence_refused")


def test_to_what_was_only_observed(fresh: Story) -> None:
    name = "seen"
    seen = context(models=[{"name": name}])
    about = {"registered_model": name, "context_digest": context_digest(seen)}
    pieces = [*without(everything(**about), "system"), carried(seen, registered_model=name)]
    pieces = [*without(pieces, "audit"), audit(**about)]
    subject = replace(SUBJECT, name=name)
    first = fresh.promote(pieces, subject)
    assert (verdict(first), first.listed.entry.fields["mode"]) == ("allow", "observe")
    refused(fresh, pieces, "AUD-01 evidence_refused", subject=subject)


def test_by_a_chain_of_rollbacks_that_renew_each_other(story: Story) -> None:
    first = story.last().listed.entry.seq
    for day in (30, 60, 89):
        story.go_to(day)
        back = story.promote(sound())
        assert (verdict(back), back.listed.entry.fields["rollback"]) == ("allow back", first)
    refused(story, sound(), "AUD-01 evidence_refused", day=100)


def _waiver(ends: float) -> Carried:
    content = {
        "kind": "waiver",
        "controls": ["AUD-01"],
        "category": "waiver",
        "reason": "The audit is under way.",
        "ticket": "T-1",
        "requested_by": "owner",
    }
    return carried(content, expires_at=NOW + ends * DAY)


def test_with_a_waiver_that_has_ended(fresh: Story) -> None:
    pieces = [*without(everything(), "audit"), _waiver(5)]
    assert verdict(fresh.promote(pieces)) == "allow"
    refused(fresh, [*pieces, of("model_card", expires_at=NOW + 6 * DAY)], "AUD-01 evidence_missing")


def test_with_evidence_that_had_ended_before(fresh: Story) -> None:
    pieces = [*without(everything(), "audit"), audit(ends=-0.5), _waiver(10)]
    assert verdict(fresh.promote(pieces)) == "allow"
    refused(fresh, pieces, "AUD-01 evidence_refused")


def test_with_a_content_that_had_become_too_old_before(fresh: Story) -> None:
    old = carried({**contents(NOW)["audit"], "valid_until": str((NOW - 2 * DAY).date())})
    pieces = [*without(everything(), "audit"), old, _waiver(10)]
    assert verdict(fresh.promote(pieces)) == "allow"
    refused(fresh, pieces, "AUD-01 validity_ended")


def test_where_somebody_who_signed_may_sign_no_more(story: Story) -> None:
    person(story.people, "auditor")["roles"] = ["ml_engineer"]
    refused(story, sound(), "AUD-01 evidence_refused")


def test_where_the_rules_ask_for_more_by_now(story: Story) -> None:
    story.people["rules"]["audit"]["threshold"] = 2
    refused(story, sound(), "AUD-01 evidence_refused")


def test_where_nobody_can_tell_whose_signature_counts(story: Story) -> None:
    story.go_to(LATER)
    (story.source.file.parent / "parties.signed.json").unlink()
    found = story.promote(sound())
    assert verdict(found) in {"deny", "undecided"}
    assert "parties_missing" in {problem["code"] for problem in (found.document or {})["problems"]}


def unusable(story: Story, pieces: list[Carried], **more: Any) -> None:
    """Nothing is decided: the log is not what it was."""
    story.go_to(LATER)
    with pytest.raises(RefusedError) as caught:
        story.admit(pieces, **more)
    (problem,) = caught.value.json_kwargs["qaqpa"]["problems"]
    assert problem["code"] == "log_unusable"


SOUGHT = Promotion(DIGEST, "production", context_digest(context()))


class TestAnOwnerOfTheDatabase:
    """Whoever owns the tables, and lacks the gate's key."""

    def test_writes_into_the_table_what_was_never_allowed_or_done(self, fresh: Story) -> None:
        denied = fresh.promote(without(sound(), "audit")).listed.entry.seq
        never_done = fresh.promote(sound(), result=None).listed.entry.seq
        owner = Owner(fresh.source)
        for decision in (denied, never_done, 1, 10_000):
            owner.run(delete(allowed))
            owner.run(insert(allowed).values(seq=never_done, decision=decision, sha256=SOUGHT.sha256))
            unusable(fresh, sound())
            assert fresh.intact() == ["the table of what was allowed has 1 more than the rows say"]

    def test_points_the_table_to_other_bytes_that_were_allowed(self, story: Story) -> None:
        other = replace(SOUGHT, digest="ef" * 32)
        Owner(story.source).run(update(allowed).values(sha256=other.sha256))
        altered = [carried(content, model_digest=other.digest) for content in contents(NOW).values()]
        ending = carried(contents(NOW)["audit"], model_digest=other.digest, expires_at=NOW + 5 * DAY)
        pieces = [of("system"), *without(altered, "audit"), ending]
        unusable(story, pieces, subject=replace(SUBJECT, digest=other.digest))
        assert story.intact() == ["the table of what was allowed and row 3 differ"]

    def test_forgets_what_was_allowed(self, story: Story) -> None:
        Owner(story.source).run(delete(allowed))
        story.go_to(LATER)
        assert verdict(story.promote(sound())) == "deny"
        assert story.intact() == ["the table of what was allowed and row 3 differ"]

    @pytest.mark.parametrize("number", [2, 3])
    def test_signs_the_rows_with_a_key_of_their_own_in_the_name_of_the_gate(self, story: Story, number: int) -> None:
        owner = Owner(story.source)
        rows = owner.rows()
        key = gate_key(story.source)
        forged = make_row(open_row(rows[number - 1].body)[0], signing_key("auditor"))
        named = forged.body.replace(signing_key("auditor").key_id.encode(), key.key_id.encode())
        owner.write(*rows[: number - 1], replace(forged, body=named, head=link(forged.prev, named)), *rows[number:])
        unusable(story, sound())

    @pytest.mark.parametrize("number", [2, 3])
    def test_puts_in_a_row_of_another_log_that_the_gate_signed(self, story: Story, number: int) -> None:
        owner = Owner(story.source)
        rows = owner.rows()
        other = make_row(replace(open_row(rows[number - 1].body)[0], log="ab" * 16), gate_key(story.source))
        owner.write(*rows[: number - 1], other, *rows[number:])
        unusable(story, sound())

    @pytest.mark.parametrize("number", [2, 3])
    def test_moves_a_row_to_another_place(self, story: Story, number: int) -> None:
        owner = Owner(story.source)
        rows = owner.rows()
        moved = make_row(replace(open_row(rows[number - 1].body)[0], seq=number + 5), gate_key(story.source))
        owner.write(*rows[: number - 1], replace(moved, seq=number), *rows[number:])
        unusable(story, sound())

    def test_changes_the_input_of_the_decision(self, story: Story) -> None:
        owner = Owner(story.source)
        for number in range(2):
            owner.change_content(number, body=zlib.compress(b"{}"))
        unusable(story, sound())


def test_to_a_decision_whose_input_was_erased(story: Story) -> None:
    erase_row(open_log(story.source), story.last().listed.entry.seq, "request 1")
    refused(story, sound(), "AUD-01 evidence_refused")


def test_to_a_decision_from_whose_input_a_person_was_erased(story: Story) -> None:
    erase_person(open_log(story.source), ["auditor"], "request 2")
    refused(story, sound(), "AUD-01 evidence_refused")


def test_to_what_another_gate_allowed_whose_key_is_not_known_here(story: Story) -> None:
    other = log_source(story.source.file.parent, story.source.url, name="other.key")
    story.gatekeeper = Gatekeeper(replace(story.config, log=other), story.engine)
    story.go_to(LATER)
    assert verdict(story.promote(sound())) == "deny"
