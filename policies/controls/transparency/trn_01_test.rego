package qaqpa.controls.trn_01_test

import data.qaqpa.controls.trn_01
import data.qaqpa.fixtures_test as fixtures

_complete := {
	"document": fixtures.document,
	"intended_purpose": "Ranks applications for a caseworker.",
	"out_of_scope_uses": ["Decisions without a caseworker."],
	"known_limitations": ["Not measured for applicants under 18."],
	"performance": [{"metric": "auc", "value": 0.81}],
	"languages": ["en", "kk", "ru"],
	"approved_by": "a.person",
	"approved_on": fixtures.day(-10),
}

_with(changes) := fixtures.request({}, "model_card", object.union(_complete, changes))

_trained(moment) := object.union(_with({"approved_on": fixtures.day(-10)}), {"subject": {"trained_at": moment}})

test_pass if {
	count(trn_01.violation) == 0 with input as _with({})
}

test_applies_to_every_system if {
	trn_01.not_applicable_because == set() with input as fixtures.empty_request
	trn_01.not_applicable_because == set() with input as fixtures.request({"affects_rights": false}, "model_card", {})
}

test_each_field_is_asked_for if {
	every field, code in {
		"document": "deny document_missing",
		"intended_purpose": "deny intended_purpose_missing",
		"out_of_scope_uses": "deny out_of_scope_uses_missing",
		"known_limitations": "deny known_limitations_missing",
		"performance": "deny performance_missing",
		"approved_by": "warn approver_missing",
		"approved_on": "deny approved_in_future",
	} {
		found := trn_01.violation with input as fixtures.request({}, "model_card", object.remove(_complete, [field]))
		fixtures.said(found) == {code}
	}
}

test_blank_is_missing if {
	found := trn_01.violation with input as _with({
		"intended_purpose": " ",
		"out_of_scope_uses": [""],
		"known_limitations": [" "],
		"performance": [{"metric": " ", "value": 1}],
		"approved_by": "",
	})
	fixtures.said(found) == {
		"deny intended_purpose_missing",
		"deny out_of_scope_uses_missing",
		"deny known_limitations_missing",
		"deny performance_missing",
		"warn approver_missing",
	}
}

test_approval_of_the_day_of_the_decision if {
	count(trn_01.violation) == 0 with input as _with({"approved_on": fixtures.day(0)})
}

test_approval_in_future if {
	found := trn_01.violation with input as _with({"approved_on": fixtures.day(1)})
	fixtures.said(found) == {"deny approved_in_future"}
}

test_approval_of_a_year_ago if {
	count(trn_01.violation) == 0 with input as _with({"approved_on": fixtures.day(-365)})
}

test_approval_older_than_a_year_warns if {
	found := trn_01.violation with input as _with({"approved_on": fixtures.day(-366)})
	fixtures.said(found) == {"warn approval_old"}
}

test_age_is_set_in_the_settings if {
	settings := {"settings": {"minimum_strength": "declared", "thresholds": {"TRN-01": {"max_age_days": 9}}}}
	found := trn_01.violation with input as object.union(_with({}), settings)
	fixtures.said(found) == {"warn approval_old"}
}

test_languages_missing if {
	state := {"public_sector": false}
	found := trn_01.violation with input as fixtures.request(state, "model_card", object.remove(_complete, ["languages"]))
	fixtures.said(found) == {"warn languages_missing"}
}

test_state_languages_are_asked_for_where_nothing_is_known if {
	found := trn_01.violation with input as _with({"languages": ["kk"]})
	fixtures.said(found) == {"deny kz_state_language_missing"}
	{violation.found | some violation in found} == {["ru"]}
}

test_state_languages_are_for_the_state_in_kazakhstan if {
	every context in [{"public_sector": false}, {"jurisdictions": ["EU", "OTHER"]}] {
		card := object.union(_complete, {"languages": ["en"]})
		found := trn_01.violation with input as fixtures.request(context, "model_card", card)
		found == set()
	}
}

test_the_worst_card_decides if {
	facts := [fixtures.fact(_complete), fixtures.fact(object.remove(_complete, ["document"]))]
	found := trn_01.violation with input as object.union(fixtures.empty_request, {"evidence": {"model_card": facts}})
	fixtures.said(found) == {"deny document_missing"}
}

test_trained_by_the_end_of_the_day_of_the_approval if {
	every moment in [null, fixtures.day(-11), fixtures.day(-10), {"text": "t", "seconds": fixtures.day(-9).seconds - 1}] {
		found := trn_01.violation with input as _trained(moment)
		found == set()
	}
}

test_trained_the_day_after_the_approval if {
	found := trn_01.violation with input as _trained(fixtures.day(-9))
	fixtures.said(found) == {"deny approved_before_training"}
	{[violation.found, violation.required] | some violation in found} == {[fixtures.day(-10).text, fixtures.day(-9).text]}
}

test_every_code_has_a_text if {
	found := trn_01.violation with input as fixtures.request({}, "model_card", {})
	old := trn_01.violation with input as _with({"approved_on": fixtures.day(-999)})
	early := trn_01.violation with input as _trained(fixtures.now)
	texts := object.keys(data.catalog["TRN-01"].texts.en.violations)
	{violation.code | some violation in ((found | old) | early)} == texts
}
