# SPDX-License-Identifier: Apache-2.0
"""JUnit: each requirement is a case, and others read the file as it is meant."""

from __future__ import annotations

from dataclasses import replace

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase

from qaqpa.gate import decide
from qaqpa.model import Problem
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report import junit
from qaqpa.report.judged import Judged, Review
from support.reports import ALL_PROFILES, EXAMPLES, of_directory, review_of, unplaced, waived
from support.statements import everything, request


def read(report: Judged | Review, engine: EmbeddedEngine) -> JUnitXml:
    return JUnitXml.fromstring(junit.render(report, engine.catalog).encode())


def cases(report: Judged | Review, engine: EmbeddedEngine) -> dict[str, TestCase]:
    return {case.name.split(" ")[0]: case for suite in read(report, engine) for case in suite}


def test_each_requirement_is_a_case_with_its_result(engine: EmbeddedEngine) -> None:
    judged = of_directory(engine, EXAMPLES / "recruitment" / "failing", profiles=ALL_PROFILES)
    found = cases(judged, engine)
    by_status = {own["control"]: own["status"] for own in judged.decision.findings}
    assert set(found) == set(by_status)
    kinds = {control: type(case.result[0]) if case.result else None for control, case in found.items()}
    expected = {"pass": None, "warn": None, "fail": Failure, "not_applicable": Skipped}
    assert kinds == {control: expected[status] for control, status in by_status.items()}
    assert {"pass", "warn", "fail", "not_applicable"} == set(by_status.values())
    (failure,) = found["AUD-01"].result
    assert (failure.type, failure.message) == (
        "validity_ended",
        "The conclusion of the audit was valid until 30 October 2026.",
    )
    for part in ("evidence/audit.yaml:", "Required: ", "Because: ", "To mend: "):
        assert part in failure.text
    assert "Nobody on the commission covers: psychology." in found["AUD-02"].system_out
    assert (
        "the context says so in" in next(case for case in found.values() if kinds_of(case) is Skipped).result[0].message
    )


def kinds_of(case: TestCase) -> type | None:
    return type(case.result[0]) if case.result else None


def test_the_counts_are_those_of_the_cases(engine: EmbeddedEngine) -> None:
    report = read(review_of(waived(engine), unplaced(decide(request([]), engine))), engine)
    written = (report.tests, report.failures, report.errors, report.skipped)
    report.update_statistics()
    assert written == (report.tests, report.failures, report.errors, report.skipped)
    assert written == (46, 2 + 23, 0, 1)
    assert len(list(report)) == 2


def test_what_is_waived_is_skipped_with_the_reason(engine: EmbeddedEngine) -> None:
    (skipped,) = cases(waived(engine), engine)["AUD-01"].result
    for said in ("No auditor is free.", "RISK-1", "3 December 2026"):
        assert said in skipped.message


def test_what_was_not_decided_is_an_error(engine: EmbeddedEngine) -> None:
    asked = replace(request(everything()), problems=[Problem("bytes_missing", "No model/.")])
    found = cases(unplaced(decide(asked, engine)), engine)
    (error,) = found["bytes_missing"].result
    assert isinstance(error, Error)
    assert "No model/." in error.message
    assert read(unplaced(decide(asked, engine)), engine).errors == 1


def test_characters_that_xml_cannot_hold_are_replaced(engine: EmbeddedEngine) -> None:
    evil = "".join(map(chr, range(32))) + "\x7f\ud800\ufffe\uffff]]><b a=\"'&"
    judged = waived(engine, reason="x")
    hostile = Judged(judged.decision, evil, judged.places)
    suite = next(iter(read(hostile, engine)))
    target = next(own.value for own in suite.properties() if own.name == "target")
    assert target.endswith("]]><b a=\"'&")
