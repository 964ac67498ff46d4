# SPDX-License-Identifier: Apache-2.0
"""Why a finding is one: profile, provision, strength, how its text was read, and from which day it denies."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from qaqpa.gate import decide
from qaqpa.model import Decision, JsonObject
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report.because import reasons, unverified
from qaqpa.report.line import one_line
from qaqpa.report.texts import Texts
from support.contents import context
from support.statements import NOW, carried, every_content, everything_of_all_profiles, request


def lines_of(*arguments: Any) -> list[str]:
    return [reason.line for reason in reasons(*arguments)]


def about(engine: EmbeddedEngine, *profiles: str, now: datetime = NOW, **changes: object) -> Decision:
    """A decision about a system of which only the context is known."""
    return decide(request([carried(context(**changes), issued_at=now)], now=now, profiles=profiles), engine)


def found(decision: Decision, control: str) -> JsonObject:
    return next(finding for finding in decision.findings if finding["control"] == control)


def test_each_profile_that_asks_is_named_with_its_provision_and_those_that_deny_first(engine: EmbeddedEngine) -> None:
    decision = about(engine, "article-baseline", "kz", "eu-ai-act-high-risk")
    lines = lines_of(found(decision, "SRS-01"), decision, Texts(engine.catalog))
    assert [line.split(":")[0] for line in lines] == ["article-baseline", "kz", "eu-ai-act-high-risk"]
    assert lines[0].endswith("(derived from it)")
    assert "Art. 18(1)" in lines[1]
    assert "the provision requires it" in lines[1]
    assert "text not verified: read second-hand only" in lines[2]
    assert "warns, and denies from 2 December 2027" in lines[2]


@pytest.mark.parametrize(("language", "day"), [("kk", "2027 жылғы 2 желтоқсан"), ("ru", "2 декабря 2027 г.")])
def test_the_day_has_the_form_of_the_language(engine: EmbeddedEngine, language: str, day: str) -> None:
    decision = about(engine, "eu-ai-act-high-risk")
    (line,) = lines_of(found(decision, "SRS-01"), decision, Texts(engine.catalog, language))
    assert day in line


def test_what_the_configuration_raised_says_so_and_from_when_it_would_deny(engine: EmbeddedEngine) -> None:
    asked = request([carried(context())], profiles=["eu-ai-act-high-risk", "kz"])
    settings = replace(asked.settings, raised=("SRS-01", "HOV-03"))
    decision = decide(replace(asked, settings=settings), engine)
    texts = Texts(engine.catalog)
    kz, eu = sorted(lines_of(found(decision, "SRS-01"), decision, texts), reverse=True)
    assert "raised" not in kz
    assert eu.endswith("raised to a denial by the configuration; it would deny from 2 December 2027)")
    kz = next(line for line in lines_of(found(decision, "HOV-03"), decision, texts) if line.startswith("kz"))
    assert kz.endswith("raised to a denial by the configuration)")


def test_a_provision_that_has_to_be_read_again_says_so(engine: EmbeddedEngine) -> None:
    texts = Texts(engine.catalog)
    assert texts.reservations("kz-ai", "art-17-1") == ["to be read again: its wording may have changed since"]
    assert texts.reservations("kz-ai", "art-9") == []


def test_what_is_only_ours_says_so_and_for_which_violation(engine: EmbeddedEngine) -> None:
    old = {**every_content(NOW)["security"], "assessed_on": "2024-01-01"}
    pieces = [piece for piece in everything_of_all_profiles() if piece.kind != "security"]
    decision = decide(request([*pieces, carried(old)], profiles=["kz"]), engine)
    finding = found(decision, "SRS-03")
    assert finding["status"] == "warn"
    (line,) = lines_of(finding, decision, Texts(engine.catalog))
    assert line.startswith("kz: our own default, set for: AI Law of Kazakhstan, Art. 15(2)(2)")
    assert line.endswith("(only warns)")


def test_what_rests_on_no_provision_at_all_says_so(engine: EmbeddedEngine) -> None:
    decision = about(engine, "article-baseline", affects_rights=True)
    finding = {**found(decision, "IMP-03"), "control": "DOC-04"}
    (line,) = lines_of(finding, decision, Texts(engine.catalog))
    assert line == "article-baseline: our own default: no provision of this profile asks for exactly this"


def test_the_line_says_where_nothing_was_read_at_its_source(engine: EmbeddedEngine) -> None:
    prohibited = {**every_content(NOW)["eu_screen"]}
    prohibited["items"] = [
        {"point": item["point"], "answer": "yes" if item["point"] == "c" else "no"} for item in prohibited["items"]
    ]
    pieces = [piece for piece in everything_of_all_profiles() if piece.kind != "eu_screen"]
    decision = decide(request([*pieces, carried(prohibited)], profiles=["eu-ai-act-high-risk"]), engine)
    violation = found(decision, "PRO-02")["violations"][0]
    assert unverified("PRO-02", violation, decision, Texts(engine.catalog))
    assert "(It rests on a provision whose text was not verified.)" in one_line(decision, engine.catalog)
    assert "текст которой не сверен" in one_line(decision, engine.catalog, "ru")


def test_the_line_says_nothing_where_a_provision_was_read(engine: EmbeddedEngine) -> None:
    late = {**every_content(NOW)["human_review"], "answer_working_days": 9}
    pieces = [piece for piece in everything_of_all_profiles() if piece.kind != "human_review"]
    decision = decide(request([*pieces, carried(late)], profiles=["kz"]), engine)
    assert found(decision, "CON-02")["status"] == "fail"
    assert "not verified" not in one_line(decision, engine.catalog)
