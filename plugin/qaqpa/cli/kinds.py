# SPDX-License-Identifier: Apache-2.0
"""The page of a kind of evidence. What its schema says of each field is English, as the schema is."""

from __future__ import annotations

from qaqpa.cli.fields import Field, fields, note, readers
from qaqpa.evidence.kinds import NEVER_JUDGED, OVERRIDE, OVERRIDE_REVIEW, SYSTEM, WAIVER, WITHDRAWAL, Kind
from qaqpa.report.page import about, strength
from qaqpa.report.section import Line, Section, section
from qaqpa.report.texts import Texts

_SIGNED_BY = {WAIVER: "level.waiver", OVERRIDE: "level.override", OVERRIDE_REVIEW: "level.override_review"}
_READ_BY_THE_GATE = {
    WITHDRAWAL: "explain.read_by_gate",
    OVERRIDE: "explain.read_by_override",
    OVERRIDE_REVIEW: "explain.read_by_review",
}


def kind_page(own: Kind, texts: Texts) -> list[Section]:
    """What a kind of evidence holds, who supplies it, and who reads it."""
    return [
        section("explain.description", texts, [own.schema["description"]]),
        section("explain.about", texts, [about(own, texts)]),
        section("explain.supplied", texts, [texts.say(f"actor.{own.actor}")]),
        section("explain.kind_strength", texts, _strength(own, texts)),
        section("explain.read_by", texts, _read_by(own, texts)),
        section("explain.kind_fields", texts, [_field(field, own, texts) for field in fields(own)]),
    ]


def _strength(own: Kind, texts: Texts) -> list[str]:
    if own.name in {WAIVER, *NEVER_JUDGED}:
        return [texts.say(_SIGNED_BY[own.name])]
    needing = [card for card in texts.catalog.controls.values() if own.name in card["evidence"]]
    # No control asks for the context itself, and production takes it only signed.
    return strength(needing, texts) if needing or own.name == SYSTEM else []


def _read_by(own: Kind, texts: Texts) -> list[Line]:
    if own.name in _READ_BY_THE_GATE:
        return [Line(texts.say(_READ_BY_THE_GATE[own.name]))]
    controls = texts.catalog.controls
    found = [control for control in sorted(controls) if controls[control]["waivable"]]
    found = found if own.name == WAIVER else readers(own, texts.catalog)
    return [Line(texts.title(control), control) for control in found]


def _field(field: Field, own: Kind, texts: Texts) -> Line:
    said = field.schema.get("description", "")
    return Line(said, f"{field.name} ({note(field, own, texts)})", (field.values(texts),))
