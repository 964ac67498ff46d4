# SPDX-License-Identifier: Apache-2.0
"""Decisions in few lines, as a build shows them: one for the verdict, and one for each thing that was found."""

from __future__ import annotations

from qaqpa.escape import visible
from qaqpa.policy.bundle import Catalog
from qaqpa.report.judged import Judged, Review
from qaqpa.report.results import Result, results
from qaqpa.report.summary import circumstances, overview, summary, verdict
from qaqpa.report.texts import Texts

_MARKS = {"error": "✗", "warning": "!", "note": "~"}


def render(report: Judged | Review, catalog: Catalog, language: str = "en") -> str:
    """One line for each model, then its findings, the worst first, each with the place where it stands."""
    texts = Texts(catalog, language)
    listed = overview(report) if isinstance(report, Review) else [report]
    lines = [line for judged in listed for line in _lines(judged, texts)]
    if isinstance(report, Review):
        lines.append(texts.say(f"verdict.{report.outcome.value}"))
    return "".join(f"{line}\n" for line in lines)


def _lines(judged: Judged, texts: Texts) -> list[str]:
    decision = judged.decision
    subject = texts.subject(decision.document["subject"])
    head = f"{verdict(decision, texts)}  {subject}  ({circumstances(decision, texts)})"
    return [f"{head}: {summary(decision, texts)}", *(_line(result, texts) for result in results(judged, texts))]


def _line(result: Result, texts: Texts) -> str:
    place = f" [{visible(result.place.file)}:{result.place.line}:{result.place.column}]" if result.place else ""
    new = f"{texts.say('report.new')} " if result.change == "new" else ""
    return f"  {_MARKS[result.level]} {new}{result.name}: {result.message}{place}"
