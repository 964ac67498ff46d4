# SPDX-License-Identifier: Apache-2.0
"""The decision for people at a terminal: what is missing, grouped by who has to act, worst first."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from qaqpa.model import Decision, JsonObject, Stage, Verdict
from qaqpa.policy.bundle import Catalog
from qaqpa.report.escape import visible
from qaqpa.report.texts import Texts

_COLOURS = {Verdict.ALLOW: "bold green", Verdict.DENY: "bold red", Verdict.UNDECIDED: "bold yellow"}
_NARROWEST = 20
_MARKS = {"fail": ("✗", "red"), "warn": ("!", "yellow"), "undecided": ("?", "yellow")}


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
        failed = self._with("fail")
        for actor in dict.fromkeys(self._texts.actor(finding["control"]) for finding in failed):
            self._section(self._texts.say("section.todo", actor=actor))
            for finding in failed:
                if self._texts.actor(finding["control"]) == actor:
                    self._finding(finding)
        for status, section in (("undecided", "section.undecided"), ("warn", "section.warnings")):
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
        subject = document["subject"]
        name = f"{subject['name']} version {subject['version']}" if subject["version"] else subject["name"]
        where = self._texts.say("summary.stage", stage=document["stage"], profiles=document["profiles"])
        verdict = self._texts.say(f"verdict.{self._decision.verdict.value}")
        head = Text.assemble((verdict, _COLOURS[self._decision.verdict]), f"  {visible(name)}  ", (f"({where})", "dim"))
        self._console.print(head, soft_wrap=True)
        self._console.print(Text(self._summary()))

    def _summary(self) -> str:
        asked = sum(finding["status"] != "not_applicable" for finding in self._decision.findings)
        warned = len(self._with("warn"))
        key = f"summary.{self._decision.verdict.value}"
        if self._decision.verdict is Verdict.ALLOW and warned:
            key = "summary.allow_with_warnings"
        return self._texts.say(key, asked=asked, failed=len(self._with("fail")), warned=warned)

    def _problems(self) -> None:
        if self._decision.problems:
            self._section(self._texts.say("section.problems"))
        for problem in self._decision.problems:
            self._indented(self._texts.say(f"problem.{problem['code']}"), 2, mark=("?", "yellow"))
            if problem["detail"]:
                self._indented(visible(problem["detail"], 2000), 4)

    def _finding(self, finding: JsonObject) -> None:
        control = finding["control"]
        title = Text.assemble((control, "bold"), f"  {self._texts.title(control)}")
        self._indented(title, 2, mark=_MARKS[finding["status"]])
        if finding["status"] == "undecided":
            self._indented(self._texts.say("finding.undecided"), 4)
        said: dict[str, tuple[str, str]] = {}
        for violation in self._texts.worst_first(finding):
            # Two statements may say the same; once is enough.
            said.setdefault(self._texts.violation(control, violation), _mark(violation, finding))
        for sentence, mark in said.items():
            self._indented(sentence, 4, mark=mark)
        statements = len(finding["evidence"])
        if said and statements > self._texts.kinds(control):
            self._indented(self._texts.say("note.several", count=statements), 4)
        for day in finding["denies_from"]:
            self._indented(self._texts.say("finding.denies_from", day=day["text"]), 4)
        if not self._brief:
            because = self._texts.because(control)
            if because:
                self._indented(Text(f"{self._texts.say('finding.because')} {because[0]}", style="dim"), 4)
            refused = any(violation["code"] == "evidence_refused" for violation in finding["violations"])
            mend = self._texts.say("mend.evidence_refused") if refused else self._texts.mend(control)
            self._indented(Text.assemble((f"{self._texts.say('finding.mend')} ", "cyan"), mend), 4)

    def _rejected(self) -> None:
        rejected = self._decision.document["rejected"]
        if rejected:
            self._section(self._texts.say("section.rejected"))
        for refusal in rejected:
            self._indented(
                f"{visible(refusal['source'])}: {visible(refusal['detail'])} [{visible(refusal['code'])}]", 2
            )

    def _others(self) -> None:
        passed = [finding["control"] for finding in self._with("pass")]
        if passed:
            self._section(self._texts.say("section.passed"))
            self._indented(", ".join(passed), 2)
        exempt = self._with("not_applicable")
        if exempt:
            self._section(self._texts.say("section.not_applicable"))
        for finding in exempt:
            fields = finding["not_applicable_because"]
            self._indented(self._texts.say("finding.not_applicable", control=finding["control"], fields=fields), 2)

    def _foot(self, failed: list[JsonObject]) -> None:
        self._console.print()
        settings = self._decision.document["settings"]
        if settings["minimum_strength"] == "declared" and self._decision.verdict is Verdict.ALLOW:
            self._line(self._texts.say("footer.declared"))
        if settings["thresholds"]:
            self._line(self._texts.say("footer.settings", found=settings["thresholds"]))
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
    denies = violation["level"] == "deny" and finding["status"] == "fail"
    return ("-", "red") if denies else ("!", "yellow")
