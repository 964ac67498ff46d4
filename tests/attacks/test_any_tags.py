# SPDX-License-Identifier: Apache-2.0
"""Tags that a plain MLflow client sets, whatever they hold, never turn a `deny` into an `allow`.

The last tests make holes in the gate, and show that each would be found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from attacks.forgeries import NEEDED, PARTIES, REPLAYS, SOUND, STARTS, Start, holds
from attacks.spoiling import OTHER_TAGS, additions, spoiled
from qaqpa.evidence.carriers import TAG_PREFIX, carried_in_tags
from qaqpa.evidence.contexts import Candidate
from qaqpa.evidence.statement import Statement
from qaqpa.gate import decide, request_about
from qaqpa.model import Decision, Settings, Stage, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from support.statements import NOW, SUBJECT, Known, tags

TRUST = Known(PARTIES)
LARGE: dict[str, Any] = {"suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


def attacked(starts: Sequence[Start]) -> st.SearchStrategy[tuple[Start, dict[str, str]]]:
    """One of some starts, and what is added to it."""
    return st.sampled_from(starts).flatmap(lambda start: st.tuples(st.just(start), additions(start.missing)))


@st.composite
def pulled_apart(draw: st.DrawFn) -> dict[str, str]:
    """The sound tags, some of them removed, moved or spoiled, with others beside them."""
    touched = draw(st.sets(st.sampled_from(NEEDED), max_size=2))
    found = tags(piece for name, piece in SOUND.items() if name not in touched)
    for name in sorted(touched):
        text = draw(st.none() | st.just(SOUND[name].text) | st.sampled_from(REPLAYS[name]) | spoiled(name))
        if text is not None:
            found[draw(st.sampled_from([f"{TAG_PREFIX}{name}.0", f"{TAG_PREFIX}0", *OTHER_TAGS]))] = text
    return {**draw(additions("system")), **found}


def ask(engine: EmbeddedEngine, found: Mapping[str, str]) -> Decision:
    asked = request_about(
        SUBJECT,
        carried_in_tags(found),
        stage=Stage.PRODUCTION,
        profiles=["article-baseline"],
        settings=Settings(),
        now=NOW,
        trust=TRUST,
    )
    return decide(asked, engine)


def is_never_allowed(engine: EmbeddedEngine, attacked: tuple[Start, dict[str, str]]) -> None:
    start, added = attacked
    # What is verified cannot be overwritten on a server, so the tags at the start stay.
    assert ask(engine, {**added, **start.tags}).verdict is not Verdict.ALLOW


def is_allowed_only_where_sound(engine: EmbeddedEngine, found: dict[str, str]) -> None:
    read = [text for key, text in found.items() if key.startswith(TAG_PREFIX)]
    if ask(engine, found).verdict is Verdict.ALLOW:
        assert [name for name in NEEDED if not any(holds(text, name) for text in read)] == []


def test_what_is_sound_is_allowed(engine: EmbeddedEngine) -> None:
    assert ask(engine, tags(SOUND.values())).verdict is Verdict.ALLOW


@pytest.mark.parametrize("start", STARTS)
def test_each_start_is_denied(engine: EmbeddedEngine, start: Start) -> None:
    assert ask(engine, start.tags).verdict is Verdict.DENY


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_missing_would_mend_it(engine: EmbeddedEngine, name: str) -> None:
    start = next(start for start in STARTS if start.missing == name)
    assert ask(engine, {**start.tags, **tags([SOUND[name]])}).verdict is Verdict.ALLOW


@runs(max_examples=2000, **LARGE)
@given(attacked=attacked(STARTS))
def test_no_tags_turn_a_deny_into_an_allow(engine: EmbeddedEngine, attacked: tuple[Start, dict[str, str]]) -> None:
    is_never_allowed(engine, attacked)


@runs(max_examples=1000, **LARGE)
@given(found=pulled_apart())
@example(found=tags(SOUND.values()))
def test_it_is_allowed_only_where_every_sound_statement_is_still_there(
    engine: EmbeddedEngine, found: dict[str, str]
) -> None:
    is_allowed_only_where_sound(engine, found)


def _lowest(candidates: Sequence[Candidate]) -> tuple[Statement | None, None]:
    strong = [candidate for candidate in candidates if candidate.strong]
    return min(strong, key=lambda each: each.version).statement if strong else None, None


SEARCH: dict[str, Any] = {"database": None, "phases": [Phase.generate], **LARGE}
FEW = [start for start in STARTS if start.missing in {"audit", ""}]
HOLES: dict[str, tuple[str, Callable[..., Any]]] = {
    "every signature is good": ("qaqpa.evidence.verify.signed_by", lambda *_: True),
    "every role may sign": ("qaqpa.evidence.verify._authority", lambda *_: None),
    "everybody is independent": ("qaqpa.evidence.people.People.objection", lambda *_, **__: None),
    "evidence is about everything": ("qaqpa.evidence.collect._Collector._check_subject", lambda *_: None),
    "evidence never ages": ("qaqpa.evidence.verify.end_of", lambda *_: NOW + timedelta(days=1)),
    "everybody may withdraw": (
        "qaqpa.evidence.signing.Signing.is_withdrawn",
        lambda signing, statement, _: statement.id in signing._withdrawn,
    ),
    "the oldest context holds": ("qaqpa.evidence.collect.choose", _lowest),
    "a waiver lasts for ever": ("qaqpa.evidence.collect.check_exception", lambda *_: None),
}


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # nobody reads what is found here
@pytest.mark.parametrize("hole", HOLES)
def test_a_hole_is_found(engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch, hole: str) -> None:
    monkeypatch.setattr(*HOLES[hole])
    search = runs(max_examples=6000, **SEARCH)
    with pytest.raises(AssertionError):
        search(given(attacked=attacked(FEW))(lambda attacked: is_never_allowed(engine, attacked)))()


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # nobody reads what is found here
def test_a_hole_is_found_in_what_was_pulled_apart(engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*HOLES["every signature is good"])
    search = runs(max_examples=6000, **SEARCH)
    with pytest.raises(AssertionError):
        search(given(found=pulled_apart())(lambda found: is_allowed_only_where_sound(engine, found)))()
