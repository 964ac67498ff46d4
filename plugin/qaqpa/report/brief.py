# SPDX-License-Identifier: Apache-2.0
"""Decisions in few lines, as a build shows them: one for the verdict, and one for each thing that was found."""

from __future__ import annotations

from qaqpa.escape import visible
from qaqpa.policy.bundle import Catalog
from qaqpa.report.changes import noted
from qaqpa.report.judged import Judged, Review
from qaqpa.report.results import Result, for_people
from qaqpa.report.summary import against, circumstances, concluded, overview, said_of, weight, word
from qaqpa.report.texts import Texts

_MARKS = {"error": "✗", "warning": "!", "note": "~"}


def render(report: Judged | Review, catalog: Catalog, language: str = "en") -> str:
    """One line for each model, then its findings, the worst first, each with the place where it stands."""
    texts = Texts(catalog, language)
    listed = overview(report) if isinstance(report, Review) else [report]
    lines = [line for judged in listed for line in _lines(judged, texts)]
    if isinstance(report, Review):
        lines.append(f"{against(report, texts)} {weight(report, texts)}")
        lines.append(concluded(report, texts))
    return "".join(f"{line}\n" for line in lines)


def _lines(judged: Judged, texts: Texts) -> list[str]:
    decision = judged.decision
    subject = texts.subject(decision.document["subject"])
    head = f"{word(judged, texts)}  {subject}  ({circumstances(decision, texts)})"
    found = [_line(result, texts) for result in for_people(judged, texts)]
    notes = [f"  {noted(note, texts)}" for note in judged.notes]
    return [f"{head}: {said_of(judged, texts)}", *found, *notes]


def _line(result: Result, texts: Texts) -> str:
    place = f" [{visible(result.place.file)}:{result.place.line}:{result.place.column}]" if result.place else ""
    changes = {"new": "report.new", "known": "report.known"}
    new = f"{texts.say(changes[result.change])} " if result.change else ""
    return f"  {_MARKS[result.shown]} {new}{result.name}: {result.message}{place}"
