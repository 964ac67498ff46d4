package qaqpa.controls.pro_01_test

import data.qaqpa.controls.pro_01
import data.qaqpa.fixtures_test as fixtures

_answers := [{"item": item, "answer": "no", "reason": "It has no such function."} |
	some item in [1, 2, 3, 4, 5, 6, 7]
]

_good := {
	"items": _answers,
	"high_autonomy": false,
	"screened_by": "A lawyer",
	"screened_on": fixtures.day(-365),
}

_context := {
	"jurisdictions": ["KZ"],
	"domain": "medical",
	"kz_autonomy": "low",
	"scores_persons": false,
	"personal_data": true,
}

_said(context, screen) := said if {
	found := pro_01.violation with input as fixtures.request(context, "kz_screen", screen)
	said := fixtures.said(found)
}

_with(change) := _said(_context, object.union(_good, change))

_without(field) := _said(_context, object.remove(_good, [field]))

# All answers, the one on an item replaced.
_answered(entry) := [answer |
	some given in _answers
	answer := [entry, given][_index(entry.item, given.item)]
]

_index(item, other) := 0 if {
	item == other
} else := 1

_with_answer(entry) := _with({"items": _answered(entry)})

# What is said of a screen beside other evidence.
_beside(context, evidence) := said if {
	screen := {"kz_screen": [fixtures.fact(_good)]}
	request := object.union(
		fixtures.empty_request,
		{"context": object.union(_context, context), "evidence": object.union(screen, evidence)},
	)
	found := pro_01.violation with input as request
	said := fixtures.said(found)
}

test_passes if {
	_said(_context, _good) == set()
	_said(object.union(_context, {"jurisdictions": ["EU", "KZ"], "scores_persons": true}), _good) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	pro_01.not_applicable_because == {"jurisdictions"} with input.context as {"jurisdictions": ["EU", "OTHER"]}
	pro_01.not_applicable_because == set() with input.context as {"jurisdictions": ["EU", "KZ"]}
	pro_01.not_applicable_because == set() with input.context as {"jurisdictions": []}
	pro_01.not_applicable_because == set() with input.context as {"jurisdictions": ["XX"]}
}

test_applies_with_an_empty_context if {
	pro_01.not_applicable_because == set() with input as fixtures.request({}, "kz_screen", _good)
	_said({}, _good) == {"deny high_autonomy_without_law"}
	_said({}, {}) == {
		"deny high_autonomy_without_law",
		"deny item_missing",
		"deny screen_out_of_date",
		"warn screener_missing",
	}
}

test_every_item_has_an_answer if {
	_with({"items": array.slice(_answers, 0, 6)}) == {"deny item_missing"}
	_with({"items": array.slice(_answers, 1, 7)}) == {"deny item_missing"}
	_with({"items": "no"}) == {"deny item_missing"}
	_without("items") == {"deny item_missing"}
	_with_answer({"item": 7, "answer": "perhaps"}) == {"deny item_missing"}
	_with_answer({"item": 7}) == {"deny item_missing"}
	_with({"items": array.concat(array.slice(_answers, 0, 6), [{"item": "7", "answer": "no"}])}) == {"deny item_missing"}
	_with({"items": array.concat(array.slice(_answers, 0, 6), [{"answer": "no"}])}) == {"deny item_missing"}
}

test_a_function_that_is_there if {
	every item in [1, 2, 3, 4, 5, 6, 7] {
		_with_answer({"item": item, "answer": "yes"}) == {"deny function_prohibited"}
	}
	_with({"items": array.concat(_answers, [{"item": 1, "answer": "yes"}])}) == {"deny function_prohibited"}
}

test_exceptions if {
	every item in [3, 6] {
		_with_answer({"item": item, "answer": "exception", "law_ref": "Law"}) == set()
		_with_answer({"item": item, "answer": "exception", "law_ref": " "}) == {"deny exception_without_law"}
		_with_answer({"item": item, "answer": "exception"}) == {"deny exception_without_law"}
	}
	every item in [1, 2, 4, 5, 7] {
		_with_answer({"item": item, "answer": "exception", "law_ref": "Law"}) == {"deny exception_not_possible"}
	}
}

test_rating_persons_needs_a_reason if {
	bare := object.union(_good, {"items": _answered({"item": 3, "answer": "no"})})
	_said(_context, bare) == set()
	_said(object.union(_context, {"scores_persons": true}), bare) == {"deny scoring_without_reason"}
	_said(object.remove(_context, ["scores_persons"]), bare) == {"deny scoring_without_reason"}
	_said(object.remove(_context, ["domain"]), bare) == {"deny scoring_without_reason"}
	every domain in ["credit_scoring", "hr", "law_enforcement", "social_payments"] {
		_said(object.union(_context, {"domain": domain}), bare) == {"deny scoring_without_reason"}
		_said(object.union(_context, {"domain": domain}), _good) == set()
	}
	blank := object.union(_good, {"items": _answered({"item": 3, "answer": "no", "reason": " "})})
	_said(object.union(_context, {"scores_persons": true}), blank) == {"deny scoring_without_reason"}
	others := object.union(_good, {"items": _answered({"item": 2, "answer": "no"})})
	_said(object.union(_context, {"scores_persons": true}), others) == set()
}

test_high_autonomy if {
	_with({"high_autonomy": true}) == {"deny high_autonomy_without_law"}
	_without("high_autonomy") == {"deny high_autonomy_without_law"}
	_with({"high_autonomy": "no"}) == {"deny high_autonomy_without_law"}
	_with({"high_autonomy": true, "high_autonomy_law_ref": " "}) == {"deny high_autonomy_without_law"}
	_with({"high_autonomy": true, "high_autonomy_law_ref": "Law"}) == set()
	high := object.union(_context, {"kz_autonomy": "high"})
	_said(high, _good) == {"deny high_autonomy_without_law"}
	_said(high, object.union(_good, {"high_autonomy_law_ref": "Law"})) == set()
	_said(object.remove(_context, ["kz_autonomy"]), _good) == {"deny high_autonomy_without_law"}
	_said(object.union(_context, {"kz_autonomy": "medium"}), _good) == set()
}

test_what_nobody_said_of_autonomy_is_not_reported_as_said if {
	every context, given in {"{}": [], `{"kz_autonomy": "high"}`: ["high"]} {
		request := fixtures.request(json.unmarshal(context), "kz_screen", _good)
		violations := pro_01.violation with input as request
		{violation.found | some violation in violations} == {{"screen": [false], "context": given}}
	}
}

test_a_basis_that_is_missing_contradicts if {
	none := {"bases": []}
	_beside({}, {"legal_basis": [fixtures.fact(none)]}) == {"deny data_protection_contradicts"}
	_beside({"personal_data": false}, {"legal_basis": [fixtures.fact(none)]}) == set()
	contract := {"bases": [{"phase": "training", "jurisdiction": "KZ", "basis": "contract"}], "phases": ["training"]}
	_beside({}, {"legal_basis": [fixtures.fact(contract)]}) == {"deny data_protection_contradicts"}
}

test_a_place_abroad_contradicts if {
	abroad := {"countries": ["KZ"], "kz_storage_country": "DE"}
	_beside({}, {"data_location": [fixtures.fact(abroad)]}) == {"deny data_protection_contradicts"}
	_beside({"personal_data": false}, {"data_location": [fixtures.fact(abroad)]}) == set()
	sent := {"countries": ["KZ", "DE"], "kz_storage_country": "KZ"}
	_beside({}, {"data_location": [fixtures.fact(sent)]}) == {"deny data_protection_contradicts"}
}

test_missing_paper_and_other_jurisdictions_do_not_contradict if {
	consent := {"bases": [{"phase": "training", "jurisdiction": "KZ", "basis": "consent"}], "phases": ["training"]}
	unknown := {"countries": ["KZ"]}
	paper := {"legal_basis": [fixtures.fact(consent)], "data_location": [fixtures.fact(unknown)]}
	_beside({}, paper) == set()
	_beside({"jurisdictions": ["EU", "KZ"]}, paper) == set()
	_beside({}, {}) == set()
}

test_an_item_that_is_admitted_is_not_contradicted_too if {
	request := object.union(fixtures.empty_request, {"context": _context, "evidence": {
		"kz_screen": [fixtures.fact(object.union(_good, {"items": _answered({"item": 4, "answer": "yes"})}))],
		"legal_basis": [fixtures.fact({"bases": []})],
	}})
	found := pro_01.violation with input as request
	fixtures.said(found) == {"deny function_prohibited"}
}

test_what_contradicts_is_named if {
	request := object.union(fixtures.empty_request, {"context": _context, "evidence": {
		"kz_screen": [fixtures.fact(_good)],
		"legal_basis": [fixtures.fact({"bases": []})],
		"data_location": [fixtures.fact({"countries": ["US"], "kz_storage_country": "US"})],
	}})
	found := pro_01.violation with input as request
	{violation.found | some violation in found} == {["no_basis", "storage_abroad", "transfer_without_ground"]}
}

test_screener if {
	_with({"screened_by": " "}) == {"warn screener_missing"}
	_without("screened_by") == {"warn screener_missing"}
}

test_date if {
	_with({"screened_on": fixtures.day(-366)}) == {"deny screen_out_of_date"}
	_with({"screened_on": fixtures.day(1)}) == {"deny screen_out_of_date"}
	_with({"screened_on": fixtures.day(0)}) == set()
	_with({"screened_on": "2026-11-23"}) == {"deny screen_out_of_date"}
	_without("screened_on") == {"deny screen_out_of_date"}
}

test_threshold_can_be_tightened if {
	settings := {"thresholds": {"PRO-01": {"max_age_days": 364}}}
	request := object.union(fixtures.request(_context, "kz_screen", _good), {"settings": settings})
	found := pro_01.violation with input as request
	fixtures.said(found) == {"deny screen_out_of_date"}
}

test_worst_of_several_facts_counts if {
	bad := object.union(fixtures.fact(object.union(_good, {"high_autonomy": true})), {"id": "e2"})
	request := object.union(
		fixtures.empty_request,
		{"context": _context, "evidence": {"kz_screen": [fixtures.fact(_good), bad]}},
	)
	found := pro_01.violation with input as request
	{violation.evidence | some violation in found} == {"e2"}
}
