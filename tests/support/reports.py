# SPDX-License-Identifier: Apache-2.0
"""Decisions ready for a report: of directories, of a registry, and of a review of several models."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.directory import read_directory
from qaqpa.gate import decide, request_about
from qaqpa.model import Decision, Settings, Stage, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report.judged import Change, Comparison, Judged, Review
from qaqpa.report.places import Places
from support.statements import NOW, carried, everything, request

EXAMPLES = Path(__file__).parents[2] / "examples"
ALL_PROFILES = ("article-baseline", "eu-ai-act-high-risk", "gdpr", "kz")
COMMIT = "c0ffee" + "0" * 34

LOW = Change("NDQ-02", "selection_ratio_low", "groups", "deny")
"""What is wrong with the failing example of credit scoring."""


def unplaced(decision: Decision) -> Judged:
    """A decision about a version in a registry, which has no files."""
    return Judged(decision, "models:/credit/7", Places(request([])))


def of_directory(
    engine: EmbeddedEngine,
    root: Path | str,
    *,
    profiles: tuple[str, ...] = ("article-baseline",),
    comparison: Comparison | None = None,
) -> Judged:
    """A directory as `check` reviews it on the day of the examples."""
    directory = read_directory(root)
    asked = request_about(
        directory.subject,
        directory.carried,
        stage=Stage.REVIEW,
        profiles=profiles,
        settings=Settings(),
        now=NOW,
        problems=directory.problems,
    )
    return Judged(decide(asked, engine), str(root), Places(asked, root), comparison)


def waived(engine: EmbeddedEngine, *, reason: str = "No auditor is free.") -> Judged:
    """A version in production: AUD-01 is waived for ten days, NDQ-02 lacks what was refused, TRN-02 lacks all."""
    kept = [piece for piece in everything() if piece.kind not in {"audit", "bias", "explanation"}]
    waiver = {
        "kind": "waiver",
        "controls": ["AUD-01"],
        "category": "mitigated",
        "compensating": ["Two officers decide"],
        "reason": reason,
        "ticket": "RISK-1",
        "requested_by": "owner",
    }
    granted = carried(waiver, stage=Stage.PRODUCTION, expires_at=NOW + timedelta(days=10))
    asked = request([*kept, granted, Carried("tag qaqpa.evidence.bias.ff", "{", "bias")], asked_by="trainer")
    return Judged(decide(asked, engine), "models:/credit/7", Places(asked))


def review_of(*judged: Judged, outcome: Verdict = Verdict.DENY, fail_on: str = "new") -> Review:
    """A review against `main`."""
    return Review(tuple(replace(one, fail_on=fail_on) for one in judged), "main", COMMIT, fail_on, outcome)
