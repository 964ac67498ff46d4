# SPDX-License-Identifier: Apache-2.0
"""Decisions as JSON: the documents as they are, with what stands in the way, and who evaluated which policies."""

from __future__ import annotations

import json
from dataclasses import asdict

from qaqpa import __version__
from qaqpa.escape import visible
from qaqpa.model import JsonObject
from qaqpa.policy.bundle import Catalog
from qaqpa.report.changes import noted
from qaqpa.report.judged import Judged, Review, outcome
from qaqpa.report.results import Result, results
from qaqpa.report.texts import Texts

REPORT = "urn:qaqpa:schema:report:v1"
"""The schema of a report about one target."""

REVIEW = "urn:qaqpa:schema:review:v1"
"""The schema of a report about a tree against a base."""

_MAX_TARGET = 1000


def render(report: Judged | Review, catalog: Catalog, language: str = "en") -> str:
    """Indented JSON with sorted keys, as `schemas/report.json` and `schemas/review.json` describe it."""
    texts = Texts(catalog, language)
    return written(_review(report, texts) if isinstance(report, Review) else _report(report, texts))


def written(document: JsonObject) -> str:
    """JSON in ASCII, so that no terminal is harmed, and without what a runner of workflows takes for a command."""
    return json.dumps(document, indent=2, sort_keys=True).replace("##[", "\\u0023#[") + "\n"


def _review(review: Review, texts: Texts) -> JsonObject:
    return {
        "schema": REVIEW,
        "qaqpa": __version__,
        "outcome": outcome(review).value,
        "fail_on": review.fail_on,
        "target": visible(review.target, _MAX_TARGET),
        "base": visible(review.base),
        "commit": review.commit,
        "reports": [_report(judged, texts) for judged in review.judged],
    }


def _report(judged: Judged, texts: Texts) -> JsonObject:
    decision, comparison = judged.decision, judged.comparison
    return {
        "schema": REPORT,
        "qaqpa": __version__,
        "outcome": decision.verdict.value,
        "engine": decision.engine,
        "policy_digest": decision.policy_digest,
        "target": visible(judged.target, _MAX_TARGET),
        "results": [_result(result) for result in results(judged, texts)],
        "notes": [noted(note, texts) for note in judged.notes],
        "comparison": None if comparison is None else asdict(comparison),
        "decision": decision.document,
    }


def _result(result: Result) -> JsonObject:
    place = result.place
    return {
        "control": result.control,
        "code": result.code,
        "level": result.level,
        "blocks": result.blocks,
        "status": result.status,
        "title": result.title,
        "message": result.message,
        "required": result.required,
        "because": [reason.line for reason in result.because],
        "actor": result.actor,
        "mend": result.mend,
        "profiles": list(result.profiles),
        "place": None if place is None else {**asdict(place), "file": visible(place.file, _MAX_TARGET)},
        "waivers": list(result.waivers),
        "change": result.change,
        "fingerprint": result.fingerprint,
    }
