# SPDX-License-Identifier: Apache-2.0
"""The law as its data have it: what a provision says, since when, how well that was read, and who rests on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qaqpa.model import JsonObject
from qaqpa.report.section import joined, labelled
from qaqpa.report.texts import Texts
from qaqpa.report.weights import BASIS, conditions

_READ_AT_SOURCE = frozenset({"primary", "official"})


@dataclass(frozen=True)
class Resting:
    """A control that rests on a provision, by one link of its card."""

    control: str
    link: JsonObject


def provisions_of(act: str, texts: Texts) -> list[str]:
    """The provisions of an act, the second article before the tenth."""
    return sorted(texts.catalog.law[act].get("provisions", {}), key=_by_number)


def resting(act: str, provision: str, texts: Texts) -> list[Resting]:
    """The controls that rest on a provision, as their cards say."""
    return [found for found in _links(texts) if (found.link["act"], found.link["provision"]) == (act, provision)]


def resting_on_act(act: str, texts: Texts) -> list[str]:
    """The controls that rest on any provision of an act."""
    return sorted({found.control for found in _links(texts) if found.link["act"] == act})


def link_said(link: JsonObject, texts: Texts) -> str:
    """How strongly a control rests on a provision, for which violations, and where the link counts."""
    fields = link.get("when")
    return joined(
        (
            texts.say(BASIS[link["strength"]]),
            labelled(texts.say("law.about"), link.get("codes", ())),
            texts.say("law.only_when", fields=conditions(fields, texts)) if fields else "",
            labelled(texts.say("law.only_profiles"), link.get("profiles", ())),
        )
    )


def in_force(act: str, texts: Texts) -> str:
    """From when and until when an act holds, and how that is known where it was not read at its source."""
    found = texts.catalog.law.get(act, {})
    return _span(found.get("in_force", {}), found.get("in_force_verification"), texts)


def days(act: str, provision: str, texts: Texts) -> list[str]:
    """When a provision holds, where that is not when its act does, and from when its duty applies."""
    own = texts.provision(act, provision)
    span = own.get("in_force", {})
    told = [_span(span, own.get("in_force_verification"), texts)] if span else []
    duties = [_duty(entry, texts) for entry in own.get("applies", ())]
    if duties:
        duties[-1] = _with_doubt(duties[-1], own.get("applies_verification"), texts)
    return [*told, *duties]


def verified(act: str, provision: str, texts: Texts) -> str:
    """How well the text of a provision was read."""
    own = texts.provision(act, provision)
    read = [texts.say(f"verification.{own['verification']}")] if own.get("verified") else []
    return joined((*read, *texts.reservations(act, provision)))


def read(act: str, texts: Texts) -> str:
    """Of how many provisions of an act the text was read at its source."""
    own = texts.catalog.law.get(act, {}).get("provisions", {}).values()
    return texts.say("law.read", part=sum(bool(found.get("verified")) for found in own), whole=len(own))


def act_name(act: str, texts: Texts, name: str = "short") -> str:
    """The `short` name of an act, or its `title`."""
    named = texts.in_language(texts.catalog.law.get(act, {}))
    return str(named.get(name, named.get("title", act)))


def locator(act: str, provision: str, texts: Texts) -> tuple[str, str]:
    """Where a provision stands in its act, and what it provides."""
    own = texts.in_language(texts.provision(act, provision))
    return str(own.get("locator", provision)), str(own.get("title", ""))


def _by_number(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"([0-9]+)", name)]


def _links(texts: Texts) -> Iterator[Resting]:
    for control, card in sorted(texts.catalog.controls.items()):
        for link in card.get("provisions", ()):
            yield Resting(control, link)


def _span(span: JsonObject, verification: str | None, texts: Texts) -> str:
    first, last = span.get("from"), span.get("until")
    if first and last:
        said = texts.say("law.in_force_span", day=first, end=last)
    elif first:
        said = texts.say("law.in_force_from", day=first)
    elif last:
        said = texts.say("law.in_force_until", end=last)
    else:
        return texts.say("law.in_force_unknown")
    return _with_doubt(said, verification, texts)


def _duty(entry: JsonObject, texts: Texts) -> str:
    fields = entry.get("when")
    if fields:
        return texts.say("law.duty_from_when", day=entry["from"], fields=conditions(fields, texts))
    return texts.say("law.duty_from", day=entry["from"])


def _with_doubt(said: str, verification: str | None, texts: Texts) -> str:
    if verification in _READ_AT_SOURCE:
        return said
    how = texts.say(f"verification.{verification or 'recalled'}")
    return f"{said} ({texts.say('law.day_unverified', how=how)})"
