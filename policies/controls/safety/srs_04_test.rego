package qaqpa.controls.srs_04_test

import data.qaqpa.controls.srs_04
import data.qaqpa.fixtures_test as fixtures

_signals := ["complaints", "drift", "error_rate", "override_rate"]

_good := {
	"plan": fixtures.document,
	"approved_on": fixtures.day(0),
	"signals": _signals,
	"suspension_triggers": ["Error rate above 5 % for a day."],
	"runbook": fixtures.document,
	"contacts": ["incidents@example.org"],
	"kz_breach_working_days": 1,
	"eu_breach_hours": 72,
	"eu_incident_days": {"serious": 15, "death": 10, "widespread": 2},
}

_found(context, plan) := found if {
	found := srs_04.violation with input as fixtures.request(context, "monitoring", plan)
}

_said(context, plan) := fixtures.said(_found(context, plan))

_with(change) := _said({}, object.union(_good, change))

_without(field) := _said({}, object.remove(_good, [field]))

test_passes_with_every_term_at_its_boundary if _said({}, _good) == set()

test_applies_to_every_system if {
	srs_04.not_applicable_because == set() with input as fixtures.empty_request
	srs_04.not_applicable_because == set() with input as fixtures.request({"kz_risk": "minimal"}, "monitoring", {})
}

test_applies_with_an_empty_context_and_an_empty_record if {
	_said({}, {}) == {
		"deny plan_missing",
		"deny approved_in_future",
		"deny signals_lacking",
		"deny suspension_triggers_missing",
		"deny runbook_missing",
		"warn contacts_missing",
		"deny kz_breach_notice_slow",
		"deny eu_breach_notice_slow",
		"deny eu_serious_incident_notice_slow",
		"deny eu_death_notice_slow",
		"deny eu_widespread_incident_notice_slow",
	}
}

test_each_part_is_asked_for if {
	every field, said in {
		"plan": "deny plan_missing",
		"approved_on": "deny approved_in_future",
		"signals": "deny signals_lacking",
		"suspension_triggers": "deny suspension_triggers_missing",
		"runbook": "deny runbook_missing",
		"contacts": "warn contacts_missing",
		"kz_breach_working_days": "deny kz_breach_notice_slow",
		"eu_breach_hours": "deny eu_breach_notice_slow",
	} {
		_without(field) == {said}
		_with({field: ""}) == {said}
	}
}

test_approval if {
	_with({"approved_on": fixtures.day(1)}) == {"deny approved_in_future"}
	_with({"approved_on": fixtures.day(-3000)}) == set()
}

test_each_signal_is_asked_for if {
	every signal in _signals {
		others := [other | some other in _signals; other != signal]
		found := _found({}, object.union(_good, {"signals": others}))
		{[violation.code, violation.found] | some violation in found} == {["signals_lacking", [signal]]}
	}
	_with({"signals": array.concat(["latency"], _signals)}) == set()
	_with({"signals": ["latency"]}) == {"deny signals_lacking"}
}

test_blank_is_missing if {
	_with({"suspension_triggers": [" "]}) == {"deny suspension_triggers_missing"}
	_with({"contacts": [""]}) == {"warn contacts_missing"}
	_with({"runbook": {"uri": "https://example.org/runbook", "sha256": " "}}) == {"deny runbook_missing"}
}

test_breach_in_kazakhstan if {
	_with({"kz_breach_working_days": 2}) == {"deny kz_breach_notice_slow"}
	_with({"kz_breach_working_days": "1"}) == {"deny kz_breach_notice_slow"}
	_with({"kz_breach_working_days": 0}) == set()
	none := object.remove(_good, ["kz_breach_working_days"])
	_said({"personal_data": false}, none) == set()
	_said({"jurisdictions": ["EU", "OTHER"]}, none) == set()
}

test_breach_in_the_eu if {
	_with({"eu_breach_hours": 73}) == {"deny eu_breach_notice_slow"}
	_with({"eu_breach_hours": null}) == {"deny eu_breach_notice_slow"}
	_with({"eu_breach_hours": 24}) == set()
	none := object.remove(_good, ["eu_breach_hours"])
	_said({"personal_data": false}, none) == set()
	_said({"jurisdictions": ["KZ", "OTHER"]}, none) == set()
}

_incident_with(context, change) := _said(context, object.union(_good, {"eu_incident_days": change}))

test_serious_incidents_in_the_eu if {
	_incident_with({}, {"serious": 16}) == {"deny eu_serious_incident_notice_slow"}
	_incident_with({}, {"death": 11}) == {"deny eu_death_notice_slow"}
	_incident_with({}, {"widespread": 3}) == {"deny eu_widespread_incident_notice_slow"}
	_incident_with({}, {"serious": 14, "death": 9, "widespread": 1}) == set()
	_incident_with({}, {"serious": "15"}) == {"deny eu_serious_incident_notice_slow"}
	_incident_with({}, "soon") == _without("eu_incident_days")
	count(_without("eu_incident_days")) == 3
}

test_serious_incidents_concern_systems_of_high_risk_in_the_eu if {
	late := {"serious": 16}
	every class in ["high_risk_annex_i", "high_risk_annex_iii", "prohibited"] {
		_incident_with({"eu_class": class}, late) == {"deny eu_serious_incident_notice_slow"}
	}
	every class in ["minimal", "not_applicable", "transparency"] {
		_incident_with({"eu_class": class}, late) == set()
	}
	_incident_with({"jurisdictions": ["KZ"]}, late) == set()
}

test_the_worst_plan_decides if {
	facts := [fixtures.fact(_good), fixtures.fact(object.union(_good, {"signals": []}))]
	found := srs_04.violation with input as object.union(fixtures.empty_request, {"evidence": {"monitoring": facts}})
	fixtures.said(found) == {"deny signals_lacking"}
}

test_terms_can_be_tightened if {
	request := object.union(
		fixtures.request({}, "monitoring", _good),
		{"settings": {"thresholds": {"SRS-04": {
			"kz_breach_working_days": 0,
			"eu_breach_hours": 71,
			"eu_serious_days": 14,
			"eu_death_days": 9,
			"eu_widespread_days": 1,
		}}}},
	)
	found := srs_04.violation with input as request
	count(found) == 5
}
