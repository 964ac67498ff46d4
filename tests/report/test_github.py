# SPDX-License-Identifier: Apache-2.0
"""Annotations: at most what GitHub shows, the worst first, and no text that becomes a command."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from qaqpa.gate import decide
from qaqpa.model import Problem
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report import github
from qaqpa.report.judged import Comparison, Judged, Review
from support.reports import EXAMPLES, LOW, of_directory, review_of, unplaced, waived
from support.statements import everything, request

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def annotations(report: Judged | Review, engine: EmbeddedEngine) -> list[tuple[str, dict[str, str], str]]:
    found = []
    for line in github.render(report, engine.catalog).splitlines():
        match = COMMAND.fullmatch(line)
        assert match, line
        found.append((match[1], dict(part.split("=", 1) for part in match[2].split(",")), match[3]))
    return found


def test_a_violation_is_shown_on_its_line_with_its_four_parts(
    engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(EXAMPLES.parent)
    level, properties, message = annotations(of_directory(engine, "examples/credit-scoring/failing"), engine)[0]
    assert level == "error"
    assert properties["file"] == "examples/credit-scoring/failing/evidence/bias.yaml"
    assert (properties["line"], properties["col"]) == ("7", "3")
    assert properties["title"] == "NDQ-02/selection_ratio_low%3A Bias test across protected groups"
    assert "45.6 %25 (77 of 169)" in message
    for label in ("%0ARequired: ", "%0ABecause: ", "%0ATo mend: "):
        assert label in message


def test_no_more_than_github_shows_and_the_rest_is_counted(engine: EmbeddedEngine) -> None:
    judged = unplaced(decide(request([]), engine))
    found = annotations(judged, engine)
    assert [level for level, _, _ in found] == ["error"] * 10 + ["notice"]
    assert found[-1][2] == "13 more are not shown here; the other reports of this run have all."
    many = review_of(*[waived(engine)] * 12)
    levels = [level for level, _, _ in annotations(many, engine)]
    assert {level: levels.count(level) for level in levels} == {"error": 10, "notice": 10}
    assert annotations(many, engine)[-1][2].startswith(f"{12 * 3 - 19} more")


def test_exactly_as_many_as_github_shows_need_no_notice(engine: EmbeddedEngine) -> None:
    ten = replace(request(everything()), problems=[Problem("digest_failed", str(number)) for number in range(10)])
    assert [level for level, _, _ in annotations(unplaced(decide(ten, engine)), engine)] == ["error"] * 10


def test_what_is_new_is_shown_before_what_was_there(engine: EmbeddedEngine) -> None:
    old = unplaced(decide(request([]), engine))
    new = of_directory(
        engine,
        EXAMPLES / "credit-scoring" / "failing",
        comparison=Comparison(existed=True, base_verdict="allow", new=(LOW,)),
    )
    first = annotations(review_of(old, new), engine)[0]
    assert first[1]["title"].startswith("NDQ-02/selection_ratio_low")


def test_nothing_is_annotated_where_nothing_stands_in_the_way(engine: EmbeddedEngine) -> None:
    assert github.render(unplaced(decide(request(everything()), engine)), engine.catalog) == ""


@pytest.mark.parametrize(
    "evil", ["x\n::add-mask::y", "x\r\n::stop-commands::z", "%0A::error::q", "a::b", "##[add-mask]x", "c,file=d:e"]
)
def test_evidence_issues_no_command(engine: EmbeddedEngine, evil: str) -> None:
    asked = replace(
        request([], subject=replace(request([]).subject, name=evil)), problems=[Problem("digest_failed", evil)]
    )
    written = github.render(unplaced(decide(asked, engine)), engine.catalog)
    assert "##[" not in written
    assert "\r" not in written
    for line in written.splitlines():
        assert re.match(r"::(error|notice) title=[^:,]*::", line), line
    assert github.command("error", evil, title=evil).count("\n") == 0
    assert "%250A" in github.command("error", "%0A")
