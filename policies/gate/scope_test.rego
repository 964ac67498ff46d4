package qaqpa.scope_test

import data.qaqpa.fixtures_test as fixtures
import data.qaqpa.scope

_profiles := {
	"a": {"controls": {"X-01": {"severity": "deny"}, "X-02": {"severity": "warn"}}},
	"b": {"controls": {"X-01": {"severity": "warn"}}},
	"c": {"controls": {"X-02": {"severity": "deny"}}},
	"bare": {},
	"odd": {"controls": ["X-01"]},
}

_input(profiles) := {"profiles": profiles, "now": fixtures.now}

test_known_and_unknown_profiles if {
	asked := ["b", "a", "nothing", "bare", "odd", 5, null]
	scope.known_profiles == ["a", "b"] with input as _input(asked) with data.profiles as _profiles
	unknown := scope.unknown_profiles with input as _input(asked) with data.profiles as _profiles
	unknown == ["nothing", "bare", "odd", 5, null]
}

test_controls_of_all_profiles_are_asked if {
	scope.asked == {"X-01", "X-02"} with input as _input(["b", "c"]) with data.profiles as _profiles
	scope.profiles_asking("X-01") == ["a", "b"] with input as _input(["a", "b", "c"]) with data.profiles as _profiles
}

test_what_a_profile_demands if {
	scope.demand("a", "X-02") == {"severity": "warn"} with data.profiles as _profiles
	not scope.demand("b", "X-02") with data.profiles as _profiles
}
