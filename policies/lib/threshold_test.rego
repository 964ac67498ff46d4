package qaqpa.threshold_test

import data.qaqpa.threshold

_catalog := {"X-01": {"thresholds": {
	"law_most": {"value": 15, "tighter": "lower", "basis": "law"},
	"law_least": {"value": 15, "tighter": "higher", "basis": "law (secondary)"},
	"law_unclear": {"value": 15, "basis": "law"},
	"no_basis": {"value": 15, "tighter": "lower"},
	"own": {"value": 15, "tighter": "lower", "basis": "product_default"},
	"share": {"value": 0.9, "tighter": "higher", "basis": "product_default"},
}}}

_settings(thresholds) := {"settings": {"thresholds": thresholds}}

_one(name, value) := _settings({"X-01": {name: value}})

_loosened(name, value) if {
	loosened := threshold.loosened with input as _one(name, value) with data.catalog as _catalog
	{entry.threshold | some entry in loosened} == {name}
}

_malformed(name, value) if {
	malformed := threshold.malformed with input as _one(name, value) with data.catalog as _catalog
	malformed == {concat("/", ["settings/thresholds/X-01", name])}
}

test_value_of_the_card if {
	threshold.value("X-01", "own") == 15 with input as _settings({}) with data.catalog as _catalog
	threshold.value("X-01", "own") == 15 with input as {} with data.catalog as _catalog
	threshold.value("X-01", "own") == 15 with input as _one("share", 1) with data.catalog as _catalog
}

test_value_of_the_settings if {
	threshold.value("X-01", "own") == 3 with input as _one("own", 3) with data.catalog as _catalog
}

test_a_setting_that_is_no_number_is_passed_over if {
	every value in ["3", null, [3], {}, true] {
		threshold.value("X-01", "own") == 15 with input as _one("own", value) with data.catalog as _catalog
	}
}

test_unknown_threshold_is_null if {
	threshold.value("X-01", "other") == null with input as _settings({}) with data.catalog as _catalog
	threshold.value("X-09", "own") == null with input as _settings({}) with data.catalog as _catalog
}

test_above if {
	threshold.above("X-01", "own", 16) with input as _settings({}) with data.catalog as _catalog
	not threshold.above("X-01", "own", 15) with input as _settings({}) with data.catalog as _catalog
}

test_above_is_true_of_what_cannot_be_compared if {
	every measured in [null, "1", [], {}] {
		threshold.above("X-01", "own", measured) with input as _settings({}) with data.catalog as _catalog
	}
	threshold.above("X-01", "other", 1) with input as _settings({}) with data.catalog as _catalog
}

test_parameter_is_the_union_over_the_profiles if {
	profiles := {
		"a": {"controls": {"X-01": {"parameters": {"attributes": ["sex", "age"]}}}},
		"b": {"controls": {"X-01": {"parameters": {"attributes": ["sex", "race"]}}}},
		"c": {"controls": {"X-01": {}}},
		"d": {"controls": {"X-01": {"parameters": {"attributes": ["never asked"]}}}},
	}
	both := threshold.parameter("X-01", "attributes") with input.profiles as ["a", "b", "c"] with data.profiles as profiles
	both == {"age", "race", "sex"}
	none := threshold.parameter("X-01", "attributes") with input.profiles as ["c"] with data.profiles as profiles
	none == set()
}

_profiles := {
	"a": {"controls": {"X-01": {"parameters": {"attributes": ["sex", "age"]}}}},
	"b": {"controls": {"X-01": {"parameters": {"attributes": ["race", "sex"]}}}},
	"c": {"controls": {"X-01": {}}},
	"d": {"controls": {"X-01": {"parameters": {"attributes": ["never asked"]}}}},
	"e": {"controls": {"X-01": {"parameters": {"attributes": "sex"}}}},
}

test_parameter_of_one_profile if {
	threshold.parameter_of("b", "X-01", "attributes") == {"race", "sex"} with data.profiles as _profiles
	every profile in ["c", "e", "unknown", null] {
		threshold.parameter_of(profile, "X-01", "attributes") == set() with data.profiles as _profiles
	}
	threshold.parameter_of("b", "X-01", "other") == set() with data.profiles as _profiles
	threshold.parameter_of("b", "X-02", "attributes") == set() with data.profiles as _profiles
}

_naming(profiles, value) := named if {
	named := threshold.profiles_naming("X-01", "attributes", value) with input.profiles as profiles
		with data.profiles as _profiles
}

test_profiles_that_name_a_value_are_sorted if {
	_naming(["e", "c", "b", "a", "unknown"], "sex") == ["a", "b"]
	_naming(["b", "a"], "age") == ["a"]
}

test_only_chosen_profiles_name_a_value if {
	_naming(["a", "b"], "never asked") == []
	_naming([], "sex") == []
}

test_law_is_not_loosened if {
	_loosened("law_most", 16)
	not _loosened("law_most", 15)
	not _loosened("law_most", 14)
	_loosened("law_least", 14)
	not _loosened("law_least", 15)
	not _loosened("law_least", 16)
}

test_law_of_no_clear_direction_is_not_changed if {
	_loosened("law_unclear", 14)
	_loosened("law_unclear", 15)
	_loosened("law_unclear", 16)
}

test_a_threshold_without_a_basis_counts_as_law if {
	_loosened("no_basis", 16)
	not _loosened("no_basis", 15)
}

test_our_own_may_be_loosened if not _loosened("own", 16)

test_unknown_threshold_is_refused if {
	_loosened("other", 1)
	unknown := threshold.loosened with input as _settings({"X-09": {"own": 1}}) with data.catalog as _catalog
	count(unknown) == 1
}

test_malformed if {
	every value in ["3", null, [3], {}, true, -1, 1000001, 14.5] {
		_malformed("own", value)
	}
	every value in [0, 1, 1000000] {
		not _malformed("own", value)
	}
}

test_a_decimal_threshold_may_be_decimal if {
	not _malformed("share", 0.95)
	not _malformed("share", 1)
	_malformed("share", "0.95")
}

test_thresholds_of_a_control_are_an_object if {
	malformed := threshold.malformed with input as _settings({"X-01": 5, "X-02": []}) with data.catalog as _catalog
	malformed == {"settings/thresholds/X-01", "settings/thresholds/X-02"}
}

test_a_basis_by_profile_is_law_where_a_chosen_profile_says_so if {
	catalog := {"X-01": {"thresholds": {"age": {"value": 15, "tighter": "lower", "basis": {"kz": "law"}}}}}
	profiles := {name: {"controls": {"X-01": {"severity": "deny"}}} | some name in ["kz", "eu"]}
	other := {"eu": profiles.eu, "kz": {"controls": {"X-02": {"severity": "deny"}}}}
	settings := _one("age", 16)
	by_kz := threshold.loosened with input as object.union(settings, {"profiles": ["eu", "kz"]})
		with data.catalog as catalog
		with data.profiles as profiles
	count(by_kz) == 1
	by_eu := threshold.loosened with input as object.union(settings, {"profiles": ["eu"]}) with data.catalog as catalog
		with data.profiles as profiles
	count(by_eu) == 0
	unasked := threshold.loosened with input as object.union(settings, {"profiles": ["eu", "kz"]})
		with data.catalog as catalog
		with data.profiles as other
	count(unasked) == 0
}

test_what_is_raised_has_to_exist if {
	catalog := {"X-01": {"texts": {"en": {"violations": {"bad": "Bad."}}}}}
	raised := ["X-01", "X-01/bad", "X-01/evidence_missing", "X-02", "X-01/good", "bad"]
	unknown := threshold.raised_unknown with input as {"settings": {"raised": raised}} with data.catalog as catalog
	unknown == {"X-02", "X-01/good", "bad"}
}
