# SPDX-License-Identifier: Apache-2.0
"""What the context says, as far as it counts; `policies/lib/context.rego` says the same."""

from __future__ import annotations

from qaqpa.evidence.kinds import SYSTEM, kind
from qaqpa.model import Json, JsonObject

_HIGH_RISK_IN_EU = frozenset({"high_risk_annex_i", "high_risk_annex_iii", "prohibited"})

_STRICTER: dict[str, dict[str, frozenset[str]]] = {
    "automation": {
        "advisory": frozenset({"human_in_the_loop", "fully_automated"}),
        "human_in_the_loop": frozenset({"fully_automated"}),
    },
    "eu_class": {
        "high_risk_annex_i": frozenset({"prohibited"}),
        "high_risk_annex_iii": frozenset({"prohibited"}),
    },
    "kz_autonomy": {"low": frozenset({"medium", "high"}), "medium": frozenset({"high"})},
    "kz_risk": {"minimal": frozenset({"medium", "high"}), "medium": frozenset({"high"})},
}


def known(context: JsonObject, field: str) -> Json:
    """What the context says about a field, if the schema allows it and the rest does not contradict it; else None."""
    value = context.get(field)
    if not _allows(field, value) or (field == "affects_rights" and value is False and not _spares_rights(context)):
        return None
    return value


def is_stricter(field: str, one: Json, other: Json) -> bool:
    """Whether what is asked for one value of a field is asked for another one too, because that is stricter."""
    return isinstance(other, str) and one in _STRICTER.get(field, {}).get(other, ())


def _allows(field: str, value: Json) -> bool:
    schema = kind(SYSTEM).schema["properties"].get(field, {})
    if field == "jurisdictions":
        places = schema["items"]["enum"]
        return isinstance(value, list) and bool(value) and all(place in places for place in value)
    if schema.get("type") == "boolean":
        return isinstance(value, bool)
    return value in schema["enum"] if "enum" in schema else True


def _spares_rights(context: JsonObject) -> bool:
    """A decision with significant effect affects rights, and so does every system of high risk in the EU."""
    places = known(context, "jurisdictions")
    in_eu = not isinstance(places, list) or "EU" in places
    class_in_eu = known(context, "eu_class")
    high = class_in_eu is None or class_in_eu in _HIGH_RISK_IN_EU
    return known(context, "significant_decision") is False and not (in_eu and high)
