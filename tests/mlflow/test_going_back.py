# SPDX-License-Identifier: Apache-2.0
"""Going back to what was allowed before: what has merely ended since warns, and the decision says so."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import flask
import pytest

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.evidence.carriers import Carried
from qaqpa.mlflow.denial import HEADER, RefusedError
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.log.asked import Result
from qaqpa.record.log.decisions import DecisionLog
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.replay import replay
from qaqpa.report.line import one_line
from support.contents import contents
from support.going_back import DAY, STAGING, Story, audit, of, said, sound, verdict, without
from support.keyring import person
from support.statements import NOW, SUBJECT, carried, everything


@pytest.fixture
def story(tmp_path: Path, engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch) -> Story:
    return Story(tmp_path, engine, monkeypatch)


def test_what_has_merely_ended_since_warns(story: Story) -> None:
    first = story.promote(sound())
    assert verdict(first) == "allow"
    story.go_to(20)
    back = story.promote(sound())
    assert verdict(back) == "allow back"
    assert said(back, "warn") == {"AUD-01 evidence_ended"}
    assert back.document
    number = first.listed.entry.seq
    (ended,) = back.document["rollback"].pop("ended")
    assert (ended["kind"], ended["ended_at"]) == ("audit", times.pair(NOW + 5 * DAY))
    assert back.document["rollback"] == {"decision": number, "allowed_at": times.pair(NOW)}
    assert back.listed.entry.fields["rollback"] == number
    assert story.intact() == []


def test_a_rollback_can_be_replayed_and_is_told_in_every_language(story: Story, engine: EmbeddedEngine) -> None:
    story.promote(sound())
    story.go_to(20)
    back = story.promote(sound())
    assert replay(back, engine).is_same
    assert back.decision
    for language, words in {
        "en": "decision 2 allowed on 23 November 2026, 00:00 UTC. Ended since: audit (28 November 2026, 00:00 UTC).",
        "kk": "кері қайтару",
        "ru": "откат к тому, что разрешило решение № 2",
    }.items():
        assert words in one_line(back.decision, engine.catalog, language)


def test_a_rollback_says_so_in_the_answer_and_in_the_server_s_log(
    story: Story, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    headers = []
    for day in (0, 20):
        story.go_to(day)
        with flask.Flask("test").test_request_context():
            story.admit(sound()).ended(Result.WRITTEN)
            headers.append(flask.current_app.process_response(flask.Response()).headers[HEADER])
    assert headers == ["allow; mode=enforce", "allow; mode=enforce; rollback=2"]
    said = [record.getMessage() for record in caplog.records if "allowed" in record.getMessage()]
    assert [line.partition(":")[2].partition(":")[0].strip() for line in said] == [
        "allowed",
        "allowed as a rollback to decision 2",
    ]
    assert main(["log", "list", "--log", story.source.url]) == 0
    assert "allow (rollback to 2)" in " ".join(capsys.readouterr().out.split())
    assert main(["log", "show", str(story.last().listed.entry.seq), "--log", story.source.url]) == 0
    assert "rollback       to decision 2\n" in capsys.readouterr().out


def test_without_an_earlier_decision_it_denies_as_ever(story: Story) -> None:
    story.go_to(20)
    assert verdict(story.promote(sound())) == "deny"


BY_RULE = {"issued_at": NOW - 175 * DAY, "ends": None}
VALID_UNTIL = {**contents(NOW)["audit"], "valid_until": str((NOW + 4 * DAY).date())}
NAMED = {**contents(NOW)["responsibility"], "persons": [{"id": "trainer", "role": "trainer"}]}
ENDING = {"expires_at": NOW + 5 * DAY}


@pytest.mark.parametrize(
    ("pieces", "warned"),
    [
        pytest.param(sound(audit(**BY_RULE)), {"AUD-01 evidence_ended"}, id="by the age that a rule allows"),
        pytest.param(sound(carried(VALID_UNTIL)), {"AUD-01 validity_ended"}, id="by a day in its content"),
        pytest.param(sound(of("system", **ENDING), audit(ends=None)), set(), id="the context"),
        pytest.param(everything(**ENDING), None, id="everything"),
    ],
)
def test_whatever_ended_warns(story: Story, pieces: list[Carried], warned: set[str] | None) -> None:
    first = story.promote(pieces)
    assert verdict(first) == "allow"
    story.go_to(20)
    back = story.promote(pieces)
    assert verdict(back) == "allow back"
    if warned is not None:
        assert said(back, "warn") == warned
    assert back.document
    assert bool(back.document["rollback"]["ended"]) == (warned != {"AUD-01 validity_ended"})
    assert back.document["context_digest"] == (first.document or {})["context_digest"]


def test_a_key_that_has_ended_since_still_counts_for_what_the_gate_saw_before(story: Story) -> None:
    person(story.people, "auditor")["keys"][0]["valid_until"] = times.render(NOW + 5 * DAY)
    story.write_parties()
    pieces = sound(audit(ends=None))
    assert verdict(story.promote(pieces)) == "allow"
    story.go_to(20)
    back = story.promote(pieces)
    assert (verdict(back), said(back, "warn")) == ("allow back", {"AUD-01 evidence_ended", "AUD-03 evidence_ended"})


def test_who_trained_the_model_is_known_by_a_statement_that_has_ended_since(story: Story) -> None:
    nobody = replace(SUBJECT, people=())
    pieces = sound(carried(NAMED, **ENDING), audit(ends=None))
    assert verdict(story.promote(pieces, nobody)) == "allow"
    story.go_to(20)
    assert verdict(story.promote(pieces, nobody)) == "allow back"


def test_who_trained_the_model_is_known_by_a_statement_whose_key_has_ended_since(story: Story) -> None:
    person(story.people, "owner")["keys"][0]["valid_until"] = times.render(NOW + 5 * DAY)
    story.write_parties()
    nobody = replace(SUBJECT, people=())
    pieces = sound(carried(NAMED), audit(ends=None))
    assert verdict(story.promote(pieces, nobody)) == "allow"
    story.go_to(20)
    assert verdict(story.promote(pieces, nobody)) == "allow back"


def test_a_model_goes_back_in_staging_too(story: Story) -> None:
    pieces = [*without(everything(stage=STAGING.stage), "audit"), audit(stage=STAGING.stage)]
    assert verdict(story.promote(pieces, gate=STAGING)) == "allow"
    story.go_to(20)
    assert verdict(story.promote(pieces, gate=STAGING)) == "allow back"


def test_the_newest_of_several_decisions_counts(story: Story) -> None:
    story.promote(sound())
    story.go_to(2)
    second = story.promote(sound())
    story.go_to(20)
    back = story.promote(sound())
    assert back.listed.entry.fields["rollback"] == second.listed.entry.seq


def test_only_what_may_have_ended_is_looked_up(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: Any) -> None:
        raise LogError("nobody is to ask")

    monkeypatch.setattr(DecisionLog, "last_allowed", lost)
    assert verdict(story.promote(sound())) == "allow"
    assert verdict(story.promote(without(sound(), "audit"))) == "deny"
    assert verdict(story.promote(sound(audit("negative")))) == "deny"
    story.go_to(20)
    before = story.last().listed.entry.seq
    with pytest.raises(RefusedError) as caught:
        story.admit(sound())
    assert caught.value.json_kwargs["qaqpa"]["problems"][0]["code"] == "log_unusable"
    assert story.last().listed.entry.seq == before, "a log that cannot be read keeps nothing"
