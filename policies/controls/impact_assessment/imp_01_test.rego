package qaqpa.controls.imp_01_test

import data.qaqpa.controls.imp_01
import data.qaqpa.fixtures_test as fixtures

_good := {
	"assessment": fixtures.document,
	"completed_on": fixtures.day(-730),
	"first_used_on": fixtures.day(-730),
	"sections": ["description", "necessity_proportionality", "risks", "measures"],
	"dpo_opinion": "favourable",
	"residual_risk": "medium",
}

_context := {"personal_data": true, "affects_rights": true, "special_category": false}

_said(context, record) := said if {
	found := imp_01.violation with input as fixtures.request(context, "dpia", record)
	said := fixtures.said(found)
}

_with(change) := _said(_context, object.union(_good, change))

_without(field) := _said(_context, object.remove(_good, [field]))

_not_applicable(context) := fields if {
	fields := imp_01.not_applicable_because with input as fixtures.request(context, "dpia", _good)
}

_worst(bad) := facts if {
	worse := object.union(fixtures.fact(object.union(_good, bad)), {"id": "e2"})
	facts := {"evidence": {"dpia": [fixtures.fact(_good), worse]}}
}

test_passes if {
	_said(_context, _good) == set()
	_said({}, _good) == set()
	_with({"dpo_opinion": "conditions", "residual_risk": "low"}) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	_not_applicable({"personal_data": false}) == {"personal_data"}
	_not_applicable({"personal_data": "false"}) == set()
	both := object.union(fixtures.spares_rights, {"special_category": false})
	_not_applicable(both) == {"affects_rights", "special_category"}
	_not_applicable(object.union(both, {"personal_data": true})) == {"affects_rights", "special_category"}
	every field in ["affects_rights", "special_category"] {
		_not_applicable({field: false}) == set()
		_not_applicable(object.union(both, {field: true})) == set()
	}
	_not_applicable({}) == set()
}

test_document if {
	_without("assessment") == {"deny document_missing"}
	_with({"assessment": {"uri": ""}}) == {"deny document_missing"}
}

test_sections if {
	every section in _good.sections {
		others := {"sections": [other | some other in _good.sections; other != section]}
		record := object.union(_good, others)
		found := imp_01.violation with input as fixtures.request(_context, "dpia", record)
		{[violation.code, violation.found] | some violation in found} == {["sections_lacking", [section]]}
	}
	_without("sections") == {"deny sections_lacking"}
	_with({"sections": "all"}) == {"deny sections_lacking"}
}

test_completed if {
	_with({"completed_on": fixtures.day(1), "first_used_on": fixtures.day(1)}) == {"deny completed_in_future"}
	_with({"completed_on": fixtures.day(0), "first_used_on": fixtures.day(0)}) == set()
	_without("completed_on") == {"deny completed_in_future", "deny completed_after_first_use"}
}

test_before_first_use if {
	_with({"first_used_on": fixtures.day(-731)}) == {"deny completed_after_first_use"}
	_with({"first_used_on": {"text": "early", "seconds": null}}) == {"deny completed_after_first_use"}
	_with({"first_used_on": fixtures.day(100)}) == set()
	_without("first_used_on") == {"deny first_use_unknown"}
	_with({"first_used_on": "2026-11-23"}) == {"deny first_use_unknown"}
}

test_opinion if {
	_with({"dpo_opinion": "not_sought"}) == {"deny dpo_not_asked"}
	_without("dpo_opinion") == {"deny dpo_not_asked"}
	_with({"dpo_opinion": "unfavourable"}) == {"warn dpo_unfavourable"}
}

test_residual_risk if {
	_with({"residual_risk": "high"}) == {"deny prior_consultation_missing"}
	_with({"residual_risk": "unknown"}) == {"deny prior_consultation_missing"}
	_without("residual_risk") == {"deny prior_consultation_missing"}
	_with({"residual_risk": "high", "prior_consultation": {"uri": "x"}}) == {"deny prior_consultation_missing"}
	_with({"residual_risk": "high", "prior_consultation": fixtures.document}) == set()
}

test_review if {
	old := {"completed_on": fixtures.day(-731), "first_used_on": fixtures.day(-731)}
	_with(old) == {"warn review_due"}
}

test_threshold_can_be_tightened if {
	settings := {"settings": {"thresholds": {"IMP-01": {"review_max_age_days": 729}}}}
	found := imp_01.violation with input as object.union(fixtures.request(_context, "dpia", _good), settings)
	fixtures.said(found) == {"warn review_due"}
}

test_worst_of_several_facts_counts if {
	found := imp_01.violation with input as object.union(fixtures.empty_request, _worst({"residual_risk": "high"}))
	{violation.evidence | some violation in found} == {"e2"}
}
