# SPDX-License-Identifier: Apache-2.0
"""On what a violation rests in each profile, and what follows, for people who read of a control before it judges.

Nothing is known here of a system or a day, so each duty is shown with the day on which it begins, and everything else
at its strictest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from qaqpa.model import JsonObject
from qaqpa.policy.severity import Circumstances, Severity
from qaqpa.report.forms import shown
from qaqpa.report.section import joined, labelled
from qaqpa.report.texts import Texts

LACKING = "evidence_missing"
"""The violation that says most of how much a profile wants a control: that its evidence is not there at all."""

BASIS = {
    "direct": "explain.basis_direct",
    "statutory": "explain.basis_statutory",
    "derived": "explain.basis_derived",
    "recommended": "explain.basis_recommended",
    "product_default": "explain.basis_default",
}
"""The codes of what a basis is called."""

# Before this moment no duty began.
_BEFORE_EVERYTHING = Circumstances(0, {}, whenever=True)


def asking(control: str, texts: Texts) -> dict[str, JsonObject]:
    """The profiles that ask for a control, each with what it demands."""
    demands = {name: content["controls"].get(control) for name, content in sorted(texts.catalog.profiles.items())}
    return {name: demand for name, demand in demands.items() if demand is not None}


def outcomes(control: str, code: str, texts: Texts) -> dict[str, str]:
    """By profile, on what a violation rests there, and what follows; without those that leave it out.

    Where provisions count in a certain context only, it is also said what follows in any other: of those that name the
    code, and once for the control as a whole.
    """
    others = _plain_outcomes(control, code, _unconditional(control, texts))
    return {
        profile: joined((outcome, _otherwise(control, code, profile, outcome, others[profile], texts)))
        for profile, outcome in _plain_outcomes(control, code, texts).items()
    }


def brief(control: str, texts: Texts) -> dict[str, str]:
    """By profile, on what a control rests there, and what follows where that is no denial in every context today."""
    others = _plain_brief(control, _unconditional(control, texts))
    return {
        profile: joined((outcome, _otherwise(control, LACKING, profile, outcome, others[profile], texts)))
        for profile, outcome in _plain_brief(control, texts).items()
    }


def weighed(control: str, code: str, texts: Texts) -> tuple[str, ...]:
    """The outcomes of a violation, those that are the same on one line, and which profiles leave it out."""
    found = outcomes(control, code, texts)
    grouped: dict[str, list[str]] = {}
    for profile, outcome in found.items():
        grouped.setdefault(outcome, []).append(profile)
    silent = [profile for profile in asking(control, texts) if profile not in found]
    lines = [f"{', '.join(profiles)}: {outcome}" for outcome, profiles in grouped.items()]
    return (*lines, *([f"{', '.join(silent)}: {texts.say('explain.left_out')}"] if silent else []))


def demanded(control: str, profile: str, texts: Texts) -> tuple[str, ...]:
    """What a profile demands of a control: how much, where it is milder, what it leaves out, what it sets."""
    demand = asking(control, texts)[profile]
    milder = demand.get("warn_when", {})
    return tuple(
        filter(
            None,
            (
                outcomes(control, LACKING, texts)[profile],
                texts.say("explain.milder", fields=conditions(milder, texts)) if milder else "",
                labelled(texts.say("explain.without"), demand.get("without", ())),
                *(f"{name}: {listed(value, texts)}" for name, value in sorted(demand.get("parameters", {}).items())),
            ),
        )
    )


def conditions(fields: JsonObject, texts: Texts) -> str:
    """Fields of the context with the values that they must have."""
    return ", ".join(f"{field}: {shown(value, texts.language)}" for field, value in sorted(fields.items()))


def listed(values: Iterable[object], texts: Texts) -> str:
    """Values of any length, none of them left out."""
    return ", ".join(shown(value, texts.language) for value in values)


def _plain_outcomes(control: str, code: str, texts: Texts) -> dict[str, str]:
    levels = frozenset(texts.catalog.levels.get(control, {}).get(code, ()))
    violation = {"code": code, "level": "warn" if levels == {"warn"} else "deny"}
    entries = Severity(texts.catalog, _BEFORE_EVERYTHING).asked_by(control, violation, asking(control, texts))
    return {entry["profile"]: _outcome(entry, levels, texts) for entry in entries}


def _plain_brief(control: str, texts: Texts) -> dict[str, str]:
    violation = {"code": LACKING, "level": "deny"}
    entries = Severity(texts.catalog, _BEFORE_EVERYTHING).asked_by(control, violation, asking(control, texts))
    return {
        entry["profile"]: joined((texts.say(BASIS[entry["basis"]]), _unless_denied(entry, texts))) for entry in entries
    }


def _otherwise(control: str, code: str, profile: str, outcome: str, other: str, texts: Texts) -> str:  # noqa: PLR0913
    """What follows in a context in which the provisions do not count that count in a certain one only."""
    if other == outcome:
        return ""
    fields = _conditional(control, code, profile, texts)
    return f"{texts.say('explain.otherwise', fields=fields)}: {other}" if fields else ""


def _conditional(control: str, code: str, profile: str, texts: Texts) -> list[str]:
    """The fields of the context, each with its values, on which it depends that provisions count for a violation."""
    links = Severity(texts.catalog, _BEFORE_EVERYTHING).covering(control, code, profile)
    values: dict[str, set[str]] = {}
    for link in links:
        for field, value in link.get("when", {}).items() if code == LACKING or "codes" in link else ():
            values.setdefault(field, set()).add(shown(value, texts.language))
    return [f"{field}: {' / '.join(sorted(listed))}" for field, listed in sorted(values.items())]


def _unconditional(control: str, texts: Texts) -> Texts:
    """The same without the provisions that count in a certain context only."""
    card = texts.catalog.controls[control]
    links = [link for link in card["provisions"] if "when" not in link]
    controls = {**texts.catalog.controls, control: {**card, "provisions": links}}
    return replace(texts, catalog=replace(texts.catalog, controls=controls))


def _outcome(entry: JsonObject, levels: Collection[str], texts: Texts) -> str:
    return joined((texts.say(BASIS[entry["basis"]]), _follows(entry, levels, texts)))


def _unless_denied(entry: JsonObject, texts: Texts) -> str:
    return "" if entry["severity"] == "deny" else _follows(entry, (), texts)


def _follows(entry: JsonObject, levels: Collection[str], texts: Texts) -> str:
    if entry["severity"] == "warn" and not entry["from"]:
        return texts.say("explain.warns")
    days = [day["text"] for day in entry["from"]]
    said = texts.say("explain.denies_from", day=days[0]) if days else texts.say("explain.denies")
    if "by_risk" in levels:
        return joined((said, texts.say("explain.milder_risk")))
    return joined((said, texts.say("explain.milder_sometimes") if "warn" in levels else ""))
