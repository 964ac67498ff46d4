# SPDX-License-Identifier: Apache-2.0
"""The decision for people at a terminal: what is missing, grouped by who has to act, worst first."""

from __future__ import annotations

import re

from rich.console import Console
from rich.text import Text

from qaqpa.escape import visible
from qaqpa.model import Decision, JsonObject, Verdict
from qaqpa.policy.bundle import Catalog
from qaqpa.report import evidence
from qaqpa.report.because import reasons
from qaqpa.report.changes import noted
from qaqpa.report.codes import causes_first
from qaqpa.report.judged import Judged, Review
from qaqpa.report.summary import (
    against,
    before,
    circumstances,
    compared,
    concluded,
    notes,
    overview,
    said_of,
    summary,
    tasks,
    verdict,
    weight,
    with_status,
    word,
)
from qaqpa.report.texts import Texts

_COLOURS = {Verdict.ALLOW: "bold green", Verdict.DENY: "bold red", Verdict.UNDECIDED: "bold yellow"}
_NARROWEST = 20
_FIRST_SENTENCES = re.compile(r".{60,}?[.!?](?=\s+\w)")
_MAX_TARGET = 1000
_MARKS = {"fail": ("✗", "red"), "waived": ("~", "yellow"), "warn": ("!", "yellow"), "undecided": ("?", "yellow")}
_SECTIONS = {"waived": "section.waived", "undecided": "section.undecided", "warn": "section.warnings"}


def render(
    report: Judged | Review | Decision, catalog: Catalog, console: Console, language: str = "en", *, brief: bool = False
) -> None:
    """Prints a decision, or those of a review with an overview at the end.

    Args:
        report: what was decided; a bare decision has nothing to be compared with.
        catalog: the cards that the texts come from.
        console: where to print; it decides on width and colour.
        language: of the texts.
        brief: leaves out why and how to mend.
    """
    texts = Texts(catalog, language)
    if isinstance(report, Review):
        _Review(report, texts, console).print(brief=brief)
    else:
        _Report(report, texts, console, brief=brief).print()


class _Review:
    """The models of a tree, one after the other, and how each stands to the base."""

    def __init__(self, review: Review, texts: Texts, console: Console) -> None:
        self._review = review
        self._texts = texts
        self._console = console

    def print(self, *, brief: bool) -> None:
        listed = overview(self._review)
        for judged in listed:
            self._console.print(_safe(Text(visible(judged.target, _MAX_TARGET), style="bold")), soft_wrap=True)
            _Report(judged, self._texts, self._console, brief=brief).print()
            self._console.print()
        self._console.print(Text(self._texts.say("report.models"), style="bold underline"))
        for judged in listed:
            decision = judged.decision
            sign, name = word(judged, self._texts), self._texts.subject(decision.document["subject"])
            parts = (sign, f"{name} ({visible(judged.target, _MAX_TARGET)})", before(judged, self._texts))
            line = Text(f"  {'  '.join(filter(None, parts))}", style=_COLOURS[judged.standing])
            self._console.print(line, soft_wrap=True)
        if not listed:
            self._console.print(Text(f"  {self._texts.say('compare.nothing')}"))
        said = f"{against(self._review, self._texts)} {weight(self._review, self._texts)}"
        self._console.print(_safe(Text(said, style="dim")), soft_wrap=True)
        outcome = self._review.outcome
        self._console.print(Text(concluded(self._review, self._texts), style=_COLOURS[outcome]))


class _Report:
    def __init__(self, report: Judged | Decision, texts: Texts, console: Console, *, brief: bool) -> None:
        self._judged = report if isinstance(report, Judged) else None
        self._decision = report.decision if isinstance(report, Judged) else report
        self._texts = texts
        self._console = console
        self._brief = brief
        self._reasons: dict[tuple[str, str], str] = {}

    def print(self) -> None:
        self._head()
        self._compared()
        self._noted()
        self._problems()
        if self._judged and self._judged.gone:
            self._foot([])
            return
        self._context()
        failed = self._with("fail")
        for actor in dict.fromkeys(self._texts.actor(finding["control"]) for finding in failed):
            self._section(self._texts.say("section.todo", actor=actor))
            for finding in failed:
                if self._texts.actor(finding["control"]) == actor:
                    self._finding(finding)
        for status, section in _SECTIONS.items():
            if self._with(status):
                self._section(self._texts.say(section))
            for finding in self._with(status):
                self._finding(finding)
        if self._with("warn") and not self._brief:
            self._line(self._texts.say("report.details"), 2)
        self._rejected()
        self._others()
        self._tasks()
        self._foot(failed)

    def _with(self, status: str) -> list[JsonObject]:
        return with_status(self._decision, status)

    def _head(self) -> None:
        name = self._texts.subject(self._decision.document["subject"])
        said = circumstances(self._decision, self._texts)
        judged, texts = self._judged, self._texts
        said_first = word(judged, texts) if judged else verdict(self._decision, texts)
        colour = _COLOURS[judged.standing if judged else self._decision.verdict]
        head = Text.assemble((said_first, colour), f"  {name}  ", (f"({said})", "dim"))
        self._console.print(_safe(head), soft_wrap=True)
        self._console.print(Text(said_of(judged, texts) if judged else summary(self._decision, texts)))

    def _compared(self) -> None:
        """How it stands to the base, before all that was the same there."""
        if self._judged is None or self._judged.comparison is None:
            return
        self._indented(before(self._judged, self._texts), 0)
        for title, lines in compared(self._judged, self._texts):
            self._section(title)
            for line in lines:
                self._indented(line, 2)

    def _noted(self) -> None:
        """What has to be known; with a base it stands beside the comparison."""
        if self._judged and self._judged.comparison is None:
            for note in self._judged.notes:
                self._indented(noted(note, self._texts), 0, mark=("!", "yellow"))

    def _problems(self) -> None:
        if self._decision.problems:
            denied = self._decision.verdict is Verdict.DENY
            self._section(self._texts.say("section.denying_problems" if denied else "section.problems"))
        for problem in causes_first(self._decision.problems):
            sentence, detail = self._texts.problem(problem)
            self._indented(sentence, 2, mark=("?", "yellow"))
            if detail:
                self._indented(visible(detail, 2000), 4)

    def _context(self) -> None:
        """Of all that is refused, the context decides most, so it stands first."""
        refused = evidence.refused_contexts(self._decision)
        if refused:
            self._section(self._texts.say("section.context"))
        for refusal in refused:
            self._indented(evidence.told(refusal, self._texts), 2, mark=("!", "yellow"))
        if refused and not self._brief:
            self._mend(self._texts.remedy(refused[0]["code"]), indent=2)

    def _finding(self, finding: JsonObject) -> None:
        """A finding with its four parts: found, required, because, to mend. One that only warns says what was found."""
        control = finding["control"]
        title = Text.assemble((control, "bold"), f"  {self._texts.title(control)}")
        if finding["status"] == "waived":
            title.append(f"  {self._texts.say('finding.waived')}", "bold yellow")
        self._indented(title, 2, mark=_MARKS[finding["status"]])
        if finding["status"] == "undecided":
            self._indented(self._texts.say("finding.undecided"), 4)
        self._violations(finding)
        for day in finding["denies_from"]:
            self._indented(self._texts.say("finding.denies_from", day=day["text"]), 4)
        whole = not self._brief and finding["status"] != "warn"
        if finding["violations"] and whole:
            self._labelled("finding.required", self._required(finding))
            self._because(finding)
        for line in evidence.waivers(finding, self._texts):
            self._indented(line.text, line.indent)
        if whole:
            self._mend(evidence.remedy(finding, self._texts) or self._texts.mend(control))

    def _required(self, finding: JsonObject) -> str:
        """What is required: where evidence is not there at all its beginning, for all of it is to be done."""
        whole = self._texts.requirement(finding["control"])
        missing = all(violation["code"] == "evidence_missing" for violation in finding["violations"])
        first = _FIRST_SENTENCES.match(whole) if missing else None
        return first[0] if first else whole

    def _because(self, finding: JsonObject) -> None:
        """Why it is asked for: whole where a profile denies for it, and by name where it was told before or warns."""
        control = finding["control"]
        before: dict[str, list[str]] = {}
        warning = []
        for reason in reasons(finding, self._decision, self._texts):
            first = self._reasons.setdefault((reason.profile, reason.text), control)
            if not reason.denies:
                warning.append(f"{reason.profile}{reason.about}")
            elif first == control:
                self._labelled("finding.because", reason.line)
            else:
                before.setdefault(first, []).append(f"{reason.profile}{reason.about}")
        for first, profiles in before.items():
            self._labelled("finding.because", self._texts.say("report.as_for", profile=profiles, control=first))
        if warning:
            self._indented(Text(self._texts.say("report.warned", profiles=warning), style="dim"), 4)

    def _labelled(self, label: str, text: str) -> None:
        self._indented(Text(f"{self._texts.say(label)} {text}", style="dim"), 4)

    def _violations(self, finding: JsonObject) -> None:
        said: dict[str, tuple[tuple[str, str], list[str]]] = {}
        for violation in self._texts.worst_first(finding):
            # Two statements may say the same; once is enough.
            sentence = self._texts.violation(finding["control"], violation)
            refused = list(evidence.at_finding(violation, self._decision, self._texts))
            said.setdefault(sentence, (_mark(violation, finding), refused))
        for sentence, (mark, refused) in said.items():
            self._indented(sentence, 4, mark=mark)
            for line in refused:
                self._indented(line, 6)
        statements = len(finding["evidence"])
        if said and statements > self._texts.kinds(finding["control"]):
            self._indented(self._texts.say("note.several", count=statements), 4)

    def _mend(self, text: str, indent: int = 4) -> None:
        if text:
            self._indented(Text.assemble((f"{self._texts.say('finding.mend')} ", "cyan"), text), indent)

    def _rejected(self) -> None:
        if self._decision.document["rejected"]:
            self._section(self._texts.say("section.rejected"))
        for line in evidence.refusals(self._decision, self._texts):
            if not line.remedy:
                self._indented(line.text, line.indent)
            elif not self._brief:
                self._mend(line.text)

    def _others(self) -> None:
        passed = [finding["control"] for finding in self._with("pass")]
        if passed:
            self._section(self._texts.say("section.passed"))
            self._indented(", ".join(passed), 2)
        exempt = self._with("not_applicable")
        if exempt:
            self._section(self._texts.say("section.not_applicable"))
        for finding in exempt:
            self._indented(evidence.not_applicable(finding, self._texts), 2)

    def _tasks(self) -> None:
        """What comes after this review, below all that is about it."""
        lines = tasks(self._judged, self._texts) if self._judged else []
        if lines:
            self._section(self._texts.say("compare.todo"))
        for line in lines:
            self._indented(line, 2)

    def _foot(self, failed: list[JsonObject]) -> None:
        self._console.print()
        for line in notes(self._decision, self._texts):
            self._line(line)
        if failed:
            self._line(self._texts.say("footer.explain", control=failed[0]["control"]))

    def _line(self, text: str, indent: int = 0) -> None:
        self._indented(Text(text, style="dim"), indent)

    def _section(self, title: str) -> None:
        self._console.print()
        self._console.print(_safe(Text(title, style="bold underline")))

    def _indented(self, text: str | Text, indent: int, mark: tuple[str, str] | None = None) -> None:
        body = text if isinstance(text, Text) else Text(text)
        if mark:
            body = Text.assemble(mark, " ", body)
        for line in body.wrap(self._console, max(self._console.width - indent, _NARROWEST)):
            line.rstrip()
            self._console.print(_safe(Text.assemble(" " * indent, line)), soft_wrap=True)


def _mark(violation: JsonObject, finding: JsonObject) -> tuple[str, str]:
    if not Texts.denies(violation) or finding["status"] not in {"fail", "waived"}:
        return "!", "yellow"
    return "-", "red" if finding["status"] == "fail" else "yellow"


def _safe(line: Text) -> Text:
    """A line that no runner of workflows takes for a command: one that begins with two colons would be one."""
    start = len(line.plain) - len(line.plain.lstrip())
    return Text.assemble(line[:start], ": ", line[start + 1 :]) if line.plain.startswith("::", start) else line
