# SPDX-License-Identifier: Apache-2.0
"""How long the gate takes over forty envelopes: every signature verified, the parties file read, the policies asked.

A server reads the same texts at every decision, so what they say is remembered; who signed them never is.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa.evidence import pieces, statement
from qaqpa.evidence.carriers import Carried, carried_in_tags
from qaqpa.evidence.trust import Trust
from qaqpa.gate import decide, request_about
from qaqpa.model import Settings, Stage, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from support.contents import contents
from support.keyring import trusted
from support.statements import NOW, SUBJECT, carried, everything, tags

ROUNDS = 200
ENVELOPES = 40
GOAL_MS = 25


@pytest.fixture(scope="module")
def found() -> Sequence[Carried]:
    """Everything three times, each time signed another day, and as many audits as it takes."""
    rounds = [piece for days in (1, 2, 3) for piece in everything(issued_at=NOW - timedelta(days=days))]
    audits = [carried(contents(NOW)["audit"], issued_at=NOW - timedelta(days=days)) for days in range(4, 20)]
    return carried_in_tags(tags([*rounds, *audits][:ENVELOPES]))


def test_verifying_forty_envelopes_and_deciding(
    found: Sequence[Carried], engine: EmbeddedEngine, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    trust = Trust(trusted(tmp_path, NOW, state=state))
    first = _milliseconds(found, trust, engine)
    collecting, deciding = zip(*(_milliseconds(found, trust, engine) for _ in range(ROUNDS)), strict=True)
    unread = []
    for _ in range(ROUNDS // 10):
        _forget_texts()
        unread.append(sum(_milliseconds(found, trust, engine)))
    whole = statistics.median(map(sum, zip(collecting, deciding, strict=True)))
    print(
        f"\n{len(found)} envelopes with {sum(piece.text.count('keyid') for piece in found)} signatures, "
        f"median of {ROUNDS}: {whole:.1f} ms (at most {GOAL_MS}), of which collecting "
        f"{statistics.median(collecting):.1f} ms, deciding {statistics.median(deciding):.1f} ms; "
        f"texts never read before: {statistics.median(unread):.1f} ms; the very first: {sum(first):.1f} ms"
    )


def _milliseconds(found: Sequence[Carried], trust: Trust, engine: EmbeddedEngine) -> tuple[float, float]:
    """How long it takes to collect, and to decide."""
    started = time.perf_counter()
    request = request_about(
        SUBJECT,
        found,
        stage=Stage.PRODUCTION,
        profiles=["article-baseline"],
        settings=Settings(),
        now=NOW,
        trust=trust,
    )
    collected = time.perf_counter()
    verdict = decide(request, engine).verdict
    ended = time.perf_counter()
    assert verdict is Verdict.ALLOW
    assert len(request.evidence) == ENVELOPES
    return (collected - started) * 1e3, (ended - collected) * 1e3


def _forget_texts() -> None:
    pieces._remembered.cache_clear()
    statement._remembered.cache_clear()
