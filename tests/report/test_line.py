# SPDX-License-Identifier: Apache-2.0
"""The line that a refusal is: what it says first, and how long it gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qaqpa.gate import decide
from qaqpa.model import Decision, Problem, Separation, Settings, Subject
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report.line import one_line
from support.statements import SUBJECT, everything, request

NOBODY = Settings(separation_of_duties=Separation.REQUIRED)


def _all_missing(engine: EmbeddedEngine, **changes: Any) -> Decision:
    return decide(request([], profiles=("article-baseline", "gdpr", "eu-ai-act-high-risk"), **changes), engine)


@pytest.mark.parametrize("code", ["parties_missing", "parties_expired", "parties_unreadable", "parties_signatures"])
def test_a_parties_file_that_is_not_in_force_is_told_before_what_follows_from_it(
    engine: EmbeddedEngine, code: str
) -> None:
    asked = replace(request(everything(), trust=None, settings=NOBODY), problems=(Problem(code, "Why."),))
    decision = decide(asked, engine)
    assert [problem["code"] for problem in decision.problems][:1] == ["actor_unknown"]
    line = one_line(decision, engine.catalog)
    assert line.index("arties file") < line.index("nobody is known")
    assert "1) The parties file" in line or "1) There is no parties file" in line


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "1) No parties file is configured, so nobody's signature counts"),
        ("kk", "1) Конфигурацияда қатысушылар файлы көрсетілмеген"),
        ("ru", "1) В конфигурации нет файла участников"),
    ],
)
def test_where_no_parties_file_is_configured_that_is_told_first(
    engine: EmbeddedEngine, language: str, said: str
) -> None:
    decision = decide(request(everything(), trust=None, settings=NOBODY), engine)
    assert said in one_line(decision, engine.catalog, language, has_parties=False)
    assert said not in one_line(decision, engine.catalog, language)


def test_of_very_much_that_lacks_the_first_are_told_how_many_more_and_where_to_read_them(
    engine: EmbeddedEngine,
) -> None:
    line = one_line(_all_missing(engine), engine.catalog)
    assert len(line) < 1000
    assert line.index("Requirements not met: 30 of 33.") < line.index("To see all: `qaqpa check models:/")
    assert line.index("To see all") < line.index("1) Missing evidence")
    assert "logging (DOC-03, model owner), and 21 more." in line
    assert "audit (AUD-01, independent auditor)" in line


def test_of_a_version_that_no_command_can_check_yet_all_is_told(engine: EmbeddedEngine) -> None:
    unborn = Subject(SUBJECT.name, "", SUBJECT.digest)
    line = one_line(_all_missing(engine, subject=unborn), engine.catalog)
    assert "To see all" not in line
    assert "explanation (TRN-02, ML engineer)" in line
