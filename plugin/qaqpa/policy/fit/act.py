# SPDX-License-Identifier: Apache-2.0
"""Whether the dates and marks of an act make sense."""

from __future__ import annotations

from qaqpa.documents import Document
from qaqpa.model import JsonObject
from qaqpa.policy.fit.parts import Parts, Problems, unknown
from qaqpa.policy.opa import PolicyError

_READ_AT_SOURCE = frozenset({"primary", "official"})


def act_problems(act: Document, parts: Parts) -> Problems:
    """What does not fit in an act whose form is right."""
    for name, provision in act.value["provisions"].items():
        place = ("provisions", name)
        if provision["verified"] != (provision["verification"] in _READ_AT_SOURCE):
            yield PolicyError(
                f"provisions.{name}: verified and verification contradict each other",
                where=act.where((*place, "verified")),
                required="verified: true for primary and official, and for these only",
                mend="Say how the text was really read",
            )
        yield from _duty_problems(act, name, provision, parts)


def _duty_problems(act: Document, name: str, provision: JsonObject, parts: Parts) -> Problems:
    entries = provision.get("applies", ())
    for number, entry in enumerate(entries):
        for field in entry.get("when", {}):
            if field not in parts.context_fields:
                where = act.where(("provisions", name, "applies", number, "when", field))
                yield unknown("applies: the context has no field", field, where, parts.context_fields, "Correct it")
    if entries and ("when" in entries[-1] or min(entry["from"] for entry in entries) != entries[-1]["from"]):
        # Whoever says nothing of the field gets the last entry, which must not be milder than another one.
        yield PolicyError(
            f"provisions.{name}.applies: the last entry is not the earliest day for everybody else",
            where=act.where(("provisions", name, "applies")),
            required="a last entry without `when`, with the earliest day",
            mend="Put it last",
        )
