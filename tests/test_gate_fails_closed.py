# SPDX-License-Identifier: Apache-2.0
"""The gate: nothing that goes wrong, and no engine that lies, gives an allow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from qaqpa.documents import validator
from qaqpa.errors import QaqpaError, UndecidedError, UsageError
from qaqpa.gate import decide
from qaqpa.model import Answer, Evidence, Settings, Strength, Subject, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from support.contents import contents
from support.engine import FakeEngine
from support.statements import NOW, carried, everything, request

ALL = contents(NOW)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UndecidedError("The engine is down", mend="Start it"), "engine_failed", "To mend: Start it."),
        (UsageError("odd"), "engine_failed", "odd."),
        (QaqpaError("odd"), "engine_failed", "odd."),
        (RuntimeError("secret path"), "gate_failed", "The gate failed; its log says why."),
        (RecursionError(), "gate_failed", "The gate failed"),
        (MemoryError(), "gate_failed", "The gate failed"),
        (KeyError("verdict"), "gate_failed", "The gate failed"),
        (AssertionError(), "gate_failed", "The gate failed"),
    ],
)
def test_an_engine_that_fails_leaves_it_undecided(
    engine: EmbeddedEngine, error: Exception, code: str, said: str
) -> None:
    def fail(_document: object) -> None:
        raise error

    asked = replace(request([*everything(), carried({**ALL["audit"]}, context_digest="x")]), problems=[])
    decision = decide(asked, FakeEngine(engine, fail))
    assert decision.verdict is Verdict.UNDECIDED
    assert [problem["code"] for problem in decision.problems] == [code]
    assert said in decision.problems[0]["detail"]
    assert "secret path" not in str(decision.document)
    assert list(validator("decision").iter_errors(decision.document)) == []
    assert decision.document["rejected"][0]["code"] == "other_context"
    assert (decision.findings, decision.engine) == ([], "fake")


def _finding(document: dict[str, Any], control: str = "AUD-01") -> dict[str, Any]:
    return next(finding for finding in document["findings"] if finding["control"] == control)


def _drop(document: dict[str, Any]) -> None:
    document["findings"] = [finding for finding in document["findings"] if finding["control"] != "AUD-01"]
    document["verdict"] = "allow"


def _violations_without_failing(document: dict[str, Any]) -> None:
    _finding(document).update(status="pass")
    document["verdict"] = "allow"


def _warn_instead_of_fail(document: dict[str, Any]) -> None:
    _finding(document).update(status="warn")
    document["verdict"] = "allow"


def _forget_violations(document: dict[str, Any]) -> None:
    _finding(document).update(status="pass", violations=[])
    document["verdict"] = "allow"


def _wave_through(document: dict[str, Any]) -> None:
    _finding(document).update(status="not_applicable", violations=[], not_applicable_because=["waived_by_me"])
    document["verdict"] = "allow"


def _waive(document: dict[str, Any]) -> None:
    _finding(document).update(status="waived")
    document["verdict"] = "allow"


def _repeat(document: dict[str, Any]) -> None:
    document["findings"] = [dict(_finding(document, "AUD-02")), *document["findings"][1:]]
    document["verdict"] = "allow"


LIES: list[Callable[[dict[str, Any]], object]] = [
    lambda document: document.update(verdict="allow"),
    lambda document: document.update(verdict="allow", findings=[]),
    _drop,
    _violations_without_failing,
    _warn_instead_of_fail,
    _forget_violations,
    _wave_through,
    _waive,
    _repeat,
]


@pytest.mark.parametrize("lie", LIES)
def test_an_allow_that_does_not_follow_is_not_believed(
    engine: EmbeddedEngine, lie: Callable[[dict[str, Any]], object]
) -> None:
    denied = request([piece for piece in everything() if piece.kind != "audit"])
    decision = decide(denied, FakeEngine(engine, lie))
    assert decision.verdict is Verdict.UNDECIDED
    assert [problem["code"] for problem in decision.problems] == ["engine_failed"]


SPOILED: list[Callable[[dict[str, Any]], object]] = [
    lambda document: document.update(stage="review"),
    lambda document: document.update(now={"text": "2026-01-01T00:00:00Z", "seconds": 1767225600}),
    lambda document: document["subject"].update(name="other"),
    lambda document: document["subject"].update(version="8"),
    lambda document: document["subject"].update(digest="cd" * 32),
    lambda document: document.update(context_digest="cd" * 32),
    lambda document: document.update(context_digest=None),
    lambda document: document["settings"].update(minimum_strength="signed"),
    lambda document: document["settings"].update(thresholds={"TRN-01": {"max_age_days": 1}}),
    lambda document: document.update(profiles=["kz"]),
    lambda document: document.update(profiles=[]),
    lambda document: document.update(verdict="deny"),
    lambda document: document.update(verdict="yes"),
    lambda document: document.update(schema="urn:qaqpa:schema:decision:v2"),
    lambda document: document.update(extra=1),
    lambda document: document.pop("problems") and None,
    lambda document: document["findings"].reverse(),
    lambda document: document["findings"].append(document["findings"][0]),
    lambda document: document["findings"][0].update(profiles=["kz"]),
    lambda document: document["findings"][0].update(evidence=["f" * 64]),
    lambda document: document["findings"][0].update(status="undecided"),
    lambda document: document["findings"][0].update(control="XYZ-01"),
    lambda document: [document],
    lambda _document: "allow",
    lambda _document: {"verdict": "allow"},
    lambda _document: {},
    lambda _document: 5,
    lambda _document: float("nan"),
    lambda _document: object(),
]


@pytest.mark.parametrize("spoil", SPOILED)
def test_an_allow_with_anything_else_than_what_was_asked_is_not_believed(
    engine: EmbeddedEngine, spoil: Callable[[dict[str, Any]], object]
) -> None:
    def nothing_returned(document: dict[str, Any]) -> object:
        other = spoil(document)
        return None if other is None or other == [] else other

    assert decide(request(everything()), FakeEngine(engine, lambda _document: None)).verdict is Verdict.ALLOW
    decision = decide(request(everything()), FakeEngine(engine, nothing_returned))
    assert decision.verdict is Verdict.UNDECIDED
    assert len(decision.problems) == 1


def test_a_refusal_that_the_engine_leaves_out_is_noticed(engine: EmbeddedEngine) -> None:
    asked = request([*everything(), carried(ALL["bias"], model_digest="cd" * 32)])
    decision = decide(asked, FakeEngine(engine, lambda document: document["rejected"].clear()))
    assert decision.verdict is Verdict.UNDECIDED
    assert decision.document["rejected"][0]["code"] == "other_model"


def test_an_answer_of_other_policies_is_not_believed(engine: EmbeddedEngine) -> None:
    class Stranger(FakeEngine):
        def evaluate(self, document: Any) -> Answer:
            return replace(super().evaluate(document), policy_digest="0" * 64)

    decision = decide(request(everything()), Stranger(engine, lambda _document: None))
    assert decision.verdict is Verdict.UNDECIDED
    assert decision.policy_digest == engine.policy_digest


@pytest.mark.parametrize(
    "change",
    [
        {"now": datetime(2026, 11, 23)},  # noqa: DTZ001 - a time without zone is the point
        {"profiles": [5]},
        {"subject": Subject(name="")},
        {"context": {"affects_rights": "no"}},
        {"evidence": [Evidence("nonsense", "id", Strength.DECLARED, {}, "here")]},
        {"evidence": [Evidence("audit", "id", Strength.DECLARED, {}, "here")]},
        {"settings": Settings(thresholds={"TRN-01": {"max_age_days": float("inf")}})},
        {"settings": Settings(thresholds={"TRN-01": 5})},
        {"evidence": None},
    ],
)
def test_a_request_that_is_none_is_undecided_and_raises_nothing(engine: EmbeddedEngine, change: dict[str, Any]) -> None:
    asked = request(everything())
    broken = {"evidence": [*asked.evidence], **change}
    if isinstance(change.get("evidence"), list):
        broken["evidence"] = [*asked.evidence, *change["evidence"]]
    decision = decide(replace(asked, **broken), engine)
    assert decision.verdict is Verdict.UNDECIDED
    assert decision.problems
