package qaqpa.controls.imp_03_test

import data.qaqpa.controls.imp_03
import data.qaqpa.fixtures_test as fixtures

_good := {
	"assessment": fixtures.document,
	"method": "Ethical impact assessment",
	"rights_considered": ["equality", "privacy", "effective_remedy"],
	"affected_groups": ["borrowers"],
	"consultation": {"done": true, "summary": fixtures.document},
	"conclusion": "conditions",
	"conditions": [
		{"text": "Train the staff", "status": "closed", "due": fixtures.day(-10)},
		{"text": "Ask again", "status": "open", "due": fixtures.day(0)},
	],
	"completed_on": fixtures.day(-730),
}

_context := {"affects_rights": true, "kz_risk": "medium"}

_said(context, record) := said if {
	found := imp_03.violation with input as fixtures.request(context, "rights_assessment", record)
	said := fixtures.said(found)
}

_with(change) := _said(_context, object.union(_good, change))

_without(field) := _said(_context, object.remove(_good, [field]))

_not_applicable(context) := fields if {
	fields := imp_03.not_applicable_because with input as fixtures.request(context, "rights_assessment", _good)
}

_worst(bad) := facts if {
	worse := object.union(fixtures.fact(object.union(_good, bad)), {"id": "e2"})
	facts := {"evidence": {"rights_assessment": [fixtures.fact(_good), worse]}}
}

_condition(condition) := _with({"conditions": [condition]})

test_passes if {
	_said(_context, _good) == set()
	_said({}, _good) == set()
	_with({"conclusion": "proceed", "conditions": []}) == set()
	_said(_context, object.union(object.remove(_good, ["conditions"]), {"conclusion": "proceed"})) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	every degree in ["minimal", "medium"] {
		_not_applicable(object.union(fixtures.spares_rights, {"kz_risk": degree})) == {"affects_rights", "kz_risk"}
		_not_applicable({"affects_rights": true, "kz_risk": degree}) == set()
		_not_applicable({"kz_risk": degree}) == set()
	}
	_not_applicable(object.union(fixtures.spares_rights, {"kz_risk": "high"})) == set()
	_not_applicable(object.union(fixtures.spares_rights, {"kz_risk": "low"})) == set()
	_not_applicable(fixtures.spares_rights) == set()
	_not_applicable({}) == set()
}

test_document if {
	_without("assessment") == {"deny document_missing"}
	_with({"assessment": {"uri": ""}}) == {"deny document_missing"}
}

test_conclusion if {
	_with({"conclusion": "stop"}) == {"deny conclusion_stop"}
	_with({"conclusion": "perhaps"}) == {"deny conclusion_stop"}
	_without("conclusion") == {"deny conclusion_stop"}
}

test_each_right if {
	every right in _good.rights_considered {
		others := {"rights_considered": [other | some other in _good.rights_considered; other != right]}
		record := object.union(_good, others)
		found := imp_03.violation with input as fixtures.request(_context, "rights_assessment", record)
		{[violation.code, violation.found] | some violation in found} == {["rights_lacking", [right]]}
	}
	_without("rights_considered") == {"deny rights_lacking"}
	_with({"rights_considered": array.concat(_good.rights_considered, ["work"])}) == set()
}

test_conditions if {
	_with({"conditions": []}) == {"deny conditions_missing"}
	_without("conditions") == {"deny conditions_missing"}
	_condition({"text": "a", "status": "open", "due": fixtures.day(-1)}) == {"deny condition_overdue"}
	_condition({"text": "a", "due": fixtures.day(-1)}) == {"deny condition_overdue"}
	_condition({"text": "a", "status": "open", "due": {"text": "soon"}}) == {"deny condition_overdue"}
	_condition({"text": "a", "status": "open"}) == {"deny condition_without_due"}
	_condition({"text": "a", "status": "closed"}) == set()
}

test_conditions_count_whatever_the_conclusion if {
	overdue := [{"text": "a", "status": "open", "due": fixtures.day(-1)}]
	_with({"conclusion": "proceed", "conditions": overdue}) == {"deny condition_overdue"}
}

test_completed if {
	_with({"completed_on": fixtures.day(1)}) == {"deny completed_in_future"}
	_with({"completed_on": fixtures.day(0)}) == set()
	_without("completed_on") == {"deny completed_in_future"}
}

test_review if _with({"completed_on": fixtures.day(-731)}) == {"warn review_due"}

test_consultation if {
	_with({"consultation": {"done": false}}) == {"warn consultation_missing"}
	_with({"consultation": {"done": "true"}}) == {"warn consultation_missing"}
	_without("consultation") == {"warn consultation_missing"}
}

test_affected_groups if {
	_with({"affected_groups": []}) == {"warn affected_groups_missing"}
	_without("affected_groups") == {"warn affected_groups_missing"}
}

test_threshold_can_be_tightened if {
	settings := {"settings": {"thresholds": {"IMP-03": {"review_max_age_days": 729}}}}
	request := object.union(fixtures.request(_context, "rights_assessment", _good), settings)
	found := imp_03.violation with input as request
	fixtures.said(found) == {"warn review_due"}
}

test_worst_of_several_facts_counts if {
	request := object.union(fixtures.empty_request, _worst({"conclusion": "stop"}))
	found := imp_03.violation with input as request
	{violation.evidence | some violation in found} == {"e2"}
}
