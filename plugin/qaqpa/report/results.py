# SPDX-License-Identifier: Apache-2.0
"""What stands in the way of a model, as one list with the worst first: all formats but the text show it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from qaqpa.escape import visible
from qaqpa.evidence.kinds import SYSTEM
from qaqpa.model import JsonObject, Verdict
from qaqpa.report import evidence
from qaqpa.report.because import Told, reasons
from qaqpa.report.changes import context_fields, is_weakening, weakening
from qaqpa.report.codes import causes_first
from qaqpa.report.judged import Change, Comparison, Judged, Place
from qaqpa.report.pointers import named
from qaqpa.report.texts import Texts

LEVELS = ("error", "warning", "note")
"""How much a result weighs, worst first: it denies, it warns, it is excused."""

_MAX_DETAIL = 2000
_ORDER = ("problem", "undecided", "fail", "warn", "waived")
_LEVEL_OF = {"problem": "error", "undecided": "error", "fail": "error", "warn": "warning", "waived": "note"}


@dataclass(frozen=True)
class Result:
    """A violation, a problem, or evidence that was refused; all texts are one harmless line in one language.

    `control` is empty where it is about no single one. `status` is `fail`, `warn`, `waived`, `undecided` or `problem`.
    `change` is `new` or `known` where there is a base, else empty. `waivers` are the ids of those that excuse it.
    `blocks` says that the exit code is not 0 because of it. `fingerprint` is the
    same for the same thing at another time, on another line and in other words.
    """

    control: str
    code: str
    status: str
    title: str
    message: str
    field: str = ""
    required: str = ""
    because: tuple[Told, ...] = ()
    actor: str = ""
    mend: str = ""
    profiles: tuple[str, ...] = ()
    place: Place | None = None
    waivers: tuple[str, ...] = ()
    change: str = ""
    fingerprint: str = ""
    blocks: bool = False

    @property
    def level(self) -> str:
        """`error` for what denies or leaves undecided, `warning` for what warns, `note` for what is waived."""
        return _LEVEL_OF[self.status]

    @property
    def shown(self) -> str:
        """The level that people see: what makes the run fail is an error, whatever it is in the decision."""
        return "error" if self.blocks else self.level

    @property
    def weakens(self) -> bool:
        """True for what became weaker and is no violation."""
        return self.change == "new" and is_weakening(Change(self.control, self.code, self.field, ""))

    @property
    def about_context(self) -> bool:
        """True for a context that was refused."""
        return not self.control and self.field == SYSTEM

    @property
    def name(self) -> str:
        """Its control and code."""
        return "/".join(filter(None, (self.control, self.code)))


def results(judged: Judged, texts: Texts) -> list[Result]:
    """All that stands in the way, or would; the worst first, of that what is new against the base."""
    found = [
        *_problems(judged, texts),
        *_refusals(judged, texts),
        *_weakenings(judged, texts),
        *(result for finding in judged.decision.findings for result in _of_finding(finding, judged, texts)),
    ]
    marked = ((about, replace(result, blocks=_blocks(result, judged))) for about, result in found)
    return [result for _, result in sorted(_with_fingerprints(marked, judged), key=lambda pair: _rank(*pair))]


def for_people(judged: Judged, texts: Texts) -> list[Result]:
    """What people are told of the results: of a model that is gone, that it is, and not all that is lacking now."""
    found = results(judged, texts)
    return [result for result in found if result.weakens or result.status == "problem"] if judged.gone else found


def counted(found: Iterable[Result]) -> dict[str, int]:
    """How many results there are of each level."""
    numbers = Counter(result.shown for result in found)
    return {level: numbers[level] for level in LEVELS}


def _problems(judged: Judged, texts: Texts) -> Iterator[tuple[str, Result]]:
    denied = judged.decision.verdict is Verdict.DENY
    title = texts.say("section.denying_problems" if denied else "section.problems")
    for problem in causes_first(judged.decision.problems):
        sentence, detail = texts.problem(problem)
        message = f"{sentence} {visible(detail, _MAX_DETAIL)}".strip()
        place = judged.places.of_subject()
        change = _change("", {"code": problem["code"], "field": ""}, judged.comparison)
        yield "", Result("", visible(problem["code"]), "problem", title, message, place=place, change=change)


def _refusals(judged: Judged, texts: Texts) -> Iterator[tuple[str, Result]]:
    """The contexts that were refused where none counts, and what was refused of a kind that is lacking.

    Of such a kind the piece that was nearest to counting is told where the kind lacks.
    """
    decision = judged.decision
    contexts = evidence.refused_contexts(decision)
    lacking = _refused_kinds(judged)
    for refusal in decision.document["rejected"]:
        kind = refusal["kind"]
        denies = lacking.get(kind, False) or (refusal in contexts and decision.verdict is not Verdict.ALLOW)
        told = kind in lacking and refusal == evidence.refused(decision, kind)[0]
        if refusal not in contexts and (kind not in lacking or told):
            continue
        code = visible(refusal["code"])
        title = texts.say("section.context") if refusal in contexts else texts.reason(refusal["code"])
        yield (
            kind,
            Result(
                control="",
                code=code,
                status="fail" if denies else "warn",
                title=title,
                message=f"{visible(kind)}: {evidence.told(refusal, texts)}",
                field=visible(kind),
                mend=texts.remedy(refusal["code"]),
                place=judged.places.of_source(refusal["source"]),
            ),
        )


def _weakenings(judged: Judged, texts: Texts) -> Iterator[tuple[str, Result]]:
    """What became weaker and is no violation. The decision does not deny for it; the review may, and so it blocks."""
    for change in judged.comparison.new if judged.comparison else ():
        if is_weakening(change):
            control = visible(change.control)
            title = texts.title(control) if control else texts.say("compare.new")
            fields = context_fields(change)
            place = judged.places.of_context(fields[0]) if fields else judged.places.of_subject()
            message = weakening(change, texts)
            field, code = visible(change.field), visible(change.code)
            yield "", Result(control, code, "warn", title, message, field=field, place=place, change="new")


def _refused_kinds(judged: Judged) -> dict[str, bool]:
    """The kinds that lack because what there is was refused, and whether a profile denies for that."""
    kinds: dict[str, bool] = {}
    for finding in judged.decision.findings:
        for violation in finding["violations"]:
            if violation["code"] == "evidence_refused":
                denies = finding["status"] == "fail" and Texts.denies(violation)
                kinds[violation["field"]] = kinds.get(violation["field"], False) or denies
    return kinds


def _of_finding(finding: JsonObject, judged: Judged, texts: Texts) -> Iterator[tuple[str, Result]]:
    control = finding["control"]
    common = Result(
        control=visible(control),
        code="undecided",
        status="undecided",
        title=texts.title(control),
        message=texts.say("finding.undecided"),
        required=texts.requirement(control),
        actor=texts.actor(control),
        mend=texts.mend(control),
        profiles=tuple(map(visible, finding["profiles"])),
        waivers=tuple(visible(waiver["id"]) for waiver in finding["waivers"]),
    )
    if finding["status"] == "undecided":
        change = _change(control, {"code": "undecided", "field": ""}, judged.comparison)
        yield "", replace(common, place=judged.places.of_subject(), waivers=(), change=change)
    for violation in texts.worst_first(finding):
        excused = finding["status"] == "waived" and texts.denies(violation)
        denies = finding["status"] == "fail" and texts.denies(violation)
        alone = {**finding, "violations": [violation]}
        yield (
            json.dumps(named(violation["found"])),
            replace(
                common,
                code=visible(violation["code"]),
                status="waived" if excused else "fail" if denies else "warn",
                message=_message(control, violation, judged, texts),
                field=visible(violation["field"]),
                because=tuple(reasons(alone, judged.decision, texts)),
                mend=evidence.remedy(alone, texts) or common.mend,
                profiles=tuple(visible(entry["profile"]) for entry in violation["asked_by"]),
                place=judged.places.of_violation(violation),
                waivers=common.waivers if excused else (),
                change=_change(control, violation, judged.comparison),
            ),
        )


def _message(control: str, violation: JsonObject, judged: Judged, texts: Texts) -> str:
    """A violation as a sentence; where evidence was refused with the refusal that was nearest to counting."""
    refused = evidence.refused_for(violation, judged.decision)[:1]
    return " ".join((texts.violation(control, violation), *(evidence.told(refusal, texts) for refusal in refused)))


def _change(control: str, violation: JsonObject, comparison: Comparison | None) -> str:
    if comparison is None:
        return ""
    same = (control, violation["code"], violation["field"])
    new = any((change.control, change.code, change.field) == same for change in comparison.new)
    return "new" if new or not comparison.existed else "known"


def _blocks(result: Result, judged: Judged) -> bool:
    """Whether the run does not end with 0 because of it, as `qaqpa.review.run` decides for a review."""
    same = (result.control, result.code, result.field)
    named = ((change.control, change.code, change.field) for change in judged.refused)
    if any(same == tuple(map(visible, parts)) for parts in named):
        return True
    everything = judged.fail_on in {"", "any"} or judged.decision.verdict is Verdict.UNDECIDED
    return everything and result.level == "error"


def _with_fingerprints(found: Iterable[tuple[str, Result]], judged: Judged) -> Iterator[tuple[str, Result]]:
    """Each with what tells it from others of its kind; those that nothing tells apart are numbered."""
    document = judged.decision.document
    seen: Counter[str] = Counter()
    for about, result in found:
        parts = [result.control, result.code, result.field, document["subject"]["name"], document["stage"], about]
        identity = json.dumps(parts)
        seen[identity] += 1
        written = json.dumps([*parts, seen[identity]])
        yield about, replace(result, fingerprint=hashlib.sha256(written.encode()).hexdigest())


def _rank(about: str, result: Result) -> tuple[bool, int, int, bool, bool, str, str, str, str]:
    """A rank that is the same in every language."""
    level, status = LEVELS.index(result.shown), _ORDER.index(result.status)
    return (
        not result.blocks,
        level,
        status,
        result.change != "new",
        not result.control,
        result.control,
        result.code,
        about,
        result.fingerprint,
    )
