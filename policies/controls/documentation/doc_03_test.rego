package qaqpa.controls.doc_03_test

import data.qaqpa.controls.doc_03
import data.qaqpa.fixtures_test as fixtures

_good := {
	"enabled": true,
	"fields": _needed,
	"retention_days": 183,
	"limitation_days": 183,
	"tamper_evident": true,
	"access_roles": ["inspector"],
	"sample": fixtures.document,
}

_needed := [
	"model_version",
	"input_ref",
	"output",
	"explanation_ref",
	"human_actor",
	"human_action",
	"timestamp",
]

_context := {"affects_rights": true}

_said(context, record) := said if {
	found := doc_03.violation with input as fixtures.request(context, "logging", record)
	said := fixtures.said(found)
}

_with(change) := _said(_context, object.union(_good, change))

_without(field) := _said(_context, object.remove(_good, [field]))

_not_applicable(context) := fields if {
	fields := doc_03.not_applicable_because with input as fixtures.request(context, "logging", _good)
}

_worst(bad) := facts if {
	worse := object.union(fixtures.fact(object.union(_good, bad)), {"id": "e2"})
	facts := {"evidence": {"logging": [fixtures.fact(_good), worse]}}
}

test_passes if {
	_said(_context, _good) == set()
	_said({}, _good) == set()
	_with({"fields": array.concat(_needed, ["screen"])}) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	_not_applicable(fixtures.spares_rights) == {"affects_rights"}
	_not_applicable({"affects_rights": true}) == set()
	_not_applicable({"affects_rights": "false"}) == set()
	_not_applicable({}) == set()
}

test_enabled if {
	_with({"enabled": false}) == {"deny logging_disabled"}
	_with({"enabled": "true"}) == {"deny logging_disabled"}
	_without("enabled") == {"deny logging_disabled"}
}

test_each_field if {
	every field in _needed {
		others := [other | some other in _needed; other != field]
		log := object.union(_good, {"fields": others})
		found := doc_03.violation with input as fixtures.request(_context, "logging", log)
		{[violation.code, violation.found] | some violation in found} == {["fields_lacking", [field]]}
	}
	_without("fields") == {"deny fields_lacking"}
	_with({"fields": "all"}) == {"deny fields_lacking"}
}

test_retention if {
	_with({"retention_days": 184}) == set()
	_with({"retention_days": 182, "limitation_days": 182}) == {"deny retention_short"}
	_with({"retention_days": "183"}) == {"deny retention_short", "deny retention_below_limitation"}
	_without("retention_days") == {"deny retention_short", "deny retention_below_limitation"}
}

test_limitation if {
	_with({"limitation_days": 184}) == {"deny retention_below_limitation"}
	_with({"limitation_days": 1095, "retention_days": 1094}) == {"deny retention_below_limitation"}
	_with({"limitation_days": 1095, "retention_days": 1095}) == set()
	_with({"limitation_days": "1095"}) == {"warn limitation_missing"}
	_without("limitation_days") == {"warn limitation_missing"}
}

test_warnings if {
	_with({"tamper_evident": false}) == {"warn not_tamper_evident"}
	_without("tamper_evident") == {"warn not_tamper_evident"}
	_with({"access_roles": [" "]}) == {"warn access_roles_missing"}
	_without("access_roles") == {"warn access_roles_missing"}
	_with({"sample": {"uri": ""}}) == {"warn sample_missing"}
	_without("sample") == {"warn sample_missing"}
}

test_threshold_can_be_tightened if {
	settings := {"settings": {"thresholds": {"DOC-03": {"min_retention_days": 184}}}}
	found := doc_03.violation with input as object.union(fixtures.request(_context, "logging", _good), settings)
	fixtures.said(found) == {"deny retention_short"}
}

test_worst_of_several_facts_counts if {
	found := doc_03.violation with input as object.union(fixtures.empty_request, _worst({"enabled": false}))
	{violation.evidence | some violation in found} == {"e2"}
}
