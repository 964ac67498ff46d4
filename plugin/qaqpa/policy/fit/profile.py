# SPDX-License-Identifier: Apache-2.0
"""Whether a profile fits the controls, cards and acts that it names."""

from __future__ import annotations

from pathlib import Path

from qaqpa.documents import Document
from qaqpa.model import JsonObject
from qaqpa.policy.fit.parts import Parts, Problems, unknown
from qaqpa.policy.opa import PolicyError
from qaqpa.policy.severity import OF_THE_GATE, general_bases


def profile_problems(profile: Document, parts: Parts) -> Problems:
    """What does not fit in a profile whose form is right."""
    for number, act in enumerate(profile.value.get("acts", ())):
        if act not in parts.acts:
            where = profile.where(("acts", number))
            yield unknown("acts: there is no act", act, where, sorted(parts.acts), "Correct the name, or write it")
    if profile.value["statutory"] and not profile.value.get("acts"):
        yield PolicyError(
            "statutory: it claims what a statute asks, and names no act",
            where=profile.where(("statutory",)),
            required="acts, a list of folders in law/",
            mend="Name the acts, or say statutory: false",
        )
    for control, demand in profile.value["controls"].items():
        if control not in parts.controls:
            where = profile.where(("controls", control))
            yield unknown(
                "controls: there is no control",
                control,
                where,
                list(parts.controls),
                "Correct the name, or write the control",
            )
        yield from _demand_problems(profile, control, demand, parts)


def _demand_problems(profile: Document, control: str, demand: JsonObject, parts: Parts) -> Problems:
    place, card = ("controls", control), parts.cards.get(control, {})
    for field in demand.get("warn_when", {}):
        if field not in parts.context_fields:
            where = profile.where((*place, "warn_when", field))
            said = f"controls.{control}.warn_when: the context has no field"
            yield unknown(said, field, where, parts.context_fields, "Correct the name")
    known = [*card.get("texts", {}).get("en", {}).get("violations", ()), *sorted(OF_THE_GATE)]
    for number, code in enumerate(demand.get("without", ())):
        if code not in known or code in OF_THE_GATE:
            where = profile.where((*place, "without", number))
            said = f"controls.{control}.without: its card has no code"
            yield unknown(said, code, where, [name for name in known if name not in OF_THE_GATE], "Correct the code")
    if "basis" in demand:
        name = Path(profile.name).parent.name
        found = general_bases(card, name, profile.value.get("acts", ()))
        if demand["basis"] not in found:
            yield PolicyError(
                f"controls.{control}.basis: {demand['basis']!r} is not what the card says",
                where=profile.where((*place, "basis")),
                required=" or ".join(found),
                mend="Correct it here, or the strengths of the provisions on the card",
            )
