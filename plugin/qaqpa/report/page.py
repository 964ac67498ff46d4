# SPDX-License-Identifier: Apache-2.0
"""The page of a control: what it requires, on what that rests, and what a pass of it does not show.

It is built once, as sections; the terminal and the generated documentation print the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qaqpa.evidence.kinds import Kind, kinds
from qaqpa.model import JsonObject, Strength
from qaqpa.policy import severity
from qaqpa.report.forms import shown
from qaqpa.report.provisions import days, in_force, link_said, verified
from qaqpa.report.section import Line, Section, joined, labelled, section
from qaqpa.report.texts import Texts
from qaqpa.report.weights import LACKING, asking, demanded, weighed

_BINDS = {
    "model": "explain.binds_model",
    "stage": "explain.binds_stage",
    "statement": "explain.binds_statement",
    "system": "explain.binds_system",
}
_LACKING = ", ".join(sorted(severity.LACKING))


def control_page(control: str, texts: Texts) -> list[Section]:
    """All that is known of a control of the catalog."""
    card = texts.catalog.controls[control]
    return [
        section("explain.required", texts, [texts.requirement(control)]),
        section("explain.applies", texts, [texts.applies(control)]),
        section("explain.evidence", texts, _evidence(card, texts)),
        section("explain.strength", texts, strength([card], texts)),
        section("explain.violations", texts, _violations(control, card, texts)),
        section("explain.thresholds", texts, _thresholds(card, texts)),
        section("explain.provisions", texts, _provisions(card, texts)),
        section("explain.decided", texts, texts.decided(control)),
        section("explain.mend", texts, [_mend(control, card, texts)]),
        section("explain.waiver", texts, [texts.say("waivable.yes" if card["waivable"] else "waivable.no")]),
        section("explain.cannot_prove", texts, [texts.cannot_prove(control)]),
        section("explain.profiles", texts, _profiles(control, texts)),
    ]


def strength(cards: Iterable[JsonObject], texts: Texts) -> list[str]:
    """Who has to sign what the cards need, by stage; the configuration can ask for more."""
    demands = [Strength.SIGNED, *(Strength(card["minimum_strength"]) for card in cards if "minimum_strength" in card)]
    strongest = max(demands, key=list(Strength).index)
    return [
        texts.say("level.settings"),
        texts.say("level.production", strength=texts.say(f"level.{strongest.value}")),
    ]


def about(own: Kind, texts: Texts) -> str:
    """What a kind of evidence is about, and by what it becomes void."""
    return joined(texts.say(_BINDS[bound]) if bound in _BINDS else bound for bound in sorted(own.binds))


def _evidence(card: JsonObject, texts: Texts) -> Iterator[Line]:
    for name in card["evidence"]:
        own = kinds().get(name)
        if own is None:
            yield Line("", name)
            continue
        fields = [field for field in own.schema["properties"] if field != "kind"]
        said = joined((texts.kind(name, own.title), about(own, texts)))
        yield Line(said, name, (labelled(texts.say("explain.fields"), fields),))


def _violations(control: str, card: JsonObject, texts: Texts) -> Iterator[Line]:
    yield Line(texts.say("explain.by_profile"))
    yield Line(texts.say("explain.lacking"), _LACKING, weighed(control, LACKING, texts))
    for code in card["texts"]["en"]["violations"]:
        yield Line(texts.violation_text(control, code), code, weighed(control, code, texts))


def _thresholds(card: JsonObject, texts: Texts) -> Iterator[Line]:
    for name, threshold in card["thresholds"].items():
        value = shown(threshold["value"], texts.language)
        stricter = texts.say(
            "explain.stricter_higher" if threshold["tighter"] == "higher" else "explain.stricter_lower"
        )
        yield Line(joined((value, _basis(threshold["basis"], texts), stricter)), name)


def _basis(basis: str | JsonObject, texts: Texts) -> str:
    if not isinstance(basis, str):
        return texts.say("explain.threshold_mixed", profiles=sorted(basis))
    return texts.say("explain.threshold_default" if basis == "product_default" else "explain.threshold_law")


def _provisions(card: JsonObject, texts: Texts) -> Iterator[Line]:
    links: dict[tuple[str, str], list[JsonObject]] = {}
    for link in card["provisions"]:
        links.setdefault((link["act"], link["provision"]), []).append(link)
    for (act, provision), same in links.items():
        known = texts.catalog.law.get(act, {}).get("in_force")
        dates = days(act, provision, texts) or ([in_force(act, texts)] if known else [])
        said = joined((*dates, verified(act, provision, texts)))
        below = (*(link_said(link, texts) for link in same), said)
        yield Line(texts.provision_named(act, provision), below=below)


def _mend(control: str, card: JsonObject, texts: Texts) -> Line:
    actors = (texts.say(f"actor.{actor}") for actor in card["actors"])
    return Line(texts.mend(control), below=(labelled(texts.say("explain.who"), actors),))


def _profiles(control: str, texts: Texts) -> Iterator[Line]:
    for profile in asking(control, texts):
        yield Line(texts.profile(profile, "title"), profile, demanded(control, profile, texts))
