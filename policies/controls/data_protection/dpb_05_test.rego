package qaqpa.controls.dpb_05_test

import data.qaqpa.controls.dpb_05
import data.qaqpa.fixtures_test as fixtures

_good := {
	"countries": ["KZ"],
	"kz_storage_country": "KZ",
	"transfer_log": true,
	"restricted_data": false,
}

_kz := {"jurisdictions": ["KZ"]}

_eu := {"jurisdictions": ["EU"]}

_good_eu := {"countries": ["DE", "NO"]}

_said(context, record) := said if {
	found := dpb_05.violation with input as fixtures.request(context, "data_location", record)
	said := fixtures.said(found)
}

_with(change) := _said(_kz, object.union(_good, change))

_without(field) := _said(_kz, object.remove(_good, [field]))

_with_eu(change) := _said(_eu, object.union(_good_eu, change))

test_passes if {
	_said(_kz, _good) == set()
	_said(_eu, _good_eu) == set()
	_said({"jurisdictions": ["OTHER"]}, {"countries": ["US"]}) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	dpb_05.not_applicable_because == {"personal_data"} with input.context as {"personal_data": false}
	dpb_05.not_applicable_because == set() with input.context as {"personal_data": true}
}

test_applies_with_an_empty_context if {
	dpb_05.not_applicable_because == set() with input as fixtures.request({}, "data_location", _good)
	_said({}, _good) == {"deny eu_transfer_without_ground"}
	_said({}, object.union(_good, {"eu_mechanism": "standard_clauses"})) == set()
	_said({}, {}) == {
		"deny countries_missing",
		"deny kz_storage_unknown",
		"deny kz_transfer_log_missing",
		"warn kz_local_system_missing",
	}
}

test_countries if {
	_with({"countries": []}) == {"deny countries_missing"}
	_with({"countries": "KZ"}) == {"deny countries_missing"}
	_without("countries") == {"deny countries_missing"}
	_said({"jurisdictions": ["OTHER"]}, {}) == {"deny countries_missing"}
}

test_storage if {
	_with({"kz_storage_country": "DE"}) == {"deny storage_abroad"}
	_with({"kz_storage_country": "kz"}) == {"deny storage_abroad"}
	_without("kz_storage_country") == {"deny kz_storage_unknown"}
	_with({"kz_storage_country": 1}) == {"deny kz_storage_unknown"}
	_with_eu({"kz_storage_country": "DE"}) == set()
}

test_transfer_from_kazakhstan if {
	_with({"countries": ["KZ", "DE"]}) == {"deny transfer_without_ground"}
	_with({"countries": ["KZ", "DE"], "kz_ground": "none"}) == {"deny transfer_without_ground"}
	_with({"countries": ["KZ", "DE"], "kz_ground": "adequacy"}) == {"deny transfer_without_ground"}
	_with({"countries": ["KZ", "DE"], "eu_mechanism": "adequacy"}) == {"deny transfer_without_ground"}
	every ground in ["adequate_state", "consent", "law", "treaty"] {
		_with({"countries": ["KZ", "DE"], "kz_ground": ground}) == set()
	}
}

test_a_call_abroad_is_a_transfer if {
	call := {"vendor": "Somebody", "country": "US"}
	_with({"external_apis": [call]}) == {"deny transfer_without_ground"}
	_with({"external_apis": [object.union(call, {"personal_data": true})]}) == {"deny transfer_without_ground"}
	_with({"external_apis": [object.union(call, {"personal_data": "no"})]}) == {"deny transfer_without_ground"}
	_with({"external_apis": [object.union(call, {"personal_data": false})]}) == set()
	_with({"external_apis": [object.union(call, {"country": "KZ"})]}) == set()
	_with({"external_apis": [object.remove(call, ["country"])]}) == {"deny transfer_without_ground"}
	_with({"external_apis": [call], "kz_ground": "consent"}) == set()
	_with_eu({"external_apis": [call]}) == {"deny eu_transfer_without_ground"}
}

test_the_countries_abroad_are_named if {
	record := object.union(_good, {"countries": ["US", "KZ"], "external_apis": [{"country": "IN"}, {"country": "US"}]})
	found := dpb_05.violation with input as fixtures.request(_kz, "data_location", record)
	{violation.found | some violation in found} == {["IN", "US"]}
}

test_log_of_transfers if {
	_with({"transfer_log": false}) == {"deny kz_transfer_log_missing"}
	_with({"transfer_log": "yes"}) == {"deny kz_transfer_log_missing"}
	_without("transfer_log") == {"deny kz_transfer_log_missing"}
	_with_eu({"transfer_log": false}) == set()
}

test_restricted_data if {
	_with({"restricted_data": true}) == {"warn kz_local_system_missing"}
	_without("restricted_data") == {"warn kz_local_system_missing"}
	_with({"restricted_data": true, "kz_local_system": false}) == {"warn kz_local_system_missing"}
	_with({"restricted_data": true, "kz_local_system": true}) == set()
	_with_eu({"restricted_data": true}) == set()
}

test_transfer_from_the_eu if {
	_with_eu({"countries": ["DE", "KZ"]}) == {"deny eu_transfer_without_ground"}
	_with_eu({"countries": ["CH"], "eu_mechanism": "none"}) == {"deny eu_transfer_without_ground"}
	_with_eu({"countries": ["KZ"], "kz_ground": "consent"}) == {"deny eu_transfer_without_ground"}
	every mechanism in ["adequacy", "binding_corporate_rules", "derogation", "standard_clauses"] {
		_with_eu({"countries": ["KZ"], "eu_mechanism": mechanism}) == set()
	}
}

test_worst_of_several_facts_counts if {
	bad := object.union(fixtures.fact(object.union(_good, {"kz_storage_country": "DE"})), {"id": "e2"})
	request := object.union(
		fixtures.empty_request,
		{"context": _kz, "evidence": {"data_location": [fixtures.fact(_good), bad]}},
	)
	found := dpb_05.violation with input as request
	{violation.evidence | some violation in found} == {"e2"}
}
