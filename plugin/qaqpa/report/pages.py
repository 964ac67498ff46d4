# SPDX-License-Identifier: Apache-2.0
"""The pages of a profile and of an act."""

from __future__ import annotations

from collections.abc import Iterator

from qaqpa.report.provisions import act_name, days, in_force, link_said, locator, provisions_of, read, resting, verified
from qaqpa.report.section import Line, Section, joined, labelled, section
from qaqpa.report.texts import Texts
from qaqpa.report.weights import demanded


def profile_page(profile: str, texts: Texts) -> list[Section]:
    """What a profile asks: in general, on which acts that rests, and of each control how much."""
    content = texts.catalog.profiles[profile]
    statutory = texts.say("explain.statutory" if content.get("statutory") is True else "explain.not_statutory")
    acts = (
        Line(act_name(act, texts), act, (in_force(act, texts), read(act, texts))) for act in content.get("acts", ())
    )
    controls = (
        Line(texts.title(control), control, demanded(control, profile, texts))
        for control in sorted(content["controls"])
    )
    return [
        section("explain.description", texts, [texts.profile(profile, "description"), statutory]),
        section("explain.acts", texts, acts),
        section("explain.controls", texts, controls),
    ]


def act_page(act: str, texts: Texts) -> list[Section]:
    """What the law's data know of an act: its names and days, and its provisions with who rests on each."""
    return [
        section("law.act", texts, act_facts(act, texts)),
        section("law.provisions", texts, _provisions(act, texts)),
    ]


def act_facts(act: str, texts: Texts) -> list[str]:
    """The full name of an act, whose it is, since when it holds, what changed it, and where it is."""
    content = texts.catalog.law[act]
    amending = [entry["number"] for entry in content.get("amended_by", ()) if "number" in entry]
    facts = [
        act_name(act, texts, "title"),
        joined((str(content.get("jurisdiction", "")), _number(content.get("number"), texts), in_force(act, texts))),
        labelled(texts.say("law.amended"), amending),
        str(content.get("url", "")),
    ]
    return [fact for fact in facts if fact]


def rests(act: str, provision: str, texts: Texts) -> list[str]:
    """The controls that rest on a provision, each with how strongly and for what."""
    return [f"{found.control}: {link_said(found.link, texts)}" for found in resting(act, provision, texts)]


def _number(number: str | None, texts: Texts) -> str:
    return texts.say("law.number", number=number) if number else ""


def _provisions(act: str, texts: Texts) -> Iterator[Line]:
    for provision in provisions_of(act, texts):
        place, title = locator(act, provision, texts)
        address = texts.provision(act, provision).get("url", "")
        said = joined((*days(act, provision, texts), verified(act, provision, texts), address))
        controls = rests(act, provision, texts) or [texts.say("law.no_control")]
        yield Line(title, f"{place} [{provision}]", (said, *controls))
