package qaqpa.controls.dpb_01_test

import data.qaqpa.controls.dpb_01
import data.qaqpa.fixtures_test as fixtures

_consent := {
	"template": fixtures.document,
	"proof_store": fixtures.document,
	"withdrawal_working_days": 15,
	"fields_present": [
		"operator_name_bin",
		"subject_name",
		"term",
		"third_party_transfer",
		"cross_border",
		"publication",
		"data_list",
	],
}

_entry(phase, jurisdiction, basis) := {"phase": phase, "jurisdiction": jurisdiction, "basis": basis}

_everywhere(jurisdiction, basis) := [entry |
	some phase in ["training", "testing", "inference"]
	entry := _entry(phase, jurisdiction, basis)
]

_kz := {"jurisdictions": ["KZ"]}

_eu := {"jurisdictions": ["EU"], "public_sector": false}

_good := {"bases": _everywhere("KZ", "consent"), "consent": _consent}

_good_eu := {"bases": _everywhere("EU", "contract")}

_said(context, record) := said if {
	found := dpb_01.violation with input as fixtures.request(context, "legal_basis", record)
	said := fixtures.said(found)
}

_with_consent(change) := _said(_kz, object.union(_good, {"consent": change}))

_without_in_consent(field) := _said(_kz, json.remove(_good, [concat("/", ["consent", field])]))

# What is said of one basis for training alone.
_single(context, entry) := _said(context, {"phases": ["training"], "bases": [entry]})

test_passes if {
	_said(_kz, _good) == set()
	_said(_eu, _good_eu) == set()
	both := {"bases": array.concat(_good.bases, _good_eu.bases), "consent": _consent}
	_said({"jurisdictions": ["EU", "KZ", "OTHER"]}, both) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	dpb_01.not_applicable_because == {"personal_data"} with input.context as {"personal_data": false}
	dpb_01.not_applicable_because == set() with input.context as {"personal_data": true}
}

test_applies_with_an_empty_context if {
	dpb_01.not_applicable_because == set() with input as fixtures.request({}, "legal_basis", _good)
	_said({}, _good) == {"deny eu_no_basis"}
	_said({}, _good_eu) == {"deny kz_no_basis"}
	_said({}, {}) == {"deny no_basis"}
	_said({}, {"bases": array.concat(_good.bases, _good_eu.bases), "consent": _consent}) == set()
}

test_basis_for_every_phase if {
	_said(_eu, {"bases": array.slice(_good_eu.bases, 0, 2)}) == {"deny no_basis"}
	_said(_eu, {"phases": [], "bases": array.slice(_good_eu.bases, 0, 2)}) == {"deny no_basis"}
	_said(_eu, {"phases": ["training", "dreaming"], "bases": array.slice(_good_eu.bases, 0, 2)}) == {"deny no_basis"}
	_said(_eu, {"phases": ["training", "testing"], "bases": array.slice(_good_eu.bases, 0, 2)}) == set()
	_said(_eu, {}) == {"deny no_basis"}
}

test_an_entry_without_a_basis_is_none if {
	record := {"phases": ["training"], "bases": [_entry("training", "OTHER", " ")]}
	every place in ["EU", "KZ", "OTHER"] {
		_said({"jurisdictions": [place]}, record) == {"deny no_basis"}
	}
}

test_basis_of_another_jurisdiction_does_not_count if {
	_said(_eu, _good) == {"deny eu_no_basis"}
	_said(_kz, _good_eu) == {"deny kz_no_basis"}
}

test_only_the_places_that_ask_for_a_basis_are_named if {
	every place, context in {"EU": _eu, "KZ": _kz, "OTHER": {"jurisdictions": ["OTHER"]}} {
		found := dpb_01.violation with input as fixtures.request(context, "legal_basis", {})
		{violation.found.jurisdiction | some violation in found} == {[place]}
	}
	every place, record in {"EU": _good, "KZ": _good_eu} {
		found := dpb_01.violation with input as fixtures.request({}, "legal_basis", record)
		{violation.found.jurisdiction | some violation in found} == {place}
	}
}

test_any_basis_counts_elsewhere if {
	_said({"jurisdictions": ["OTHER"]}, _good_eu) == set()
	_said({"jurisdictions": ["OTHER"]}, {"bases": _everywhere("OTHER", "contract")}) == set()
	_said({"jurisdictions": ["OTHER"]}, {"bases": []}) == {"deny no_basis"}
}

test_basis_in_kazakhstan if _single(_kz, _entry("training", "KZ", "contract")) == {"deny kz_basis_unsuitable"}

test_ground_in_kazakhstan if {
	bare := _entry("training", "KZ", "kz_art9")
	_single(_kz, bare) == {"deny kz_ground_incomplete"}
	_single(_kz, object.union(bare, {"kz_art9_item": "2"})) == {"deny kz_ground_incomplete"}
	_single(_kz, object.union(bare, {"law_ref": "Law"})) == {"deny kz_ground_incomplete"}
	_single(_kz, object.union(bare, {"kz_art9_item": "2", "law_ref": "Law"})) == set()
}

test_consent_fields if {
	_with_consent({"fields_present": array.slice(_consent.fields_present, 0, 6)}) == {"deny kz_consent_field_missing"}
	_with_consent({"fields_present": array.slice(_consent.fields_present, 1, 7)}) == {"deny kz_consent_field_missing"}
	_without_in_consent("fields_present") == {"deny kz_consent_field_missing"}
}

test_consent_withdrawal if {
	_with_consent({"withdrawal_working_days": 0}) == set()
	_with_consent({"withdrawal_working_days": 16}) == {"deny kz_withdrawal_slow"}
	_without_in_consent("withdrawal_working_days") == {"deny kz_withdrawal_missing"}
}

test_withdrawal_can_be_tightened if {
	settings := {"thresholds": {"DPB-01": {"kz_withdrawal_working_days": 14}}}
	request := object.union(fixtures.request(_kz, "legal_basis", _good), {"settings": settings})
	found := dpb_01.violation with input as request
	fixtures.said(found) == {"deny kz_withdrawal_slow"}
}

test_consent_form if _without_in_consent("template") == {"deny kz_consent_template_missing"}

test_consent_proof if _without_in_consent("proof_store") == {"warn kz_consent_proof_missing"}

test_consent_without_any_description if {
	_single(_kz, _entry("training", "KZ", "consent")) == {
		"deny kz_consent_field_missing",
		"deny kz_withdrawal_missing",
		"deny kz_consent_template_missing",
		"warn kz_consent_proof_missing",
	}
}

test_consent_outside_kazakhstan_needs_no_kazakh_form if _single(_eu, _entry("training", "EU", "consent")) == set()

test_basis_in_the_eu if _single(_eu, _entry("training", "EU", "kz_art9")) == {"deny eu_basis_unsuitable"}

test_legitimate_interest if {
	bare := _entry("training", "EU", "legitimate_interest")
	_single(_eu, bare) == {"deny eu_interest_assessment_missing"}
	assessed := object.union(bare, {"interest_assessment": fixtures.document})
	_single(_eu, assessed) == set()
	_single({"jurisdictions": ["EU"], "public_sector": true}, assessed) == {"deny eu_interest_of_state_body"}
	_single({"jurisdictions": ["EU"]}, assessed) == {"deny eu_interest_of_state_body"}
}

test_an_unused_entry_is_judged_too if {
	record := {
		"phases": ["training"],
		"bases": [_entry("training", "EU", "contract"), _entry("testing", "EU", "legitimate_interest")],
	}
	_said(_eu, record) == {"deny eu_interest_assessment_missing"}
}
