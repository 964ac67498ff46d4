# SPDX-License-Identifier: Apache-2.0
"""What somebody can do who may write tags and nothing else.

Declared evidence is believed where the configuration says so, whoever wrote it. What is shown here is what holds
nevertheless: nothing that a tag says of itself makes it stronger, nothing about something else counts, no piece hides
another, and no content brings the gate down.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from qaqpa.evidence.carriers import TAG_PREFIX, carried_in_tags
from qaqpa.evidence.kinds import kind
from qaqpa.evidence.statement import context_digest
from qaqpa.gate import decide
from qaqpa.model import Decision, Settings, Strength, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from support.contents import contents, context
from support.statements import NOW, carried, everything, request, tags

ALL = contents(NOW)
SOUND = tags(everything())
OTHER_CONTEXT = context_digest(context(version=5))
FOREIGN_TEXTS = [
    piece.text
    for pieces in (
        [piece for piece in everything(model_digest="cd" * 32) if "model" in kind(piece.kind).binds],
        [piece for piece in everything(context_digest=OTHER_CONTEXT)[1:] if "system" in kind(piece.kind).binds],
        everything(issued_at=NOW + timedelta(days=1)),
        everything(issued_at=NOW - timedelta(days=9), expires_at=NOW),
        [carried(context(version=9, models=[{"name": "other"}]))],
    )
    for piece in pieces
]
# The commission only warns where the operator is private, as here.
DENYING = sorted({*ALL} - {"commission"})
CLAIMS = [
    ("strength", "independent"),
    ("signed", True),
    ("signatures", [{"keyid": "k", "sig": "s"}]),
    ("issuer", "auditor@example.org"),
]
WEIRD = [
    "",
    "{}",
    "null",
    "[]",
    '"',
    "\x00",
    "\ud800",
    "[" * 5000,
    '{"_type":' * 500,
    "9" * 6000,
    "\u202e\x1b[2J",
    "NaN",
]


def _claiming(text: str) -> list[str]:
    """A sound statement with a claim added at its top, in its predicate, in its content and in its digest."""
    found = []
    for name, value in CLAIMS:
        for path in ((), ("predicate",), ("predicate", "content"), ("subject", 0, "digest")):
            statement: Any = json.loads(text)
            inside = statement
            for step in path:
                inside = inside[step]
            inside[name] = value
            found.append(json.dumps(statement))
    return found


CLAIMING = [text for value in list(SOUND.values())[:3] for text in _claiming(value)]
KEYS = st.sampled_from([*SOUND, f"{TAG_PREFIX}audit", f"{TAG_PREFIX}audit.0", f"{TAG_PREFIX}system.1", TAG_PREFIX]) | (
    st.text(max_size=20).map(lambda tail: TAG_PREFIX + tail) | st.text(max_size=20)
)
HARMLESS = st.sampled_from([*WEIRD, *CLAIMING, *FOREIGN_TEXTS]) | st.text(max_size=40)


def ask(engine: EmbeddedEngine, found: dict[str, str], least: Strength = Strength.DECLARED) -> Decision:
    return decide(request(carried_in_tags(found), settings=Settings(minimum_strength=least)), engine)


def test_the_same_tags_without_an_attack_are_allowed(engine: EmbeddedEngine) -> None:
    assert ask(engine, SOUND).verdict is Verdict.ALLOW


@settings(max_examples=60)
@given(found=st.dictionaries(KEYS, HARMLESS | st.sampled_from(list(SOUND.values())), max_size=15))
@example(found=SOUND)
@example(found={**SOUND, **{f"{TAG_PREFIX}x.{number}": text for number, text in enumerate(CLAIMING)}})
def test_no_tags_are_enough_where_signed_is_demanded(engine: EmbeddedEngine, found: dict[str, str]) -> None:
    for least in (Strength.SIGNED, Strength.INDEPENDENT):
        assert ask(engine, {**SOUND, **found}, least).verdict is not Verdict.ALLOW


@settings(max_examples=60)
@given(missing=st.sampled_from(DENYING), added=st.dictionaries(KEYS, HARMLESS, max_size=15))
@example(missing="audit", added={f"{TAG_PREFIX}audit.{number}": text for number, text in enumerate(FOREIGN_TEXTS)})
@example(missing="audit", added={f"{TAG_PREFIX}audit.{number}": text for number, text in enumerate(CLAIMING)})
def test_what_is_foreign_or_broken_never_stands_in_for_what_is_missing(
    engine: EmbeddedEngine, missing: str, added: dict[str, str]
) -> None:
    kept = {name: text for name, text in SOUND.items() if f".{missing}." not in name}
    assert ask(engine, kept).verdict is Verdict.DENY
    assert ask(engine, {**added, **kept}).verdict is Verdict.DENY


@settings(max_examples=60)
@given(added=st.dictionaries(KEYS, HARMLESS | st.sampled_from(list(SOUND.values())), max_size=15))
def test_no_tag_hides_a_bad_word(engine: EmbeddedEngine, added: dict[str, str]) -> None:
    negative = tags([carried({**ALL["audit"], "conclusion": "negative"})])
    assert ask(engine, {**added, **SOUND, **negative}).verdict is Verdict.DENY


@settings(max_examples=40)
@given(added=st.dictionaries(st.text(max_size=20).map(lambda tail: f"{TAG_PREFIX}{tail}"), HARMLESS, max_size=15))
def test_foreign_and_broken_tags_do_not_block_what_is_complete(engine: EmbeddedEngine, added: dict[str, str]) -> None:
    decision = ask(engine, {**added, **SOUND})
    assert decision.verdict is Verdict.ALLOW
    assert len(decision.document["rejected"]) == len(set(added) - set(SOUND))


def test_a_lowered_context_voids_what_was_said_of_the_honest_one(engine: EmbeddedEngine) -> None:
    lowered = context(
        version=2, affects_rights=False, significant_decision=False, personal_data=False, kz_risk="minimal"
    )
    decision = ask(engine, {**SOUND, **tags([carried(lowered)])})
    assert decision.verdict is Verdict.DENY
    failed = {finding["control"] for finding in decision.findings if finding["status"] == "fail"}
    assert {"ACC-01", "DOC-01"} <= failed


def test_more_tags_than_can_be_read_block(engine: EmbeddedEngine) -> None:
    flood = {f"{TAG_PREFIX}audit.{number}": f"{number}" for number in range(500)}
    decision = ask(engine, {**SOUND, **flood})
    assert decision.verdict is not Verdict.ALLOW
    assert [problem["code"] for problem in decision.problems] == ["too_much_evidence"]
