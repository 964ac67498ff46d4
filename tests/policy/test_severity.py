# SPDX-License-Identifier: Apache-2.0
"""How severe a violation is. That Rego says the same is shown by `check_document` over every answer of the engines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qaqpa import times
from qaqpa.evidence.kinds import SYSTEM, kind
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.context import _STRICTER
from qaqpa.policy.opa import run_opa
from qaqpa.policy.severity import Circumstances, Severity, basis, general_bases
from qaqpa.resources import POLICIES
from support.opa import require_opa

LAW = {
    "act": {
        "in_force": {"from": "2026-07-01"},
        "provisions": {
            "plain": {},
            "ended": {"in_force": {"until": "2026-11-22"}},
            "last-day": {"in_force": {"until": "2026-11-23"}},
            "later": {
                "applies": [{"from": "2028-08-02", "when": {"eu_class": "high_risk_annex_i"}}, {"from": "2027-12-02"}]
            },
        },
    }
}
CHOICES = (
    '{"choices": data.qaqpa.context._choices, "yes_or_no": data.qaqpa.context._yes_or_no, '
    '"stricter": data.qaqpa.context._stricter}'
)
VIOLATION = {"code": "bad", "level": "deny"}


def link(provision: str = "plain", strength: str = "statutory", **more: Any) -> dict[str, Any]:
    return {"act": "act", "provision": provision, "strength": strength, **more}


def asked(
    *links: dict[str, Any],
    day: str = "2026-11-23",
    context: dict[str, Any] | None = None,
    raised: tuple[str, ...] = (),
    violation: dict[str, Any] = VIOLATION,
    statutory: bool = True,
    **demand: Any,
) -> dict[str, Any]:
    demands = {"p": {"severity": "deny", **demand}}
    profile = {"statutory": statutory, "acts": ["act"], "controls": {"X-01": demands["p"]}}
    catalog = Catalog({"X-01": {"provisions": list(links), "defaults": ["ours"]}}, {"p": profile}, LAW)
    now = times.pair(times.parse(day))["seconds"]
    entries = Severity(catalog, Circumstances(now, context or {}, raised)).asked_by("X-01", violation, demands)
    return dict(entries[0]) if entries else {}


def told(entry: dict[str, Any]) -> tuple[str, str, list[str]]:
    return entry["basis"], entry["severity"], [moment["text"] for moment in entry["from"]]


def test_in_a_statutes_profile_only_what_the_statute_asks_denies() -> None:
    assert told(asked(link())) == ("statutory", "deny", [])
    assert told(asked(link(strength="derived"))) == ("derived", "warn", [])
    assert told(asked()) == ("product_default", "warn", [])
    assert told(asked(link(), violation={"code": "ours", "level": "deny"})) == ("product_default", "warn", [])
    assert told(asked(statutory=False)) == ("product_default", "deny", [])


def test_a_duty_denies_from_its_day_on() -> None:
    assert told(asked(link("later"))) == ("statutory", "warn", ["2027-12-02"])
    assert told(asked(link("later"), day="2027-12-01")) == ("statutory", "warn", ["2027-12-02"])
    assert told(asked(link("later"), day="2027-12-02")) == ("statutory", "deny", [])
    annex = {"eu_class": "high_risk_annex_i"}
    assert told(asked(link("later"), context=annex)) == ("statutory", "warn", ["2028-08-02"])
    assert told(asked(link("plain"), day="2026-06-30")) == ("statutory", "warn", ["2026-07-01"])


def test_what_asks_for_no_duty_counts_once_it_is_in_force() -> None:
    assert told(asked(link(strength="derived"), day="2026-06-30")) == ("product_default", "warn", [])
    assert told(asked(link(strength="derived"), day="2026-07-01")) == ("derived", "warn", [])


def test_what_ended_counts_on_its_last_day_and_no_longer() -> None:
    assert told(asked(link("ended"))) == ("product_default", "warn", [])
    assert told(asked(link("last-day"))) == ("statutory", "deny", [])


@pytest.mark.parametrize("context", [{}, {"domain": "hr"}, {"domain": 5}])
def test_a_condition_holds_unless_the_context_says_otherwise(context: dict[str, Any]) -> None:
    assert told(asked(link(when={"domain": "hr"}), context=context))[1] == "deny"
    assert told(asked(link(when={"domain": "hr"}), context={"domain": "medical"}))[1] == "warn"


HIGH = {"eu_class": "high_risk_annex_iii"}
SPARED = {"affects_rights": False, "significant_decision": False, "eu_class": "minimal"}


@pytest.mark.parametrize(
    ("when", "context", "severity"),
    [
        *((HIGH, {"eu_class": value}, "deny") for value in ("high_risk", "HIGH_RISK_ANNEX_III", "", 5, None)),
        (HIGH, {"eu_class": "prohibited"}, "deny"),
        (HIGH, {"eu_class": "high_risk_annex_i"}, "warn"),
        ({"eu_class": "prohibited"}, HIGH, "warn"),
        ({"eu_class": "transparency"}, {"eu_class": "prohibited"}, "warn"),
        ({"kz_risk": "medium"}, {"kz_risk": "high"}, "deny"),
        ({"automation": "human_in_the_loop"}, {"automation": "fully_automated"}, "deny"),
        ({"automation": "fully_automated"}, {"automation": "human_in_the_loop"}, "warn"),
        ({"affects_rights": True}, {"affects_rights": False}, "deny"),
        ({"affects_rights": True}, {**SPARED, "significant_decision": True}, "deny"),
        ({"affects_rights": True}, {**SPARED, "eu_class": "high_risk_annex_i"}, "deny"),
        ({"affects_rights": True}, {**SPARED, "eu_class": "prohibited", "jurisdictions": ["KZ"]}, "warn"),
        ({"affects_rights": True}, {**SPARED, "eu_class": "prohibited", "jurisdictions": ["MARS"]}, "deny"),
        ({"affects_rights": True}, SPARED, "warn"),
    ],
)
def test_what_is_not_allowed_or_stricter_or_contradicted_switches_nothing_off(
    when: dict[str, Any], context: dict[str, Any], severity: str
) -> None:
    assert told(asked(link(when=when), context=context))[1] == severity


def test_a_no_that_the_context_contradicts_does_not_make_a_control_only_warn() -> None:
    milder = {"affects_rights": False}
    assert told(asked(link(), warn_when=milder, context=milder))[1] == "deny"
    assert told(asked(link(), warn_when=milder, context=SPARED))[1] == "warn"


@pytest.mark.opa
def test_the_rules_and_the_schema_know_the_same_values_of_the_context() -> None:
    require_opa()
    schema = kind(SYSTEM).schema["properties"]
    found = json.loads(run_opa(["eval", "--format", "raw", "-b", "policies", CHOICES], POLICIES.parent))
    assert {field: set(values) for field, values in found["choices"].items()} == {
        field: set(own["enum"]) for field, own in schema.items() if "enum" in own
    }
    assert set(found["yes_or_no"]) == {field for field, own in schema.items() if own.get("type") == "boolean"}
    assert found["stricter"] == {
        field: {value: sorted(stricter) for value, stricter in values.items()} for field, values in _STRICTER.items()
    }


def test_links_that_name_a_code_go_first() -> None:
    named = link("later", codes=["bad"])
    assert told(asked(link(), named)) == ("statutory", "warn", ["2027-12-02"])
    lacking = {"code": "evidence_missing", "level": "deny"}
    assert told(asked(link(), named, violation=lacking)) == ("statutory", "deny", [])
    assert told(asked(named, violation=lacking)) == ("statutory", "warn", ["2027-12-02"])


def test_a_profile_can_leave_out_warn_and_begin_later() -> None:
    assert asked(link(), without=["bad"]) == {}
    assert told(asked(link(), severity="warn"))[1] == "warn"
    assert told(asked(link(), applies_from="2027-01-01")) == ("statutory", "warn", ["2027-01-01"])
    assert told(asked(link("later"), applies_from="2027-01-01")) == ("statutory", "warn", ["2027-12-02"])


def test_what_is_raised_denies_now() -> None:
    mild = {"code": "bad", "level": "warn"}
    assert told(asked(link("later"), raised=("X-01",)))[1:] == ("deny", [])
    assert told(asked(severity="warn", raised=("X-01/bad",)))[1] == "deny"
    assert told(asked(link(), raised=("X-01",), violation=mild))[1] == "warn"
    assert told(asked(link(), raised=("X-01/bad",), violation=mild))[1] == "deny"


def test_the_strongest_provision_is_the_basis() -> None:
    assert basis([link(strength="recommended"), link(strength="derived")]) == "derived"
    assert basis([]) == "product_default"
    card = {"provisions": [link(strength="derived"), link(codes=["bad"]), link(when={"domain": "hr"})]}
    assert general_bases(card, "p", ["act"]) == ["derived", "statutory"]
    assert general_bases({"provisions": [link(strength="recommended", profiles=["p"])]}, "p", []) == ["recommended"]
    assert general_bases(card, "p", []) == ["product_default"]
