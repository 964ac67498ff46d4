# SPDX-License-Identifier: Apache-2.0
"""What stands at the end of a report: thresholds that were set, and places whose law was or was not asked."""

from __future__ import annotations

from dataclasses import replace

from qaqpa.gate import decide
from qaqpa.model import Decision
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report import footer
from qaqpa.report.texts import Texts
from support.contents import context
from support.statements import carried, request


def about(engine: EmbeddedEngine, *profiles: str, places: list[str] | None = None) -> Decision:
    known = {} if places is None else {"jurisdictions": places}
    return decide(request([carried(context(**known))], profiles=profiles), engine)


def test_a_threshold_stands_beside_that_of_the_card(engine: EmbeddedEngine) -> None:
    asked = request([carried(context())], profiles=["article-baseline"])
    settings = replace(asked.settings, thresholds={"TRN-01": {"max_age_days": 700}})
    decision = decide(replace(asked, settings=settings), engine)
    assert footer.thresholds(decision, Texts(engine.catalog)) == [
        "Thresholds set by the configuration: TRN-01 max_age_days 700 (the card says 365)"
    ]


def test_nothing_is_said_of_thresholds_that_nobody_set(engine: EmbeddedEngine) -> None:
    assert footer.thresholds(about(engine, "kz"), Texts(engine.catalog)) == []


def test_a_place_whose_law_nobody_asked_for_is_named(engine: EmbeddedEngine) -> None:
    (line,) = footer.places(about(engine, "kz", places=["EU", "KZ"]), Texts(engine.catalog))
    assert line.startswith("The context names EU, and no profile of its law was asked")


def test_a_profile_whose_place_the_context_does_not_name_is_named(engine: EmbeddedEngine) -> None:
    decision = about(engine, "gdpr", "article-baseline", "kz", places=["KZ"])
    assert list(footer.places(decision, Texts(engine.catalog))) == [
        "The profile gdpr asks what the law of EU asks, and the context does not name that place."
    ]
    assert list(footer.places(about(engine, "gdpr", "kz", places=["EU", "KZ"]), Texts(engine.catalog))) == []
