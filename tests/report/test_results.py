# SPDX-License-Identifier: Apache-2.0
"""The one list of what stands in the way: its order, its levels, and fingerprints that outlive edits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qaqpa.gate import decide
from qaqpa.model import Problem
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report.judged import Comparison, Judged, Place
from qaqpa.report.results import LEVELS, Result, counted, results
from qaqpa.report.strings import LANGUAGES
from qaqpa.report.texts import Texts
from support.reports import EXAMPLES, LOW, of_directory, unplaced, waived
from support.statements import everything, request

FAILING = EXAMPLES / "credit-scoring" / "failing"


def listed(judged: Judged, engine: EmbeddedEngine, language: str = "en") -> list[Result]:
    return results(judged, Texts(engine.catalog, language))


def test_what_denies_stands_first_and_each_says_its_four_parts(engine: EmbeddedEngine) -> None:
    found = listed(of_directory(engine, FAILING), engine)
    assert [(one.name, one.level) for one in found] == [
        ("NDQ-02/selection_ratio_low", "error"),
        ("NDQ-02/wrongly_refused_gap", "error"),
        ("NDQ-01/data_old", "warning"),
        ("NDQ-01/label_quality_unmeasured", "warning"),
        ("NDQ-02/error_rate_small", "warning"),
        ("TRN-02/comprehension_missing", "warning"),
    ]
    assert all(one.message and one.required and one.because and one.mend and one.actor and one.place for one in found)
    assert counted(found) == {"error": 2, "warning": 4, "note": 0}


def test_a_problem_comes_before_everything(engine: EmbeddedEngine) -> None:
    asked = replace(request([]), problems=[Problem("digest_failed", "x"), Problem("busy", "y")])
    found = listed(unplaced(decide(asked, engine)), engine)
    assert [(one.code, one.status, one.level) for one in found[:2]] == [
        ("busy", "problem", "error"),
        ("digest_failed", "problem", "error"),
    ]
    assert [LEVELS.index(one.level) for one in found] == sorted(LEVELS.index(one.level) for one in found)


def test_what_is_waived_is_a_note_with_its_waiver(engine: EmbeddedEngine) -> None:
    judged = waived(engine)
    found = listed(judged, engine)
    (note,) = [one for one in found if one.level == "note"]
    finding = next(own for own in judged.decision.findings if own["control"] == "AUD-01")
    assert (note.name, note.status) == ("AUD-01/evidence_missing", "waived")
    assert note.waivers == (finding["waivers"][0]["id"],)
    assert found[-1] == note
    assert all(not one.waivers for one in found[:-1])


def test_evidence_that_was_refused_is_told_with_the_reason_and_not_twice(engine: EmbeddedEngine) -> None:
    found = [one for one in listed(waived(engine), engine) if "bias" in one.message]
    (refused,) = found
    assert refused.name == "NDQ-02/evidence_refused"
    assert "This is not JSON" in refused.message
    assert refused.mend.startswith("Make it again with `qaqpa attest`")


def test_a_fingerprint_outlives_other_lines_words_days_and_languages(engine: EmbeddedEngine, tmp_path: Path) -> None:
    first = listed(of_directory(engine, FAILING), engine)
    assert len({one.fingerprint for one in first}) == len(first)
    for language in LANGUAGES:
        again = listed(of_directory(engine, FAILING), engine, language)
        assert [one.fingerprint for one in again] == [one.fingerprint for one in first]
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for path in FAILING.rglob("*"):
        if path.is_file():
            (copy / path.relative_to(FAILING)).parent.mkdir(parents=True, exist_ok=True)
            (copy / path.relative_to(FAILING)).write_bytes(path.read_bytes())
    bias = copy / "evidence" / "bias.yaml"
    text = bias.read_text("utf-8").replace("  selected: 77\n", "  selected: 78\n")
    assert text != bias.read_text("utf-8")
    bias.write_text(f"# A line more.\n{text}", encoding="utf-8")
    moved = {one.fingerprint: one for one in listed(of_directory(engine, copy), engine)}
    same = next(one for one in first if one.code == "selection_ratio_low")
    assert moved[same.fingerprint].message != same.message
    assert moved[same.fingerprint].place == Place(str(bias), 8, 3)


def test_another_model_has_other_fingerprints(engine: EmbeddedEngine) -> None:
    first = {one.fingerprint for one in listed(unplaced(decide(request([]), engine)), engine)}
    other = request([], subject=replace(request([]).subject, name="other"))
    assert not first & {one.fingerprint for one in listed(unplaced(decide(other, engine)), engine)}


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        (None, {""}),
        (Comparison(existed=True, base_verdict="allow"), {"known"}),
        (Comparison(existed=True, base_verdict="allow", new=(LOW,)), {"new", "known"}),
        (Comparison(existed=False, base_verdict=""), {"new"}),
    ],
)
def test_what_is_new_against_the_base_is_marked_and_comes_first(
    engine: EmbeddedEngine, comparison: Comparison | None, expected: set[str]
) -> None:
    found = listed(of_directory(engine, FAILING, comparison=comparison), engine)
    assert {one.change for one in found} == expected
    assert found[0].code == "selection_ratio_low"


def test_nothing_stands_in_the_way_of_what_is_allowed(engine: EmbeddedEngine) -> None:
    assert listed(unplaced(decide(request(everything()), engine)), engine) == []
