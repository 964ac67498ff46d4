# SPDX-License-Identifier: Apache-2.0
"""What reports say of evidence that was refused, of waivers, and of the statements that a finding rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qaqpa.escape import visible
from qaqpa.evidence.kinds import SYSTEM
from qaqpa.model import Decision, JsonObject
from qaqpa.report.codes import nearest_first
from qaqpa.report.texts import Texts, codes_in

MAX_DETAIL = 500
"""Longest detail of a refusal that is shown, in characters."""

_SHORT_ID = 16  # as much as the tag of a statement has of it
_MOST_AT_A_FINDING = 3


@dataclass(frozen=True)
class Line:
    """A paragraph of a report; `remedy` marks what to do, which a brief report leaves out."""

    text: str
    indent: int
    remedy: bool = False


def detail(refusal: JsonObject) -> str:
    """The sentence of a refusal, made harmless."""
    return visible(refusal["detail"], MAX_DETAIL)


def refused(decision: Decision, kind: str) -> list[JsonObject]:
    """What was refused of a kind, what was nearest to counting first."""
    refusals = [refusal for refusal in decision.document["rejected"] if refusal["kind"] == kind]
    order = nearest_first(refusal["code"] for refusal in refusals)
    return sorted(refusals, key=lambda refusal: order.index(refusal["code"]))


def refused_contexts(decision: Decision) -> list[JsonObject]:
    """The contexts that were refused, where none counts: then every requirement applies at its strictest."""
    return [] if decision.document["context_digest"] else refused(decision, SYSTEM)


def refused_for(violation: JsonObject, decision: Decision) -> list[JsonObject]:
    """What was refused of the kind that a violation says is refused, what was nearest to counting first."""
    return refused(decision, violation["field"]) if violation["code"] == "evidence_refused" else []


def at_finding(violation: JsonObject, decision: Decision, texts: Texts) -> Iterator[str]:
    """What was refused of the kind that a finding lacks, each with its own sentence."""
    found = refused_for(violation, decision)
    yield from (told(refusal, texts) for refusal in found[:_MOST_AT_A_FINDING])
    if len(found) > _MOST_AT_A_FINDING:
        yield texts.say("note.refused_more", count=len(found) - _MOST_AT_A_FINDING)


def told(refusal: JsonObject, texts: Texts) -> str:
    """A refusal in one sentence, with its code and where the evidence came from."""
    return texts.say("note.refused", detail=refusal["detail"], code=refusal["code"], source=refusal["source"])


def remedy(finding: JsonObject, texts: Texts) -> str:
    """What to do, and whom to ask, about evidence that was refused or is too weak; empty where there is none.

    Of what was refused it is about the piece that was nearest to counting.
    """
    by_code = {found["code"]: found for found in reversed(finding["violations"])}
    codes = codes_in(by_code["evidence_refused"]) if "evidence_refused" in by_code else []
    if codes:
        return texts.remedy(nearest_first(codes)[0])
    weak = by_code.get("evidence_too_weak")
    return texts.say("finding.too_weak", must=texts.must(weak), kind=weak["field"]) if weak else ""


def refusals(decision: Decision, texts: Texts) -> Iterator[Line]:
    """All evidence that was refused, what was refused for the same reason together."""
    rejected = decision.document["rejected"]
    for code in nearest_first(refusal["code"] for refusal in rejected):
        yield Line(f"{visible(code)}: {texts.reason(code)}.", 2)
        for refusal in rejected:
            if refusal["code"] == code:
                named = ", ".join(filter(None, (visible(refusal["kind"]), visible(refusal["source"]))))
                yield Line(f"{named}: {detail(refusal)}", 4)
        if texts.remedy(code):
            yield Line(texts.remedy(code), 4, remedy=True)


def waivers(finding: JsonObject, texts: Texts) -> Iterator[Line]:
    """Each waiver of a finding: until when, why, what stands in for the requirement, and who signed."""
    for waiver in finding["waivers"]:
        yield Line(texts.say(f"waiver.{waiver['category']}", until=waiver["until"]["text"]), 4)
        yield Line(texts.say("waiver.reason", reason=waiver["reason"]), 6)
        for measure in waiver["compensating"]:
            yield Line(texts.say("waiver.compensating", measure=measure), 6)
        yield Line(texts.say("waiver.ticket", ticket=waiver["ticket"]), 6)
        yield Line(texts.say("waiver.signers", signers=waiver["signers"]), 6)


def not_applicable(finding: JsonObject, texts: Texts) -> str:
    """Why a control does not apply: the fields of the context, and the statements that hold it."""
    control, fields = finding["control"], texts.context_fields(finding["not_applicable_because"])
    facts = [fact[:_SHORT_ID] for fact in finding["evidence"]]
    if facts:
        return texts.say("finding.not_applicable_fact", control=control, fields=fields, facts=facts)
    return texts.say("finding.not_applicable", control=control, fields=fields)


def waived(decision: Decision, texts: Texts) -> str:
    """How many requirements are waived, and which; empty where none is."""
    controls = [finding["control"] for finding in decision.findings if finding["status"] == "waived"]
    return texts.say("summary.waived", waived=len(controls), controls=controls) if controls else ""
