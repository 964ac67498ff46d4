package qaqpa.controls.dpb_03_test

import data.qaqpa.controls.dpb_03
import data.qaqpa.fixtures_test as fixtures

_safeguards := ["human_intervention", "express_view", "contest"]

_good := {
	"kz_ground": "consent",
	"eu_ground": "explicit_consent",
	"person_can_change_result": true,
	"safeguards": _safeguards,
	"uses_special_category": false,
}

_kz := {"jurisdictions": ["KZ"]}

_eu := {"jurisdictions": ["EU"]}

_other := {"jurisdictions": ["OTHER"]}

_said(context, record) := said if {
	found := dpb_03.violation with input as fixtures.request(context, "automated_decision", record)
	said := fixtures.said(found)
}

_with(context, change) := _said(context, object.union(_good, change))

_without(context, field) := _said(context, object.remove(_good, [field]))

# Why the control does not apply in a context, with some evidence.
_not_applicable(context, evidence) := fields if {
	request := object.union(fixtures.empty_request, {"context": context, "evidence": evidence})
	fields := dpb_03.not_applicable_because with input as request
}

test_passes if {
	_said(_kz, _good) == set()
	_said(_eu, _good) == set()
	_said({"jurisdictions": ["EU", "KZ"], "automation": "fully_automated"}, _good) == set()
	_said(_other, _good) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	_not_applicable(fixtures.spares_rights, {}) == {"affects_rights"}
	_not_applicable({"personal_data": false}, {}) == {"personal_data"}
	_not_applicable({"automation": "advisory"}, {}) == {"automation"}
	_not_applicable({"automation": "human_in_the_loop"}, {}) == {"automation"}
	_not_applicable({"automation": "fully_automated", "affects_rights": true, "personal_data": true}, {}) == set()
	_not_applicable({"automation": "something"}, {}) == set()
}

test_applies_with_an_empty_context if {
	_not_applicable({}, {}) == set()
	_said({}, _good) == set()
	_said({}, {}) == {"deny eu_special_without_condition", "deny no_ground"}
}

test_a_click_that_changes_nothing_counts_as_no_person if {
	context := {"automation": "human_in_the_loop"}
	_not_applicable(context, {"automated_decision": [fixtures.fact(_good)]}) == {"automation"}
	click := object.union(_good, {"person_can_change_result": false})
	_not_applicable(context, {"automated_decision": [fixtures.fact(click)]}) == set()
	_not_applicable(context, {"automated_decision": [fixtures.fact({})]}) == {"automation"}
}

test_a_flow_without_a_person_outweighs_the_context if {
	context := {"automation": "human_in_the_loop"}
	alone := {"automation_level": "fully_automated"}
	guided := {"automation_level": "human_in_the_loop"}
	_not_applicable(context, {"decision_flow": [fixtures.fact(guided)]}) == {"automation"}
	_not_applicable(context, {"decision_flow": [fixtures.fact(alone)]}) == set()
	_not_applicable(context, {"decision_flow": [fixtures.fact(guided), fixtures.fact(alone)]}) == set()
}

test_ground_in_kazakhstan if {
	_with(_kz, {"kz_ground": "none"}) == {"deny kz_no_ground"}
	_with(_kz, {"kz_ground": "contract"}) == {"deny kz_no_ground"}
	_with(_kz, {"kz_ground": 1}) == {"deny kz_no_ground"}
	_without(_kz, "kz_ground") == {"deny kz_no_ground"}
	_without(_eu, "kz_ground") == set()
}

test_law_in_kazakhstan if {
	_with(_kz, {"kz_ground": "law"}) == {"deny kz_law_missing"}
	_with(_kz, {"kz_ground": "law", "kz_law_ref": " "}) == {"deny kz_law_missing"}
	_with(_kz, {"kz_ground": "law", "kz_law_ref": "Law"}) == set()
	_with(_eu, {"kz_ground": "law"}) == set()
}

test_correction_in_kazakhstan if {
	_with(_kz, {"person_can_change_result": false}) == {"deny kz_correction_without_law"}
	_with(_kz, {"person_can_change_result": "yes"}) == {"deny kz_correction_without_law"}
	_without(_kz, "person_can_change_result") == {"deny kz_correction_without_law"}
	_with(_kz, {"person_can_change_result": false, "kz_ground": "law", "kz_law_ref": "Law"}) == set()
}

test_ground_in_the_eu if {
	_with(_eu, {"eu_ground": "none"}) == {"deny eu_no_ground"}
	_with(_eu, {"eu_ground": "consent"}) == {"deny eu_no_ground"}
	_without(_eu, "eu_ground") == {"deny eu_no_ground"}
	_without(_kz, "eu_ground") == set()
}

test_law_in_the_eu if {
	_with(_eu, {"eu_ground": "law"}) == {"deny eu_law_missing"}
	_with(_eu, {"eu_ground": "law", "eu_law_ref": "Law"}) == set()
	_with(_kz, {"eu_ground": "law"}) == set()
}

test_safeguards_in_the_eu if {
	_with(_eu, {"safeguards": array.slice(_safeguards, 0, 2)}) == {"deny eu_safeguard_missing"}
	_with(_eu, {"safeguards": array.slice(_safeguards, 1, 3)}) == {"deny eu_safeguard_missing"}
	_with(_eu, {"safeguards": [], "eu_ground": "contract"}) == {"deny eu_safeguard_missing"}
	_without(_eu, "safeguards") == {"deny eu_safeguard_missing"}
	_with(_eu, {"safeguards": [], "eu_ground": "law", "eu_law_ref": "Law"}) == set()
	_without(_kz, "safeguards") == set()
}

test_nobody_intervenes_who_can_change_nothing if {
	_with(_eu, {"person_can_change_result": false}) == {"deny eu_safeguard_missing"}
	_without(_eu, "person_can_change_result") == {"deny eu_safeguard_missing"}
	record := object.union(_good, {"person_can_change_result": false})
	found := dpb_03.violation with input as fixtures.request(_eu, "automated_decision", record)
	{violation.found | some violation in found} == {["human_intervention"]}
}

test_special_categories_in_the_eu if {
	_with(_eu, {"uses_special_category": true}) == {"deny eu_special_without_condition"}
	_without(_eu, "uses_special_category") == {"deny eu_special_without_condition"}
	_with(_eu, {"uses_special_category": true, "eu_special_condition": "none"}) == {"deny eu_special_without_condition"}
	_with(_eu, {"uses_special_category": true, "eu_special_condition": "explicit_consent"}) == set()
	_with(_eu, {"uses_special_category": true, "eu_special_condition": "substantial_public_interest"}) == set()
	_with(_kz, {"uses_special_category": true}) == set()
	law := {"uses_special_category": true, "eu_ground": "law", "eu_law_ref": "Law"}
	_with(_eu, law) == {"deny eu_special_without_condition"}
}

test_no_ground_at_all_is_one_violation_everywhere if {
	record := {"kz_ground": "none", "uses_special_category": false}
	every places in [["EU"], ["KZ"], ["EU", "KZ"], ["OTHER"]] {
		_said({"jurisdictions": places}, record) == {"deny no_ground"}
	}
}

test_any_ground_counts_elsewhere if {
	_said(_other, {}) == {"deny no_ground"}
	_said(_other, {"kz_ground": "none", "eu_ground": "none", "other_ground": " "}) == {"deny no_ground"}
	_said(_other, {"other_ground": "Act"}) == set()
	_said(_other, {"kz_ground": "consent"}) == set()
	_said({"jurisdictions": ["KZ", "OTHER"]}, {"other_ground": "Act"}) == {"deny kz_no_ground"}
}

test_worst_of_several_facts_counts if {
	bad := object.union(fixtures.fact(object.union(_good, {"kz_ground": "none"})), {"id": "e2"})
	request := object.union(
		fixtures.empty_request,
		{"context": _kz, "evidence": {"automated_decision": [fixtures.fact(_good), bad]}},
	)
	found := dpb_03.violation with input as request
	{violation.evidence | some violation in found} == {"e2"}
}
