package qaqpa.controls.trn_02_test

import data.qaqpa.controls.trn_02
import data.qaqpa.fixtures_test as fixtures

_complete := {
	"method": "shap",
	"scope": ["global", "local"],
	"samples": fixtures.document,
	"data_used_disclosed": true,
	"fidelity": {"metric": "r2", "value": 0.9},
	"comprehension": {"n": 30, "share_understood": 0.8},
	"languages": ["kk"],
	"request_channel": "Any service centre.",
	"answer_days": 0,
	"request_register": true,
	"tested_on": fixtures.day(0),
}

_low_risk := {"kz_risk": "medium", "eu_class": "minimal"}

_with(changes) := fixtures.request({}, "explanation", object.union(_complete, changes))

_trained(moment) := object.union(_with({"tested_on": fixtures.day(-10)}), {"subject": {"trained_at": moment}})

test_pass_with_every_number_at_its_boundary if {
	count(trn_02.violation) == 0 with input as _with({})
}

test_does_not_apply_where_no_rights_are_affected if {
	request := fixtures.request(fixtures.spares_rights, "explanation", {})
	trn_02.not_applicable_because == {"affects_rights"} with input as request
}

test_applies_where_nothing_is_known if {
	trn_02.not_applicable_because == set() with input as fixtures.empty_request
}

test_each_field_is_asked_for if {
	every field, code in {
		"scope": "deny scope_not_local",
		"samples": "deny samples_missing",
		"data_used_disclosed": "deny data_used_not_disclosed",
		"fidelity": "deny fidelity_missing",
		"comprehension": "warn comprehension_missing",
		"languages": "warn languages_missing",
		"request_channel": "warn request_channel_missing",
		"answer_days": "warn answer_days_missing",
		"request_register": "warn request_register_missing",
		"tested_on": "deny tested_in_future",
	} {
		found := trn_02.violation with input as fixtures.request({}, "explanation", object.remove(_complete, [field]))
		fixtures.said(found) == {code}
	}
}

test_what_is_denied_is_missing if {
	found := trn_02.violation with input as _with({
		"scope": ["global"],
		"data_used_disclosed": false,
		"request_channel": " ",
		"request_register": false,
	})
	fixtures.said(found) == {
		"deny scope_not_local",
		"deny data_used_not_disclosed",
		"warn request_channel_missing",
		"warn request_register_missing",
	}
}

test_fidelity_just_below_denies_at_high_risk if {
	every context in [
		{},
		{"kz_risk": "high", "eu_class": "minimal"},
		{"kz_risk": "minimal", "eu_class": "high_risk_annex_i"},
		{"kz_risk": "minimal", "eu_class": "high_risk_annex_iii"},
		{"kz_risk": "minimal", "eu_class": "prohibited"},
	] {
		low := object.union(_complete, {"fidelity": {"value": 0.8999}})
		found := trn_02.violation with input as fixtures.request(context, "explanation", low)
		fixtures.said(found) == {"deny fidelity_low"}
	}
}

test_fidelity_just_below_warns_at_lower_risk if {
	every context in [_low_risk, {"kz_risk": "minimal", "eu_class": "transparency"}] {
		low := object.union(_complete, {"fidelity": {"value": 0.8999}})
		found := trn_02.violation with input as fixtures.request(context, "explanation", low)
		fixtures.said(found) == {"warn fidelity_low"}
	}
}

test_missing_fidelity_warns_at_lower_risk if {
	none := object.remove(_complete, ["fidelity"])
	found := trn_02.violation with input as fixtures.request(_low_risk, "explanation", none)
	fixtures.said(found) == {"warn fidelity_missing"}
}

test_fidelity_without_a_value_is_low if {
	found := trn_02.violation with input as fixtures.request({}, "explanation", object.union(
		object.remove(_complete, ["fidelity"]),
		{"fidelity": {"metric": "r2"}},
	))
	fixtures.said(found) == {"deny fidelity_low"}
}

test_fidelity_is_set_in_the_settings if {
	settings := {"settings": {"minimum_strength": "declared", "thresholds": {"TRN-02": {"fidelity_min": 0.95}}}}
	found := trn_02.violation with input as object.union(_with({}), settings)
	fixtures.said(found) == {"deny fidelity_low"}
}

test_comprehension_just_below_warns if {
	found := trn_02.violation with input as _with({"comprehension": {"n": 29, "share_understood": 0.7999}})
	fixtures.said(found) == {"warn comprehension_low", "warn comprehension_readers_few"}
}

test_comprehension_without_numbers_warns if {
	found := trn_02.violation with input as fixtures.request({}, "explanation", object.union(
		object.remove(_complete, ["comprehension"]),
		{"comprehension": {"note": "none"}},
	))
	fixtures.said(found) == {"warn comprehension_low", "warn comprehension_readers_few"}
}

test_test_of_tomorrow if {
	found := trn_02.violation with input as _with({"tested_on": fixtures.day(1)})
	fixtures.said(found) == {"deny tested_in_future"}
}

test_trained_by_the_end_of_the_day_of_the_test if {
	every moment in [null, fixtures.day(-11), fixtures.day(-10), {"text": "t", "seconds": fixtures.day(-9).seconds - 1}] {
		found := trn_02.violation with input as _trained(moment)
		found == set()
	}
}

test_trained_the_day_after_the_test if {
	found := trn_02.violation with input as _trained(fixtures.day(-9))
	fixtures.said(found) == {"deny tested_before_training"}
	{[violation.found, violation.required] | some violation in found} == {[fixtures.day(-10).text, fixtures.day(-9).text]}
}

test_every_code_has_a_text if {
	found := trn_02.violation with input as fixtures.request({}, "explanation", {})
	low := trn_02.violation with input as _with({
		"fidelity": {"value": 0},
		"comprehension": {"n": 0, "share_understood": 0},
	})
	early := trn_02.violation with input as _trained(fixtures.now)
	texts := object.keys(data.catalog["TRN-02"].texts.en.violations)
	{violation.code | some violation in ((found | low) | early)} == texts
}
