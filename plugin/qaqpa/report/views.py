# SPDX-License-Identifier: Apache-2.0
"""A decision as a page shows it: every text in one language, nothing but texts, lists and records of texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qaqpa import __version__
from qaqpa.escape import visible
from qaqpa.model import Evidence, JsonObject
from qaqpa.report import evidence
from qaqpa.report.because import Told, reasons
from qaqpa.report.forms import shown
from qaqpa.report.judged import Judged
from qaqpa.report.results import Result, results
from qaqpa.report.summary import before, compared, notes, said_of, tasks, word
from qaqpa.report.texts import Texts

_ORDER = ("undecided", "fail", "warn", "waived")
_MAX_TARGET = 1000


@dataclass(frozen=True)
class Found:
    """One thing that was found: a sentence, where it stands, and how much it weighs."""

    message: str
    level: str
    place: str = ""
    new: bool = False


@dataclass(frozen=True)
class Card:
    """What stands in the way, or warns, or is waived, with its four parts."""

    control: str
    title: str
    status: str
    said: str
    found: tuple[Found, ...]
    required: str = ""
    because: tuple[Told, ...] = ()
    mend: str = ""
    who: str = ""
    cannot_prove: str = ""
    days: tuple[str, ...] = ()


@dataclass(frozen=True)
class Behind:
    """A statement behind a finding: its kind, its strength, who signed it, and until when it holds."""

    kind: str
    strength: str
    signers: tuple[str, ...]
    source: str
    until: str


@dataclass(frozen=True)
class Row:
    """A requirement that was asked for, and what is behind its result."""

    control: str
    title: str
    status: str
    said: str
    why: str
    behind: tuple[Behind, ...]


@dataclass(frozen=True)
class View:
    """All that a page says of a decision."""

    key: str
    subject: str
    verdict: str
    said: str
    summary: str
    meaning: str
    facts: tuple[tuple[str, str, bool], ...]
    before: str
    compared: tuple[tuple[str, list[str]], ...]
    tasks: tuple[str, ...]
    problems: tuple[Card, ...]
    cards: Mapping[str, tuple[Card, ...]]
    waivers: tuple[Mapping[str, Any], ...]
    families: tuple[tuple[str, tuple[Row, ...]], ...]
    refused: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]


def view(judged: Judged, texts: Texts, key: str) -> View:
    """The view of a decision; `key` is what its anchors begin with."""
    decision = judged.decision
    found = results(judged, texts)
    findings = [] if judged.gone else decision.findings
    cards = [_card(finding, judged, found, texts) for finding in findings if finding["status"] in _ORDER]
    worse = judged.standing is not decision.verdict
    return View(
        key=key,
        subject=texts.subject(decision.document["subject"]),
        verdict=judged.standing.value,
        said=word(judged, texts),
        summary=said_of(judged, texts),
        meaning="" if worse or judged.gone else texts.say(f"meaning.{decision.verdict.value}"),
        facts=tuple(_facts(judged, texts)),
        before=before(judged, texts),
        compared=tuple(compared(judged, texts)),
        tasks=tuple(tasks(judged, texts)),
        problems=tuple(_general(result) for result in found if _is_general(result)),
        cards={status: tuple(card for card in cards if card.status == status) for status in _ORDER},
        waivers=tuple(_waivers(judged, texts)),
        families=() if judged.gone else tuple(_families(judged, texts)),
        refused=tuple(_refused(judged, texts)),
        notes=tuple(notes(decision, texts)),
    )


def _facts(judged: Judged, texts: Texts) -> Iterator[tuple[str, str, bool]]:
    """What was judged, when, by what: a name, a text, and whether that is a digest or a path."""
    document = judged.decision.document
    unknown = texts.say("report.unknown")
    yield texts.say("report.target"), visible(judged.target, _MAX_TARGET), True
    yield texts.say("report.stage"), visible(document["stage"]), False
    yield texts.say("report.profiles"), ", ".join(map(visible, document["profiles"])), False
    yield texts.say("report.moment"), shown(document["now"]["text"], texts.language), False
    if document["actor"]:
        yield texts.say("report.asked_by"), visible(document["actor"]), False
    yield texts.say("report.model_digest"), visible(document["subject"]["digest"] or unknown), True
    yield texts.say("report.context_digest"), visible(document["context_digest"] or unknown), True
    yield texts.say("report.policy_digest"), visible(judged.decision.policy_digest), True
    yield texts.say("report.engine"), visible(judged.decision.engine), False
    yield "Qaqpa", __version__, False


def _is_general(result: Result) -> bool:
    return result.status == "problem" or result.about_context or (result.weakens and result.blocks)


def _general(result: Result) -> Card:
    """A problem, a context that was refused, or what became weaker and is refused for that."""
    found = Found(result.message, result.shown, place=_place(result), new=result.change == "new")
    status = "fail" if result.blocks and result.weakens else result.status
    return Card(result.name, result.title, status, "", (found,), mend=result.mend)


def _card(finding: JsonObject, judged: Judged, found: list[Result], texts: Texts) -> Card:
    control = finding["control"]
    listed: dict[str, Found] = {}
    for result in found:
        if result.control == control and not result.weakens:
            # Two statements may say the same; once is enough.
            listed.setdefault(
                result.message, Found(result.message, result.shown, _place(result), result.change == "new")
            )
    return Card(
        control=visible(control),
        title=texts.title(control),
        status=finding["status"],
        said=texts.say(f"status.{finding['status']}"),
        found=tuple(listed.values()),
        required=texts.requirement(control),
        because=tuple(reasons(finding, judged.decision, texts)),
        mend=evidence.remedy(finding, texts) or texts.mend(control),
        who=texts.actor(control),
        cannot_prove=texts.cannot_prove(control),
        days=tuple(texts.say("finding.denies_from", day=day["text"]) for day in finding["denies_from"]),
    )


def _waivers(judged: Judged, texts: Texts) -> Iterator[Mapping[str, Any]]:
    for finding in judged.decision.findings:
        for waiver in finding["waivers"]:
            yield {
                "control": visible(finding["control"]),
                "title": texts.title(finding["control"]),
                "until": shown(waiver["until"]["text"], texts.language),
                "reason": visible(waiver["reason"], evidence.MAX_DETAIL),
                "measures": [visible(measure, evidence.MAX_DETAIL) for measure in waiver["compensating"]],
                "ticket": visible(waiver["ticket"]),
                "signers": ", ".join(map(visible, waiver["signers"])),
            }


def _families(judged: Judged, texts: Texts) -> Iterator[tuple[str, tuple[Row, ...]]]:
    grouped: dict[str, list[Row]] = {}
    for finding in judged.decision.findings:
        card = texts.catalog.controls.get(finding["control"]) or {}
        grouped.setdefault(str(card.get("family", "")), []).append(_row(finding, judged, texts))
    for family, rows in sorted(grouped.items()):
        yield (visible(texts.family(family)), tuple(rows))


def _row(finding: JsonObject, judged: Judged, texts: Texts) -> Row:
    exempt = finding["status"] == "not_applicable"
    facts = [judged.places.fact(identity) for identity in finding["evidence"]]
    return Row(
        control=visible(finding["control"]),
        title=texts.title(finding["control"]),
        status=finding["status"],
        said=texts.say(f"status.{finding['status']}"),
        why=evidence.not_applicable(finding, texts) if exempt else "",
        behind=tuple(_behind(fact, texts) for fact in facts if fact is not None),
    )


def _behind(fact: Evidence, texts: Texts) -> Behind:
    signers = tuple(f"{visible(signer.id)} ({visible(signer.unit)})" for signer in fact.signers)
    until = shown(fact.expires_at.strftime("%Y-%m-%d"), texts.language) if fact.expires_at else ""
    strength = texts.say(f"strong.{fact.strength.value}")
    return Behind(texts.kind_named(visible(fact.kind)), strength, signers, visible(fact.source, _MAX_TARGET), until)


def _refused(judged: Judged, texts: Texts) -> Iterator[Mapping[str, Any]]:
    for refusal in judged.decision.document["rejected"]:
        yield {
            "kind": texts.kind_named(visible(refusal["kind"])),
            "source": visible(refusal["source"], _MAX_TARGET),
            "code": visible(refusal["code"]),
            "reason": texts.reason(refusal["code"]),
            "detail": evidence.detail(refusal),
            "mend": texts.remedy(refusal["code"]),
        }


def _place(result: Result) -> str:
    place = result.place
    return f"{visible(place.file, _MAX_TARGET)}:{place.line}:{place.column}" if place else ""
