# SPDX-License-Identifier: Apache-2.0
"""The decision for people at a terminal: what is missing, grouped by who has to act, worst first."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from qaqpa.escape import visible
from qaqpa.model import Decision, JsonObject, Separation, Stage, Verdict
from qaqpa.policy.bundle import Catalog
from qaqpa.report import evidence, footer
from qaqpa.report.because import reasons
from qaqpa.report.texts import Texts

_COLOURS = {Verdict.ALLOW: "bold green", Verdict.DENY: "bold red", Verdict.UNDECIDED: "bold yellow"}
_NARROWEST = 20
_MARKS = {"fail": ("✗", "red"), "waived": ("~", "yellow"), "warn": ("!", "yellow"), "undecided": ("?", "yellow")}
_SECTIONS = {"waived": "section.waived", "undecided": "section.undecided", "warn": "section.warnings"}


def render(
    decision: Decision, catalog: Catalog, console: Console, language: str = "en", *, brief: bool = False
) -> None:
    """Prints the decision.

    Args:
        decision: what was decided.
        catalog: the cards that the texts come from.
        console: where to print; it decides on width and colour.
        language: of the texts.
        brief: leaves out why and how to mend.
    """
    _Report(decision, Texts(catalog, language), console, brief=brief).print()


class _Report:
    def __init__(self, decision: Decision, texts: Texts, console: Console, *, brief: bool) -> None:
        self._decision = decision
        self._texts = texts
        self._console = console
        self._brief = brief

    def print(self) -> None:
        self._head()
        self._problems()
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
        self._rejected()
        self._others()
        self._foot(failed)

    def _with(self, status: str) -> list[JsonObject]:
        return [finding for finding in self._decision.findings if finding["status"] == status]

    def _head(self) -> None:
        document = self._decision.document
        name = self._texts.subject(document["subject"])
        key = "summary.stage_asked_by" if document["actor"] else "summary.stage"
        said = self._texts.say(key, stage=document["stage"], profiles=document["profiles"], actor=document["actor"])
        verdict = self._texts.say(f"verdict.{self._decision.verdict.value}")
        head = Text.assemble((verdict, _COLOURS[self._decision.verdict]), f"  {name}  ", (f"({said})", "dim"))
        self._console.print(head, soft_wrap=True)
        self._console.print(Text(self._summary()))

    def _summary(self) -> str:
        asked = sum(finding["status"] != "not_applicable" for finding in self._decision.findings)
        failed, warned = len(self._with("fail")), len(self._with("warn"))
        waived = evidence.waived(self._decision, self._texts)
        key = f"summary.{self._decision.verdict.value}"
        if self._decision.verdict is Verdict.ALLOW and (warned or waived):
            key = "summary.allow_with_warnings" if warned else "summary.allow_with_waivers"
        elif self._decision.verdict is Verdict.DENY and not failed:
            key = "summary.deny_by_problem"
        return f"{self._texts.say(key, asked=asked, failed=failed, warned=warned)} {waived}".rstrip()

    def _problems(self) -> None:
        if self._decision.problems:
            denied = self._decision.verdict is Verdict.DENY
            self._section(self._texts.say("section.denying_problems" if denied else "section.problems"))
        for problem in self._decision.problems:
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
        if finding["violations"] and not self._brief:
            self._labelled("finding.required", self._texts.requirement(control))
            for reason in reasons(finding, self._decision, self._texts):
                self._labelled("finding.because", reason)
        for line in evidence.waivers(finding, self._texts):
            self._indented(line.text, line.indent)
        if not self._brief:
            self._mend(evidence.remedy(finding, self._texts) or self._texts.mend(control))

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

    def _foot(self, failed: list[JsonObject]) -> None:
        self._console.print()
        settings = self._decision.document["settings"]
        production = self._decision.document["stage"] == Stage.PRODUCTION.value
        if production and settings["separation_of_duties"] == Separation.OFF.value:
            self._line(self._texts.say("footer.separation_off"))
        if not production and settings["minimum_strength"] == "declared" and self._decision.verdict is Verdict.ALLOW:
            self._line(self._texts.say("footer.unsigned"))
        if self._decision.document["as_of"]:
            self._line(self._texts.say("footer.as_of", day=self._decision.document["now"]["text"][:10]))
        for line in footer.thresholds(self._decision, self._texts):
            self._line(line)
        for line in footer.places(self._decision, self._texts):
            self._line(line)
        if settings["raised"]:
            self._line(self._texts.say("footer.raised", found=settings["raised"]))
        if self._decision.document["stage"] == Stage.REVIEW.value:
            self._line(self._texts.say("footer.review"))
        self._line(self._texts.say("footer.meaning"))
        if failed:
            self._line(self._texts.say("footer.explain", control=failed[0]["control"]))

    def _line(self, text: str) -> None:
        self._indented(Text(text, style="dim"), 0)

    def _section(self, title: str) -> None:
        self._console.print()
        self._console.print(Text(title, style="bold underline"))

    def _indented(self, text: str | Text, indent: int, mark: tuple[str, str] | None = None) -> None:
        body = text if isinstance(text, Text) else Text(text)
        if mark:
            body = Text.assemble(mark, " ", body)
        for line in body.wrap(self._console, max(self._console.width - indent, _NARROWEST)):
            line.rstrip()
            self._console.print(Text.assemble(" " * indent, line), soft_wrap=True)


def _mark(violation: JsonObject, finding: JsonObject) -> tuple[str, str]:
    if not Texts.denies(violation) or finding["status"] not in {"fail", "waived"}:
        return "!", "yellow"
    return "-", "red" if finding["status"] == "fail" else "yellow"
