package qaqpa.context_test

import data.qaqpa.context

_strictest := {
	"affects_rights": true,
	"significant_decision": true,
	"personal_data": true,
	"public_sector": true,
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
		given := {field: value | some field, _ in object.remove(_strictest, ["domain"])}
		_read(given) == _strictest
	}
	_read({"domain": 5}) == _strictest
}

test_what_is_known_counts if {
	known := {
		"affects_rights": false,
		"significant_decision": false,
		"personal_data": false,
		"public_sector": false,
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
