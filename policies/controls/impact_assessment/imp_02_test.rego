package qaqpa.controls.imp_02_test

import data.qaqpa.controls.imp_02
import data.qaqpa.fixtures_test as fixtures

_good := {
	"assessment": fixtures.document,
	"elements": ["processes", "period_frequency", "affected_persons", "risks", "oversight", "measures"],
	"dpia": fixtures.document,
	"completed_on": fixtures.day(0),
	"notified_on": fixtures.day(0),
	"authority": "Market surveillance",
}

_context := {
	"jurisdictions": ["EU"],
	"eu_class": "high_risk_annex_iii",
	"public_sector": true,
	"personal_data": true,
}

_said(context, record) := said if {
	found := imp_02.violation with input as fixtures.request(context, "fria", record)
	said := fixtures.said(found)
}

_with(change) := _said(_context, object.union(_good, change))

_without(field) := _said(_context, object.remove(_good, [field]))

_not_applicable(context) := fields if {
	fields := imp_02.not_applicable_because with input as fixtures.request(context, "fria", _good)
}

_worst(bad) := facts if {
	worse := object.union(fixtures.fact(object.union(_good, bad)), {"id": "e2"})
	facts := {"evidence": {"fria": [fixtures.fact(_good), worse]}}
}

test_passes if {
	_said(_context, _good) == set()
	_said({}, _good) == set()
}

test_not_applicable_outside_the_eu if {
	_not_applicable({"jurisdictions": ["KZ", "OTHER"]}) == {"jurisdictions"}
	_not_applicable({"jurisdictions": ["EU", "KZ"]}) == set()
	_not_applicable({"jurisdictions": ["MARS"]}) == set()
	_not_applicable({}) == set()
}

test_not_applicable_by_class if {
	every class in ["high_risk_annex_i", "transparency", "minimal", "not_applicable"] {
		_not_applicable({"eu_class": class}) == {"eu_class"}
	}
	every class in ["high_risk_annex_iii", "prohibited", "something", null] {
		_not_applicable({"eu_class": class}) == set()
	}
}

test_not_applicable_to_private_deployers_in_other_fields if {
	every domain in _public_only {
		_not_applicable({"public_sector": false, "domain": domain}) == {"domain", "public_sector"}
		_not_applicable({"public_sector": true, "domain": domain}) == set()
		_not_applicable({"domain": domain}) == set()
	}
	every domain in _owed_by_anybody {
		_not_applicable({"public_sector": false, "domain": domain}) == set()
	}
	_not_applicable({"public_sector": false}) == set()
}

_owed_by_anybody := [
	"credit_scoring",
	"insurance",
	"justice",
	"medical",
	"public_services",
	"social_payments",
	"something",
	null,
]

_public_only := [
	"ai_platform",
	"e_money",
	"forensic",
	"hr",
	"law_enforcement",
	"other",
]

test_document if {
	_without("assessment") == {"deny document_missing"}
	_with({"assessment": {"uri": ""}}) == {"deny document_missing"}
}

test_each_element if {
	every element in _good.elements {
		others := {"elements": [other | some other in _good.elements; other != element]}
		record := object.union(_good, others)
		found := imp_02.violation with input as fixtures.request(_context, "fria", record)
		{[violation.code, violation.found] | some violation in found} == {["elements_lacking", [element]]}
	}
	_without("elements") == {"deny elements_lacking"}
	_with({"elements": "all"}) == {"deny elements_lacking"}
}

test_completed if {
	_with({"completed_on": fixtures.day(1)}) == {"deny completed_in_future"}
	_without("completed_on") == {"deny completed_in_future"}
}

test_notified if {
	_with({"notified_on": fixtures.day(1)}) == {"deny not_notified"}
	_with({"notified_on": "2026-11-23"}) == {"deny not_notified"}
	_without("notified_on") == {"deny not_notified"}
}

test_authority if {
	_with({"authority": " "}) == {"warn authority_missing"}
	_without("authority") == {"warn authority_missing"}
}

test_dpia if {
	_without("dpia") == {"warn dpia_not_named"}
	_said({}, object.remove(_good, ["dpia"])) == {"warn dpia_not_named"}
	_said(object.union(_context, {"personal_data": false}), object.remove(_good, ["dpia"])) == set()
}

test_worst_of_several_facts_counts if {
	found := imp_02.violation with input as object.union(fixtures.empty_request, _worst({"elements": []}))
	{violation.evidence | some violation in found} == {"e2"}
}
