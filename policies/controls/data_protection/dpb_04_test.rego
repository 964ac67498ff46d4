package qaqpa.controls.dpb_04_test

import data.qaqpa.controls.dpb_04
import data.qaqpa.fixtures_test as fixtures

_feature := {"feature": "income", "purpose": "Judging credit", "justification": "Decides what can be paid back."}

_data_set := {"data_set": "applications", "delete_by": fixtures.day(0)}

_good := {
	"purposes": ["Judging credit"],
	"features": [_feature],
	"retention": [_data_set],
	"list_approval": fixtures.document,
	"policy": fixtures.document,
	"responsible_person": {"post": "Data-protection officer", "contact": "dpo@example.org"},
	"register_entry": "17",
	"kz_operator_class": "large",
	"kz_notification": "filed",
}

_kz := {"jurisdictions": ["KZ"]}

_eu := {"jurisdictions": ["EU"]}

_both := {"jurisdictions": ["EU", "KZ"]}

_said(context, record) := said if {
	found := dpb_04.violation with input as fixtures.request(context, "processing_record", record)
	said := fixtures.said(found)
}

_with(context, change) := _said(context, object.union(_good, change))

_without(context, field) := _said(context, object.remove(_good, [field]))

_with_feature(change) := _with(_both, {"features": [object.union(_feature, change)]})

_without_in_feature(field) := _with(_both, {"features": [object.remove(_feature, [field])]})

_retaining(data_set) := _with(_both, {"retention": [data_set]})

test_passes if {
	_said(_both, _good) == set()
	_said({"jurisdictions": ["OTHER"]}, _good) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	dpb_04.not_applicable_because == {"personal_data"} with input.context as {"personal_data": false}
	dpb_04.not_applicable_because == set() with input.context as {"personal_data": true}
}

test_applies_with_an_empty_context if {
	dpb_04.not_applicable_because == set() with input as fixtures.request({}, "processing_record", _good)
	_said({}, _good) == set()
	_said({}, {}) == {
		"deny eu_register_entry_missing",
		"deny features_missing",
		"deny kz_list_approval_missing",
		"deny kz_notification_missing",
		"deny kz_policy_missing",
		"deny purposes_missing",
		"deny responsible_person_missing",
		"deny retention_missing",
	}
}

test_purposes if {
	_with(_both, {"purposes": []}) == {"deny purposes_missing"}
	_with(_both, {"purposes": [" "]}) == {"deny purposes_missing"}
	_without(_both, "purposes") == {"deny purposes_missing"}
}

test_features if {
	_with(_both, {"features": []}) == set()
	_with(_both, {"features": "income"}) == {"deny features_missing"}
	_without(_both, "features") == {"deny features_missing"}
}

test_purpose_of_a_feature if {
	_with_feature({"purpose": " "}) == {"deny feature_purpose_missing"}
	_without_in_feature("purpose") == {"deny feature_purpose_missing"}
}

test_justification_of_a_feature if {
	_with_feature({"justification": " "}) == {"deny feature_justification_missing"}
	_without_in_feature("justification") == {"deny feature_justification_missing"}
}

test_every_feature_is_judged if {
	record := object.union(_good, {"features": [_feature, {"feature": "age"}, {"feature": "sex"}]})
	found := dpb_04.violation with input as fixtures.request(_both, "processing_record", record)
	{violation.found | some violation in found} == {"age", "sex"}
}

test_retention if {
	_with(_both, {"retention": []}) == {"deny retention_missing"}
	_without(_both, "retention") == {"deny retention_missing"}
	_retaining({"data_set": "applications"}) == {"deny retention_open"}
	_retaining({"data_set": "applications", "delete_on_event": " "}) == {"deny retention_open"}
	_retaining({"data_set": "applications", "delete_on_event": "The credit is paid back."}) == set()
}

test_retention_that_has_ended if {
	_retaining({"data_set": "applications", "delete_by": fixtures.day(-1)}) == {"deny retention_passed"}
	_retaining({"data_set": "applications", "delete_by": fixtures.day(1)}) == set()
	_retaining({"data_set": "applications", "delete_by": "2030-01-01"}) == {"deny retention_passed"}
	both := {"data_set": "applications", "delete_by": fixtures.day(-1), "delete_on_event": "The credit is paid back."}
	_retaining(both) == {"deny retention_passed"}
	_with(_both, {"retention": [_data_set, both]}) == {"deny retention_passed"}
}

test_responsible_person if {
	_without(_both, "responsible_person") == {"deny responsible_person_missing"}
	_with(_both, {"responsible_person": {"post": " "}}) == {"deny responsible_person_missing"}
	_with(_eu, {"responsible_person": {"contact": ""}}) == {"deny responsible_person_missing"}
	_with({"jurisdictions": ["OTHER"]}, {"responsible_person": "dpo"}) == {"deny responsible_person_missing"}
}

test_courts_need_no_responsible_person if {
	_without(object.union(_kz, {"domain": "justice", "public_sector": true}), "responsible_person") == set()
	every change in [{}, {"public_sector": false}, {"public_sector": "true"}] {
		context := object.union_n([_kz, {"domain": "justice"}, change])
		_without(context, "responsible_person") == {"deny responsible_person_missing"}
	}
	_without(object.union(_kz, {"domain": "forensic"}), "responsible_person") == {"deny responsible_person_missing"}
}

test_list_of_personal_data if {
	_without(_kz, "list_approval") == {"deny kz_list_approval_missing"}
	_with(_kz, {"list_approval": {"sha256": ""}}) == {"deny kz_list_approval_missing"}
	_without(_eu, "list_approval") == set()
}

test_policy if {
	_without(_kz, "policy") == {"deny kz_policy_missing"}
	_without(_eu, "policy") == set()
}

test_notification_of_large_operators if {
	_with(_kz, {"kz_notification": "not_required"}) == {"deny kz_notification_missing"}
	_with(_kz, {"kz_notification": "missing"}) == {"deny kz_notification_missing"}
	_without(_kz, "kz_notification") == {"deny kz_notification_missing"}
	_without(_eu, "kz_notification") == set()
}

test_a_class_that_is_unknown_counts_as_large if {
	unclassed := object.remove(_good, ["kz_operator_class"])
	_said(_kz, unclassed) == set()
	_said(_kz, object.union(unclassed, {"kz_notification": "not_required"})) == {"deny kz_notification_missing"}
	odd := object.union(_good, {"kz_operator_class": "tiny", "kz_notification": "not_required"})
	_said(_kz, odd) == {"deny kz_notification_missing"}
}

test_notification_of_other_operators if {
	every class in ["medium", "small"] {
		_with(_kz, {"kz_operator_class": class}) == set()
		_with(_kz, {"kz_operator_class": class, "kz_notification": "not_required"}) == set()
		_with(_kz, {"kz_operator_class": class, "kz_notification": "missing"}) == {"warn kz_notification_unclear"}
		_with(_kz, {"kz_operator_class": class, "kz_notification": ""}) == {"warn kz_notification_unclear"}
	}
	_with(_eu, {"kz_operator_class": "small", "kz_notification": "missing"}) == set()
}

test_register_entry if {
	_without(_eu, "register_entry") == {"deny eu_register_entry_missing"}
	_with(_eu, {"register_entry": " "}) == {"deny eu_register_entry_missing"}
	_without(_kz, "register_entry") == set()
}
