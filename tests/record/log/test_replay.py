# SPDX-License-Identifier: Apache-2.0
"""A recorded decision made again: the same document, or why that cannot be told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qaqpa.errors import UndecidedError
from qaqpa.model import Decision
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.log.listing import recorded
from qaqpa.record.log.opening import open_log
from qaqpa.record.log.replay import replay
from support.engine import FakeEngine
from support.logs import asked, log_source, made


@pytest.mark.parametrize("evidence", [True, False])
def test_it_is_the_same_document(tmp_path: Path, engine: EmbeddedEngine, evidence: bool) -> None:  # noqa: FBT001
    decision = made(engine, evidence=evidence)
    log = open_log(log_source(tmp_path))
    found = recorded(log.database, log.decided(asked(decision)))
    again = replay(found, engine)
    assert again.is_same
    assert again.decision.document == decision.document


def test_another_document_is_told_with_what_differs(tmp_path: Path, engine: EmbeddedEngine, decision: Decision) -> None:
    forged = {**decision.document, "verdict": "deny"}
    log = open_log(log_source(tmp_path))
    found = recorded(log.database, log.decided(asked(replace(decision, document=forged))))
    again = replay(found, engine)
    assert (again.is_same, again.differences) == (False, ("verdict",))


def test_other_policies_are_refused(tmp_path: Path, engine: EmbeddedEngine, decision: Decision) -> None:
    log = open_log(log_source(tmp_path))
    found = recorded(log.database, log.decided(asked(replace(decision, policy_digest="ab" * 32))))
    with pytest.raises(UndecidedError, match="These are the policies"):
        replay(found, engine)


def test_a_decision_that_no_policies_made_cannot_be_made_again(tmp_path: Path, engine: EmbeddedEngine) -> None:
    broken = made(FakeEngine(engine, lambda document: document.clear()))  # type: ignore[arg-type]
    assert broken.problems[0]["code"] == "engine_failed"
    log = open_log(log_source(tmp_path))
    found = recorded(log.database, log.decided(asked(broken)))
    with pytest.raises(UndecidedError, match="No policies made this decision"):
        replay(found, engine)


def test_where_nothing_was_decided_there_is_nothing_to_make_again(tmp_path: Path, engine: EmbeddedEngine) -> None:
    log = open_log(log_source(tmp_path))
    with pytest.raises(UndecidedError, match="no decision that could be made"):
        replay(recorded(log.database, log.decided(asked(None))), engine)
