# SPDX-License-Identifier: Apache-2.0
"""The decision as one line, as MLflow's client, its web page and a log show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from qaqpa.escape import visible
from qaqpa.evidence.kinds import OVERRIDE
from qaqpa.model import Decision, JsonObject, Problem, Verdict
from qaqpa.policy.bundle import Catalog
from qaqpa.report import evidence, rollback
from qaqpa.report.because import unverified
from qaqpa.report.codes import causes_first
from qaqpa.report.texts import Texts

_MOST = 8
_FIRST = 5  # of what lacks for one reason, where more than that many lack
_ENDED = frozenset({"expired", "expired_by_rule", "withdrawn"})
_OF_ITS_PEOPLE = frozenset({"not_independent", "same_unit", "too_few_signers", "people_unknown"})
_LONGEST = 8000


def one_line(decision: Decision, catalog: Catalog, language: str = "en", *, has_parties: bool = True) -> str:
    """The verdict and that nothing was changed, how to learn more, then what stands in the way as `1) … 2) …`.

    MLflow's page folds line breaks into spaces, so the line has none; and its pop-ups vanish after three seconds, so
    what matters most stands first, and what lacks for the same reason stands together.

    Args:
        decision: what was decided.
        catalog: of the engine.
        language: of the texts.
        has_parties: false where no parties file is configured, which then is why so much lacks.
    """
    texts = Texts(catalog, language)
    subject = decision.document["subject"]
    head = texts.say(f"line.{decision.verdict.value}", model=texts.subject(subject), stage=decision.document["stage"])
    besides = " ".join(filter(None, (evidence.waived(decision, texts), rollback.told(decision, texts))))
    if decision.verdict is Verdict.ALLOW:
        return f"{head} {besides}".rstrip()
    failed = [finding for finding in decision.findings if finding["status"] == "fail"]
    asked = sum(finding["status"] != "not_applicable" for finding in decision.findings)
    parts = [head]
    if failed:
        parts.append(texts.say("summary.deny", failed=len(failed), asked=asked))
    if besides:
        parts.append(besides)
    if subject["version"]:
        # A version that does not exist yet cannot be checked by its name.
        parts.append(texts.say("line.details", target=visible(f"models:/{subject['name']}/{subject['version']}")))
    fresh, ended = _overrides(decision, texts)
    reasons = [] if has_parties else [texts.say("line.no_parties")]
    reasons += [*_problems(decision, texts), *fresh]
    reasons += [*_refused(decision, failed, texts), *_findings(failed, decision, texts)]
    reasons += [
        f"{finding['control']}: {texts.say('finding.undecided')}"
        for finding in decision.findings
        if finding["status"] == "undecided"
    ]
    reasons += ended
    parts += [f"{number}) {reason}" for number, reason in enumerate(reasons[:_MOST], 1)]
    if len(reasons) > _MOST:
        parts.append(texts.say("line.more", count=len(reasons) - _MOST))
    return visible(" ".join(parts), _LONGEST)


def problem_line(action: str, problem: Problem, catalog: Catalog, language: str = "en") -> str:
    """That nothing could be decided, for one reason, before there was anything to decide about.

    Args:
        action: what somebody asked for, with the model in it.
        problem: the reason.
        catalog: of the engine.
        language: of the texts.
    """
    texts = Texts(catalog, language)
    sentence, detail = texts.problem(asdict(problem))
    head = texts.say("line.problem", action=visible(action))
    return visible(f"{head} {sentence} {visible(detail)}".strip(), _LONGEST)


def _problems(decision: Decision, texts: Texts) -> Iterator[str]:
    """A problem is often the cause of all that fails, so it comes first whatever the verdict."""
    for problem in causes_first(decision.problems):
        sentence, detail = texts.problem(problem)
        yield f"{sentence} {visible(detail)}".strip()


def _overrides(decision: Decision, texts: Texts) -> tuple[list[str], list[str]]:
    """The override that was nearest to counting, and why it does not; apart where it has ended: it stays for ever."""
    refusals = evidence.refused(decision, OVERRIDE)
    if not refusals:
        return [], []
    code = refusals[0]["code"]
    said = texts.say(
        "line.override_refused", source=visible(refusals[0]["source"]), code=code, detail=_clause(refusals[0])
    )
    remedy = texts.say("line.override_people") if code in _OF_ITS_PEOPLE else texts.remedy(code)
    told = [f"{said} {remedy}".rstrip()]
    return ([], told) if code in _ENDED else (told, [])


def _refused(decision: Decision, failed: list[JsonObject], texts: Texts) -> Iterator[str]:
    """A refused context, then the first evidence that was refused, each with its own reason; then all that lacks."""
    for refusal in evidence.refused_contexts(decision)[:1]:
        yield texts.say("line.context_refused", code=refusal["code"], detail=_clause(refusal))
    lacking = [(finding, found) for finding in failed for found in finding["violations"] if texts.lacks(found)]
    for place, (finding, violation) in enumerate(lacking):
        refusals = evidence.refused_for(violation, decision)
        if refusals:
            control, code = finding["control"], refusals[0]["code"]
            actor, kind, why = texts.actor(control), violation["field"], _clause(refusals[0])
            said = texts.say("line.refused", control=control, actor=actor, kind=kind, code=code, detail=why)
            yield f"{said} {texts.remedy(code)}".rstrip()
            del lacking[place]
            break
    yield from _lacking(lacking, texts, can_check=bool(decision.document["subject"]["version"]))


def _lacking(lacking: list[tuple[JsonObject, JsonObject]], texts: Texts, *, can_check: bool) -> Iterator[str]:
    """Evidence that lacks, as finding and violation; one sentence for each cause.

    Of very many only the first are told where a command tells the rest.
    """
    causes: dict[str, list[str]] = {}
    for finding, violation in lacking:
        who = f"{violation['field']} ({finding['control']}, {texts.actor(finding['control'])})"
        causes.setdefault(texts.cause(violation), []).append(visible(who))
    for cause, kinds in causes.items():
        told = kinds if len(kinds) <= _MOST or not can_check else kinds[:_FIRST]
        more = f", {texts.say('line.more_kinds', count=len(kinds) - len(told))}" if len(told) < len(kinds) else ""
        yield f"{cause}: {', '.join(told)}{more}."


def _findings(failed: list[JsonObject], decision: Decision, texts: Texts) -> Iterator[str]:
    """The first thing that each piece of evidence says against the model."""
    for finding in failed:
        control = finding["control"]
        said = [found for found in finding["violations"] if texts.denies(found) and not texts.lacks(found)]
        if said:
            more = f" {texts.say('line.more_here', count=len(said) - 1)}" if len(said) > 1 else ""
            mark = f" {texts.say('line.unverified')}" if unverified(control, said[0], decision, texts) else ""
            yield f"{control} ({texts.actor(control)}): {texts.violation(control, said[0])}{mark}{more}"


def _clause(refusal: JsonObject) -> str:
    """The sentence of a refusal, to stand in brackets."""
    return str(refusal["detail"]).rstrip().removesuffix(".")
