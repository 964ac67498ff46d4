# SPDX-License-Identifier: Apache-2.0
"""Decisions as Markdown, for the summary of a job or a comment on a pull request."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator, Sequence

from qaqpa.escape import visible
from qaqpa.model import Verdict
from qaqpa.policy.bundle import Catalog
from qaqpa.report import evidence
from qaqpa.report.forms import shown
from qaqpa.report.judged import Judged, Review, outcome
from qaqpa.report.markdown_text import code, escape, table
from qaqpa.report.results import Result, for_people
from qaqpa.report.summary import (
    against,
    before,
    circumstances,
    compared,
    concluded,
    notes,
    overview,
    said_of,
    short,
    tasks,
    weight,
    with_status,
    word,
)
from qaqpa.report.texts import Texts

LONGEST_COMMENT = 65_000
"""Longest text, in characters, that GitHub takes as a comment; a summary may be 16 times as long."""

_SIGNS = {Verdict.ALLOW: "✓", Verdict.DENY: "✗", Verdict.UNDECIDED: "?"}
_MARKS = {"error": "✗", "warning": "!", "note": "~"}
_MAX_CELL = 600
_MOST = 20


def render(report: Judged | Review, catalog: Catalog, language: str = "en", limit: int = LONGEST_COMMENT) -> str:
    """The report, at most `limit` characters long: what weighs least is left out first, and it says how much."""
    texts = Texts(catalog, language)
    pages = [_Page(judged, texts) for judged in (overview(report) if isinstance(report, Review) else [report])]
    said_last = dict.fromkeys(line for own in pages for line in notes(own.judged.decision, texts))
    said_last = said_last or {texts.say("footer.meaning"): None}

    def page(rows: int, *, details: bool, models: int) -> str:
        parts = [] if not isinstance(report, Review) else [_review(report, texts, models)]
        for number, own in enumerate(pages[:models]):
            parts += own.blocks(rows, details=details, level=3 if parts or number else 2)
        parts.append("\n".join(f"<sub>{escape(line)}</sub><br>" for line in said_last))
        return "\n\n".join(part for part in parts if part) + "\n"

    return _longest(page, max((len(own.results) for own in pages), default=0), len(pages), limit)


def _longest(page: Callable[..., str], rows: int, models: int, limit: int) -> str:
    """The most that fits: everything, then without what is folded, then ever fewer rows, then ever fewer models."""
    for details in (True, False):
        text = page(rows, details=details, models=models)
        if len(text) <= limit:
            return text
    while rows or models > 1:
        rows, models = (rows // 2, models) if rows else (0, models // 2)
        text = page(rows, details=False, models=models)
        if len(text) <= limit:
            return text
    return text[:limit]


def _review(review: Review, texts: Texts, models: int) -> str:
    """The heading of a review, and a table of its models."""
    listed = overview(review)
    heading = f"## {_SIGNS[outcome(review)]} Qaqpa: {escape(concluded(review, texts))}"
    names = ("report.model", "report.verdict", "report.base", "compare.new", "compare.mended")
    headers = [escape(texts.say(name)) for name in names]
    rows = [
        [
            escape(f"{texts.subject(judged.decision.document['subject'])} ({_short(judged.target)})"),
            f"{_SIGNS[judged.standing]} {escape(word(judged, texts))}",
            escape(before(judged, texts)),
            str(len(judged.comparison.new) if judged.comparison else 0),
            str(len(judged.comparison.mended) if judged.comparison else 0),
        ]
        for judged in listed[:models]
    ]
    more = escape(texts.say("report.models_left_out", count=len(listed) - models)) if models < len(listed) else ""
    said = f"{_with_commit(review, texts)} {escape(weight(review, texts))}"
    nothing = "" if listed else escape(texts.say("compare.nothing"))
    return "\n\n".join(part for part in (heading, said, nothing, table(headers, rows).strip(), more) if part)


def _with_commit(review: Review, texts: Texts) -> str:
    """What was compared with; the commit as code, where it can be copied and GitHub still makes no link of it."""
    commit = short(review)
    before, _, after = against(review, texts).rpartition(commit)
    return f"{escape(before)} {code(commit)}{escape(after)}" if before.endswith(" ") else escape(against(review, texts))


class _Page:
    """One decision."""

    def __init__(self, judged: Judged, texts: Texts) -> None:
        self.judged = judged
        self.results = for_people(judged, texts)
        self._texts = texts

    def blocks(self, rows: int, *, details: bool, level: int) -> list[str]:
        """What is said of the decision, with the worst so many results, and what is folded where that is wanted."""
        decision, texts = self.judged.decision, self._texts
        sign = f"{_SIGNS[self.judged.standing]} {'Qaqpa: ' if level == 2 else ''}"  # noqa: PLR2004 - the top of the page
        name = texts.subject(decision.document["subject"])
        blocks = [
            f"{'#' * level} {sign}{escape(word(self.judged, texts))}: {escape(name)}",
            f"**{escape(said_of(self.judged, texts))}** {escape(circumstances(decision, texts))}",
            *self._compared(),
        ]
        kept = self.results[:rows]
        worst = [result for result in kept if result.shown == "error"]
        rest = [result for result in kept if result.shown != "error"]
        if worst:
            blocks += [f"**{escape(texts.say('report.in_the_way'))}**", self._table(worst)]
        if len(self.results) > len(kept):
            blocks.append(escape(texts.say("report.left_out", count=len(self.results) - len(kept))))
        waivers = self._waivers()
        if waivers:
            blocks += [f"**{escape(texts.say('section.waived'))}**", waivers]
        if rest:
            blocks.append(_folded(f"{texts.say('section.warnings')} ({len(rest)})", self._table(rest)))
        todo = tasks(self.judged, texts)
        if todo:
            blocks.append(_folded(texts.say("compare.todo"), _listed(todo)))
        return [*blocks, *(self._details() if details else ())]

    def _compared(self) -> Iterator[str]:
        if self.judged.comparison is not None:
            yield escape(before(self.judged, self._texts))
        for title, lines in compared(self.judged, self._texts):
            more = [self._texts.say("line.more", count=len(lines) - _MOST)] if len(lines) > _MOST else []
            yield f"**{escape(title)}**\n\n{_listed([*lines[:_MOST], *more])}"

    def _table(self, listed: Sequence[Result]) -> str:
        texts = self._texts
        names = ("report.requirement", "report.found", "report.mend", "report.who")
        return table(["", *(escape(texts.say(name)) for name in names)], map(self._row, listed)).strip()

    def _row(self, result: Result) -> list[str]:
        place = result.place
        where = f"<br>{_place(f'{place.file}:{place.line}:{place.column}')}" if place else ""
        new = f" **{escape(self._texts.say('report.new'))}**" if result.change == "new" else ""
        name = f"{code(result.control)}<br>" if result.control else ""
        return [
            _MARKS[result.shown],
            f"{name}{escape(_short(result.title))}{new}",
            f"{escape(_short(result.message))}{where}",
            escape(_short(result.mend)),
            escape(result.actor),
        ]

    def _waivers(self) -> str:
        texts = self._texts
        names = ("report.requirement", "report.until", "report.reason", "report.ticket", "report.signers")
        rows = [
            [
                f"{code(finding['control'])}<br>{escape(texts.title(finding['control']))}",
                escape(shown(waiver["until"]["text"], texts.language)),
                escape(_short(waiver["reason"])),
                escape(_short(waiver["ticket"])),
                escape(_short(", ".join(map(str, waiver["signers"])))),
            ]
            for finding in with_status(self.judged.decision, "waived")
            for waiver in finding["waivers"]
        ]
        return table([escape(texts.say(name)) for name in names], rows[:_MOST]).strip()

    def _details(self) -> Iterator[str]:
        """What most readers do not ask for."""
        decision, texts = self.judged.decision, self._texts
        refused = [line.text for line in evidence.refusals(decision, texts)]
        if refused:
            yield _folded(texts.say("section.rejected"), _listed(refused))
        if self.judged.gone:
            return
        passed = [f"{found['control']} {texts.title(found['control'])}" for found in with_status(decision, "pass")]
        if passed:
            title = f"{texts.say('section.passed')} ({len(passed)})"
            yield _folded(title, _listed(passed))
        exempt = [evidence.not_applicable(found, texts) for found in with_status(decision, "not_applicable")]
        if exempt:
            title = f"{texts.say('section.not_applicable')} ({len(exempt)})"
            yield _folded(title, _listed(exempt))


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {escape(line)}" for line in lines)


def _folded(title: str, body: str) -> str:
    """A part that is opened by a click; on the line of its title Markdown does not hold, but HTML does."""
    return f"<details><summary>{html.escape(title)}</summary>\n\n{body}\n\n</details>"


def _place(place: str) -> str:
    """A place as code, whatever characters are in the file's name."""
    return code(visible(place))


def _short(text: str) -> str:
    return text if len(text) <= _MAX_CELL else f"{text[:_MAX_CELL]}…"
