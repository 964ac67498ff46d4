package qaqpa.controls.doc_01_test

import data.qaqpa.controls.doc_01
import data.qaqpa.fixtures_test as fixtures

_good := {
	"kz_risk": "medium",
	"kz_autonomy": "low",
	"kz_reason": "A person decides.",
	"eu_class": "high_risk_annex_iii",
	"domain": "credit_scoring",
	"signed_by": "A. Owner",
	"signed_on": fixtures.day(-365),
}

_context := {
	"jurisdictions": ["EU"],
	"domain": "credit_scoring",
	"eu_class": "high_risk_annex_iii",
	"kz_risk": "medium",
	"kz_autonomy": "low",
	"automation": "human_in_the_loop",
	"affects_rights": true,
}

_said(context, record) := said if {
	found := doc_01.violation with input as fixtures.request(context, "classification", record)
	said := fixtures.said(found)
}

_with(change) := _said(_context, object.union(_good, change))

_without(field) := _said(_context, object.remove(_good, [field]))

test_passes if _said(_context, _good) == set()

test_always_applies if {
	doc_01.not_applicable_because == set() with input as fixtures.request({}, "classification", _good)
	_said({}, _good) == {"deny autonomy_too_low"}
	_said({}, object.union(_good, {"kz_autonomy": "medium"})) == set()
}

test_reason if {
	_without("kz_reason") == {"deny reason_missing"}
	_with({"kz_reason": " "}) == {"deny reason_missing"}
}

test_signer if {
	_without("signed_by") == {"deny signer_missing"}
	_with({"signed_by": " "}) == {"deny signer_missing"}
}

test_signature if {
	_with({"signed_on": fixtures.day(0)}) == set()
	_with({"signed_on": fixtures.day(1)}) == {"deny signature_out_of_date"}
	_with({"signed_on": fixtures.day(-366)}) == {"deny signature_out_of_date"}
	_without("signed_on") == {"deny signature_out_of_date"}
}

test_a_tighter_age_counts if {
	asked := object.union(
		fixtures.request(_context, "classification", _good),
		{"settings": {"thresholds": {"DOC-01": {"max_age_days": 364}}}},
	)
	found := doc_01.violation with input as asked
	fixtures.said(found) == {"deny signature_out_of_date"}
}

test_the_worst_record_decides if {
	facts := [fixtures.fact(_good), fixtures.fact(object.union(_good, {"kz_risk": "high"}))]
	asked := object.union(fixtures.empty_request, {"context": _context, "evidence": {"classification": facts}})
	found := doc_01.violation with input as asked
	fixtures.said(found) == {"deny kz_risk_differs"}
}

test_differences_from_the_context if {
	_with({"kz_risk": "high"}) == {"deny kz_risk_differs"}
	_with({"kz_autonomy": "medium"}) == {"deny kz_autonomy_differs"}
	_with({"domain": "other"}) == {"deny domain_differs"}
	elsewhere := object.union(_context, {"jurisdictions": ["KZ"]})
	_said(elsewhere, object.union(_good, {"eu_class": "minimal"})) == {"deny eu_class_differs"}
}

test_unknown_context_is_no_difference if {
	_said({"automation": "advisory"}, object.union(_good, {"kz_risk": "medium", "kz_autonomy": "medium"})) == set()
}

test_missing_classes if {
	_without("kz_risk") == {"deny kz_risk_missing"}
	_without("kz_autonomy") == {"deny kz_autonomy_missing"}
	_with({"kz_risk": 1}) == {"deny kz_risk_missing"}
	_said({"automation": "advisory", "domain": "other"}, object.union(
		object.remove(_good, ["eu_class"]),
		{"domain": "other"},
	)) == {"deny eu_class_missing"}
}

test_domain if _without("domain") == {"deny domain_missing"}

test_every_listed_domain_needs_the_class_or_an_exemption if {
	every domain in ["credit_scoring", "justice", "social_payments", "hr", "law_enforcement", "forensic"] {
		context := {"jurisdictions": ["EU"], "automation": "advisory"}
		record := object.union(_good, {"eu_class": "minimal", "domain": domain})
		_said(context, record) == {"deny eu_listed_domain_not_high_risk"}
		_said({"jurisdictions": ["KZ"], "automation": "advisory"}, record) == set()
		exempt := object.union(record, {"performs_profiling": false, "art6_3_condition": "narrow task"})
		_said(context, exempt) == set()
	}
}

test_listed_domain_of_the_context_counts_too if {
	context := object.remove(_context, ["eu_class"])
	record := object.union(_good, {"eu_class": "minimal", "domain": "other"})
	_said(context, record) == {"deny domain_differs", "deny eu_listed_domain_not_high_risk"}
}

test_domain_that_is_not_listed if {
	context := {"jurisdictions": ["EU"], "automation": "advisory"}
	_said(context, object.union(_good, {"eu_class": "minimal", "domain": "medical"})) == set()
}

test_exemption_needs_both_parts if {
	context := {"jurisdictions": ["EU"], "automation": "advisory"}
	record := object.union(_good, {"eu_class": "minimal"})
	profiling := object.union(record, {"performs_profiling": true, "art6_3_condition": "narrow task"})
	_said(context, profiling) == {"deny eu_listed_domain_not_high_risk"}
	unsaid := object.union(record, {"art6_3_condition": "narrow task"})
	_said(context, unsaid) == {"deny eu_listed_domain_not_high_risk"}
	groundless := object.union(record, {"performs_profiling": false, "art6_3_condition": " "})
	_said(context, groundless) == {"deny eu_listed_domain_not_high_risk"}
}

test_prohibited if {
	record := object.union(_good, {"eu_class": "prohibited", "domain": "other"})
	_said({"jurisdictions": ["EU"], "automation": "advisory"}, record) == {"deny eu_class_prohibited"}
	_said({"jurisdictions": ["KZ"], "automation": "advisory"}, record) == set()
}

test_autonomy if {
	context := object.union(_context, {"automation": "fully_automated"})
	_said(context, _good) == {"deny autonomy_too_low"}
	medium := {"kz_autonomy": "medium"}
	_said(object.union(context, medium), object.union(_good, medium)) == set()
}

test_minimal_risk if {
	minimal := {"kz_risk": "minimal"}
	_said(object.union(_context, minimal), object.union(_good, minimal)) == {"warn risk_minimal_with_rights"}
	spared := {"affects_rights": false, "significant_decision": false, "jurisdictions": ["KZ"]}
	_said(object.union_n([_context, minimal, spared]), object.union(_good, minimal)) == set()
}

test_every_code_has_a_text if {
	empty := doc_01.violation with input as fixtures.request({}, "classification", {})
	bad := object.union(_good, {"kz_risk": "minimal", "kz_autonomy": "low", "domain": "hr", "eu_class": "prohibited"})
	differing := doc_01.violation with input as fixtures.request(
		{
			"kz_risk": "high",
			"kz_autonomy": "medium",
			"domain": "other",
			"eu_class": "minimal",
		},
		"classification", bad,
	)
	texts := object.keys(data.catalog["DOC-01"].texts.en.violations)
	{violation.code | some violation in (empty | differing)} == texts
}
