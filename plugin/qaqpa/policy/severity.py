# SPDX-License-Identifier: Apache-2.0
"""On what a violation rests, and how severe it is, from the data of the policies and without knowing a single rule.

The gate's Rego (`policies/gate/links.rego`, `severity.rego`) says the same: `qaqpa.policy.check` compares the two.
Reports name from here the provisions behind a violation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from qaqpa import times
from qaqpa.model import Json, JsonObject
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.calendar import seconds_of
from qaqpa.policy.context import is_stricter, known

LACKING = frozenset({"evidence_missing", "evidence_refused", "evidence_too_weak"})
"""Codes that the gate reports of evidence of which nothing counts."""

OF_THE_GATE = LACKING | {"evidence_ended", "waiver_not_allowed"}
"""Codes that the gate reports itself; they concern all that a control asks for."""

STRENGTHS = ("direct", "statutory", "derived", "recommended")
"""How firmly a control can rest on a provision, the strongest first."""

PRODUCT_DEFAULT = "product_default"
"""The basis of what rests on no provision."""

_DAY_SECONDS = 86400
_BELOW_STATUTORY = frozenset({"derived", "recommended"})
_ALWAYS = (0, "")


@dataclass(frozen=True)
class Circumstances:
    """The part of a request by which provisions count: the moment, in seconds, the context, and what is raised.

    `whenever` is for people who read of a control before it judges: then nothing is left out for its day.
    """

    now: int
    context: JsonObject
    raised: Sequence[str] = ()
    whenever: bool = False

    @classmethod
    def of(cls, request: JsonObject) -> Circumstances:
        """Those of an input document that fits its schema."""
        return cls(request["now"]["seconds"], request["context"], request["settings"]["raised"])


class Severity:
    """How severe violations are in some circumstances."""

    def __init__(self, catalog: Catalog, circumstances: Circumstances) -> None:
        self._catalog, self._at = catalog, circumstances

    def asked_by(
        self, control: str, violation: JsonObject, demands: Mapping[str, JsonObject], only: Sequence[str] = ()
    ) -> list[JsonObject]:
        """Who asks for a violation, as the decision document lists it.

        Args:
            control: its control.
            violation: with `code` and `level`.
            demands: what each chosen profile that asks for the control demands of it.
            only: the profiles that the violation is about; all where that is none of them.
        """
        code = violation["code"]
        concerned = [name for name in sorted(demands) if code not in demands[name].get("without", ())]
        narrowed = [name for name in concerned if name in only] or concerned
        return [self._entry(control, violation, profile, demands[profile]) for profile in narrowed]

    def covering(self, control: str, code: str, profile: str) -> list[JsonObject]:
        """The links of a control that a violation code rests on in a profile today."""
        card = self._catalog.controls.get(control, {})
        links = [link for link in self._of_profile(control, profile) if self._holds(link)]
        named = [link for link in links if code in link.get("codes", ())]
        general = [link for link in links if "codes" not in link]
        if named:
            return named
        if code in OF_THE_GATE:
            # Whatever the day, on other links only where the control has no general one.
            return general if any("codes" not in link for link in self._of_profile(control, profile)) else links
        return [] if code in card.get("defaults", ()) else general

    def _entry(self, control: str, violation: JsonObject, profile: str, demand: JsonObject) -> JsonObject:
        covering = self.covering(control, violation["code"], profile)
        severity, day = self._weight(control, violation, profile, demand, covering)
        listed = [] if day is None else [{"text": day[1], "seconds": day[0]}]
        return {"profile": profile, "basis": basis(covering), "severity": severity, "from": listed}

    def _weight(
        self, control: str, violation: JsonObject, profile: str, demand: JsonObject, covering: Sequence[JsonObject]
    ) -> tuple[str, tuple[int, str] | None]:
        if "ended_since" in violation:
            return "warn", None
        mild = violation["level"] == "warn"
        if f"{control}/{violation['code']}" in self._at.raised or (not mild and control in self._at.raised):
            return "deny", None
        if mild or self._only_warns(demand):
            return "warn", None
        day = _day(demand.get("applies_from"))
        if self._catalog.profiles[profile].get("statutory") is True:
            days = sorted(self._begins(link) for link in covering if link["strength"] not in _BELOW_STATUTORY)
            if not days:
                return "warn", None
            day = max(day, days[0])
        return ("deny", None) if self._at.now >= day[0] else ("warn", day)

    def _only_warns(self, demand: JsonObject) -> bool:
        conditions = demand.get("warn_when", {})
        met = all(known(self._at.context, field) == value for field, value in conditions.items())
        return demand.get("severity") == "warn" or bool(conditions and met)

    def _of_profile(self, control: str, profile: str) -> list[JsonObject]:
        acts = self._catalog.profiles.get(profile, {}).get("acts", ())
        return list(_of_profile(self._catalog.controls.get(control, {}), profile, acts))

    def _holds(self, link: JsonObject) -> bool:
        if any(_differs(self._at.context, field, value) for field, value in link.get("when", {}).items()):
            return False
        return self._at.whenever or not (self._ended(link) or self._early(link))

    def _ended(self, link: JsonObject) -> bool:
        until = self._in_force(link).get("until")
        return until is not None and seconds_of(until) + _DAY_SECONDS <= self._at.now

    def _early(self, link: JsonObject) -> bool:
        """A duty is announced before it begins; what asks for no duty counts once it is in force."""
        below = link["strength"] in _BELOW_STATUTORY
        return below and _day(self._in_force(link).get("from"))[0] > self._at.now

    def _provision(self, link: JsonObject) -> JsonObject:
        act = self._catalog.law.get(link["act"], {})
        found: JsonObject = act.get("provisions", {}).get(link["provision"], {})
        return found

    def _in_force(self, link: JsonObject) -> JsonObject:
        return {
            **self._catalog.law.get(link["act"], {}).get("in_force", {}),
            **self._provision(link).get("in_force", {}),
        }

    def _begins(self, link: JsonObject) -> tuple[int, str]:
        """When the duty of a provision begins in this context."""
        for entry in self._provision(link).get("applies", ()):
            if all(known(self._at.context, field) == value for field, value in entry.get("when", {}).items()):
                return _day(entry["from"])
        return _day(self._in_force(link).get("from"))


def basis(links: Sequence[JsonObject]) -> str:
    """The strongest of some links, `product_default` where there is none."""
    strengths = {link["strength"] for link in links}
    return next((strength for strength in STRENGTHS if strength in strengths), PRODUCT_DEFAULT)


def general_bases(card: JsonObject, profile: str, acts: Sequence[str]) -> list[str]:
    """The strongest provision that a control as a whole rests on in a profile, whatever the day.

    First in any context, then, where that is another one, in one that meets the conditions of all of its provisions.
    """
    general = [link for link in _of_profile(card, profile, acts) if "codes" not in link]
    return list(dict.fromkeys((basis([link for link in general if "when" not in link]), basis(general))))


def _of_profile(card: JsonObject, profile: str, acts: Sequence[str]) -> Iterator[JsonObject]:
    for link in card.get("provisions", ()):
        if profile in link["profiles"] if "profiles" in link else link["act"] in acts:
            yield link


def _day(text: str | None) -> tuple[int, str]:
    """A day with its first second; one that is not known puts nothing off."""
    return (seconds_of(text), text) if text is not None and times.is_day(text) else _ALWAYS


def _differs(context: JsonObject, field: str, value: Json) -> bool:
    """Whether the context says something else than a condition, which is not stricter."""
    said = known(context, field)
    return isinstance(said, type(value)) and said != value and not is_stricter(field, said, value)
