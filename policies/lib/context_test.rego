package qaqpa.context_test

import data.qaqpa.context
import data.qaqpa.fixtures_test as fixtures

_strictest := {
	"affects_rights": true,
	"significant_decision": true,
	"personal_data": true,
	"public_sector": true,
	"special_category": true,
	"interacts_with_persons": true,
	"synthetic_content": true,
	"trains_on_data": true,
	"scores_persons": true,
	"workplace_use": true,
	"automation": "fully_automated",
	"kz_risk": "high",
	"kz_autonomy": "high",
	"eu_class": "high_risk_annex_iii",
	"domain": "unknown",
	"jurisdictions": ["EU", "KZ"],
}

_now := {
	"affects_rights": context.affects_rights,
	"significant_decision": context.significant_decision,
	"personal_data": context.personal_data,
	"public_sector": context.public_sector,
	"special_category": context.special_category,
	"interacts_with_persons": context.interacts_with_persons,
	"synthetic_content": context.synthetic_content,
	"trains_on_data": context.trains_on_data,
	"scores_persons": context.scores_persons,
	"workplace_use": context.workplace_use,
	"automation": context.automation,
	"kz_risk": context.kz_risk,
	"kz_autonomy": context.kz_autonomy,
	"eu_class": context.eu_class,
	"domain": context.domain,
	"jurisdictions": context.jurisdictions,
}

_read(given) := read if {
	read := _now with input as {"context": given}
}

test_unknown_is_strictest if {
	every given in [{}, null, "text", []] {
		_read(given) == _strictest
	}
	context.kz_risk == "high" with input as {}
}

test_wrong_values_are_strictest if {
	every value in [null, 0, "false", "none", {}, [], ["KZ", "MARS"], ["MARS"]] {
		given := {field: value | some field, _ in _strictest}
		_read(given) == _strictest
	}
}

test_what_is_known_counts if {
	known := {
		"affects_rights": false,
		"significant_decision": false,
		"personal_data": false,
		"public_sector": false,
		"special_category": false,
		"interacts_with_persons": false,
		"synthetic_content": false,
		"trains_on_data": false,
		"scores_persons": false,
		"workplace_use": false,
		"automation": "advisory",
		"kz_risk": "minimal",
		"kz_autonomy": "low",
		"eu_class": "minimal",
		"domain": "medical",
		"jurisdictions": ["OTHER"],
	}
	_read(known) == known
	milder := {"automation": "human_in_the_loop", "kz_risk": "medium", "kz_autonomy": "medium"}
	_read(object.union(known, milder)) == object.union(known, milder)
}

test_strict_values_that_are_said_stay if _read(_strictest) == _strictest

test_said if {
	context.said("kz_risk") == null with input as {"context": {}}
	context.said("kz_risk") == null with input as {}
	context.said("kz_risk") == "medium" with input as {"context": {"kz_risk": "medium"}}
	context.said("affects_rights") == false with input as {"context": {"affects_rights": false}}
}

test_a_plain_no_is_not_enough_to_spare_rights if {
	harmless := {"affects_rights": false, "significant_decision": false, "eu_class": "minimal", "jurisdictions": ["EU"]}
	_spares_rights(harmless)
	every field in ["affects_rights", "significant_decision", "eu_class"] {
		not _spares_rights(object.remove(harmless, [field]))
	}
	every change in [
		{"affects_rights": true},
		{"significant_decision": true},
		{"eu_class": "high_risk_annex_i"},
		{"eu_class": "high_risk_annex_iii"},
		{"eu_class": "prohibited"},
		{"eu_class": "HIGH"},
	] {
		not _spares_rights(object.union(harmless, change))
	}
}

test_the_class_in_the_eu_counts_where_the_system_is_used_there if {
	here := {"affects_rights": false, "significant_decision": false, "eu_class": "high_risk_annex_i"}
	not _spares_rights(here)
	not _spares_rights(object.union(here, {"jurisdictions": []}))
	not _spares_rights(object.union(here, {"jurisdictions": ["KZ", "EU"]}))
	_spares_rights(object.union(here, {"jurisdictions": ["KZ"]}))
}

_spares_rights(given) if context.affects_rights == false with input as {"context": given}

test_known_is_what_counts_of_what_is_said if {
	context.known("kz_risk") == "medium" with input as {"context": {"kz_risk": "medium"}}
	context.known("title") == "t" with input as {"context": {"title": "t"}}
	every value in ["low", 5, null] {
		context.known("kz_risk") == null with input as {"context": {"kz_risk": value}}
	}
	context.known("affects_rights") == null with input as {"context": {"affects_rights": false}}
	context.known("affects_rights") == true with input as {"context": {"affects_rights": true}}
	context.known("affects_rights") == false with input as {"context": fixtures.spares_rights}
}

test_high_risk_unless_shown_otherwise if {
	context.high_risk with input as {}
	context.high_risk with input.context as {"kz_risk": "high", "eu_class": "minimal"}
	context.high_risk with input.context as {"kz_risk": "medium", "eu_class": "high_risk_annex_i"}
	context.high_risk with input.context as {"kz_risk": "medium", "eu_class": "prohibited"}
	not context.high_risk with input.context as {"kz_risk": "medium", "eu_class": "transparency"}
}
