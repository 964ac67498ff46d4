package qaqpa.controls.dpb_02_test

import data.qaqpa.controls.dpb_02
import data.qaqpa.fixtures_test as fixtures

_health := {"category": "health", "kz_condition": "consent", "eu_condition": "health_care"}

_bias_testing := {
	"other_data_insufficient": true,
	"reuse_limited": true,
	"access_controlled": true,
	"not_passed_on": true,
	"deleted_in_time": true,
	"necessity_recorded": true,
}

_good := {
	"categories": [_health],
	"used_for_bias_testing": true,
	"bias_testing": _bias_testing,
	"access_roles": ["physician"],
	"encrypted": true,
	"public_place_biometrics": false,
}

_kz := {"jurisdictions": ["KZ"], "automation": "advisory"}

_eu := {"jurisdictions": ["EU"], "automation": "advisory"}

_both := {"jurisdictions": ["EU", "KZ"], "automation": "advisory"}

_other := {"jurisdictions": ["OTHER"]}

_alone := {"jurisdictions": ["EU"], "automation": "fully_automated"}

_said(context, record) := said if {
	found := dpb_02.violation with input as fixtures.request(context, "special_data", record)
	said := fixtures.said(found)
}

_with(context, change) := _said(context, object.union(_good, change))

_without(context, field) := _said(context, object.remove(_good, [field]))

_with_category(context, change) := _with(context, {"categories": [object.union(_health, change)]})

_without_in_category(context, field) := _with(context, {"categories": [object.remove(_health, [field])]})

test_passes if {
	_said(_both, _good) == set()
	_said(_other, _good) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	dpb_02.not_applicable_because == {"special_category"} with input.context as {"special_category": false}
	dpb_02.not_applicable_because == set() with input.context as {"special_category": true}
	dpb_02.not_applicable_because == set() with input.context as {"special_category": "false"}
}

test_applies_with_an_empty_context if {
	dpb_02.not_applicable_because == set() with input as fixtures.request({}, "special_data", _good)
	_said({}, _good) == {"deny eu_automated_without_condition"}
	_said({}, {}) == {
		"deny access_roles_missing",
		"deny categories_missing",
		"deny encryption_missing",
		"deny eu_bias_condition_unmet",
		"deny kz_public_place_ground_missing",
	}
}

test_categories if {
	_with(_both, {"categories": []}) == {"deny categories_missing"}
	_without(_both, "categories") == {"deny categories_missing"}
	_with(_both, {"categories": "health"}) == {"deny categories_missing"}
}

test_condition_in_kazakhstan if {
	_without_in_category(_kz, "kz_condition") == {"deny kz_condition_missing"}
	_with_category(_kz, {"kz_condition": "health_care"}) == {"deny kz_condition_missing"}
	_with_category(_kz, {"kz_condition": 1}) == {"deny kz_condition_missing"}
	_with_category(_kz, {"kz_condition": "law"}) == {"deny kz_law_missing"}
	_with_category(_kz, {"kz_condition": "law", "kz_law_ref": " "}) == {"deny kz_law_missing"}
	_with_category(_kz, {"kz_condition": "law", "kz_law_ref": "Law"}) == set()
	_without_in_category(_eu, "kz_condition") == set()
}

test_condition_in_the_eu if {
	_without_in_category(_eu, "eu_condition") == {"deny eu_condition_missing"}
	_with_category(_eu, {"eu_condition": "law"}) == {"deny eu_condition_missing"}
	_without_in_category(_kz, "eu_condition") == set()
}

test_condition_elsewhere if {
	bare := {"category": "health"}
	_with(_other, {"categories": [bare]}) == {"deny condition_missing"}
	_with(_other, {"categories": [object.union(bare, {"other_condition": "Act"})]}) == set()
	_with(_other, {"categories": [object.union(bare, {"eu_condition": "research"})]}) == set()
	_with(_eu, {"categories": [object.union(bare, {"other_condition": "Act"})]}) == {"deny eu_condition_missing"}
}

test_no_condition_at_all_is_one_violation_everywhere if {
	every context in [_eu, _kz, _both, _other] {
		_with(context, {"categories": [{"category": "health"}]}) == {"deny condition_missing"}
	}
}

test_every_category_is_judged if {
	bad := {"category": "genetic", "kz_condition": "consent"}
	record := object.union(_good, {"categories": [_health, bad, {"category": "belief", "other_condition": "Act"}]})
	found := dpb_02.violation with input as fixtures.request(_both, "special_data", record)
	{violation.found.category | some violation in found; violation.code == "eu_condition_missing"} == {"belief", "genetic"}
	{violation.found.category | some violation in found; violation.code == "kz_condition_missing"} == {"belief"}
}

test_decisions_without_a_person if {
	_said(_alone, _good) == {"deny eu_automated_without_condition"}
	_with_category(_alone, {"eu_condition": "explicit_consent"}) == set()
	_with_category(_alone, {"eu_condition": "substantial_public_interest"}) == set()
	_without_in_category(_alone, "eu_condition") == {"deny eu_automated_without_condition", "deny eu_condition_missing"}
	_with(_alone, {"used_in_decisions": false}) == set()
	_with(_alone, {"used_in_decisions": "false"}) == {"deny eu_automated_without_condition"}
	_said({"jurisdictions": ["EU"]}, _good) == {"deny eu_automated_without_condition"}
	_said(object.union(_alone, {"significant_decision": false}), _good) == set()
	_said({"jurisdictions": ["KZ"], "automation": "fully_automated"}, _good) == set()
}

test_evidence_that_nobody_decides_outweighs_the_context if {
	every level, expected in {"advisory": set(), "fully_automated": {"deny eu_automated_without_condition"}} {
		request := object.union(fixtures.empty_request, {"context": _eu, "evidence": {
			"special_data": [fixtures.fact(_good)],
			"decision_flow": [fixtures.fact({"automation_level": level})],
		}})
		found := dpb_02.violation with input as request
		fixtures.said(found) == expected
	}
}

test_bias_testing if {
	_with(_eu, {"bias_testing": {"deleted_in_time": false}}) == {"deny eu_bias_condition_unmet"}
	_with(_eu, {"bias_testing": {"deleted_in_time": "yes"}}) == {"deny eu_bias_condition_unmet"}
	_without(_eu, "bias_testing") == {"deny eu_bias_condition_unmet"}
	_without(_eu, "used_for_bias_testing") == set()
	bare := object.remove(_good, ["bias_testing", "used_for_bias_testing"])
	_said(_eu, bare) == {"deny eu_bias_condition_unmet"}
	_said(_eu, object.union(bare, {"used_for_bias_testing": false})) == set()
	_said(_kz, bare) == set()
}

test_each_of_the_six_conditions_counts if {
	every condition, _ in _bias_testing {
		record := json.remove(_good, [concat("/", ["bias_testing", condition])])
		found := dpb_02.violation with input as fixtures.request(_eu, "special_data", record)
		{violation.found | some violation in found} == {[condition]}
	}
}

test_biometrics_in_public_places if {
	_with(_kz, {"public_place_biometrics": true}) == {"deny kz_public_place_ground_missing"}
	_without(_kz, "public_place_biometrics") == {"deny kz_public_place_ground_missing"}
	_with(_kz, {"public_place_biometrics": true, "public_place_ground": " "}) == {"deny kz_public_place_ground_missing"}
	_with(_kz, {"public_place_biometrics": true, "public_place_ground": "Law"}) == set()
	_with(_eu, {"public_place_biometrics": true}) == set()
}

test_encryption if {
	_with(_both, {"encrypted": false}) == {"deny encryption_missing"}
	_with(_both, {"encrypted": "yes"}) == {"deny encryption_missing"}
	_without(_other, "encrypted") == {"deny encryption_missing"}
}

test_access if {
	_with(_both, {"access_roles": []}) == {"deny access_roles_missing"}
	_with(_both, {"access_roles": [" "]}) == {"deny access_roles_missing"}
	_without(_other, "access_roles") == {"deny access_roles_missing"}
}

test_worst_of_several_facts_counts if {
	bad := object.union(fixtures.fact(object.union(_good, {"encrypted": false})), {"id": "e2"})
	request := object.union(
		fixtures.empty_request,
		{"context": _both, "evidence": {"special_data": [fixtures.fact(_good), bad]}},
	)
	found := dpb_02.violation with input as request
	{violation.evidence | some violation in found} == {"e2"}
}
