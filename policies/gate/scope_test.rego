package qaqpa.scope_test

import data.qaqpa.fixtures_test as fixtures
import data.qaqpa.scope

_profiles := {
	"a": {"controls": {"X-01": {"severity": "deny"}, "X-02": {"severity": "warn"}}},
	"b": {"controls": {"X-01": {"severity": "warn"}}},
	"c": {"controls": {"X-02": {"severity": "deny", "applies_from": fixtures.day(10)}}},
	"d": {"controls": {"X-02": {"severity": "deny", "applies_from": fixtures.day(5)}}},
	"e": {"controls": {"X-02": {"severity": "warn", "applies_from": fixtures.day(3)}}},
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

test_one_profile_that_denies_is_enough if {
	scope.profiles_denying("X-01") == ["a"] with input as _input(["a", "b"]) with data.profiles as _profiles
	scope.profiles_denying("X-01") == [] with input as _input(["b"]) with data.profiles as _profiles
}

test_the_first_day_on_which_any_profile_denies if {
	days := scope.denies_from("X-02") with input as _input(["a", "c", "d", "e"]) with data.profiles as _profiles
	days == [fixtures.day(5)]
}

test_no_day_where_a_profile_denies_already if {
	now := {"text": "later", "seconds": fixtures.day(7).seconds}
	request := {"profiles": ["c", "d"], "now": now}
	scope.denies_from("X-02") == [] with input as request with data.profiles as _profiles
	scope.profiles_denying("X-02") == ["d"] with input as request with data.profiles as _profiles
}

test_no_day_where_nothing_ever_denies if {
	scope.denies_from("X-02") == [] with input as _input(["a"]) with data.profiles as _profiles
}

test_without_a_moment_every_duty_applies if {
	every request in [{"profiles": ["d"]}, {"profiles": ["d"], "now": {"seconds": null}}] {
		scope.profiles_denying("X-02") == ["d"] with input as request with data.profiles as _profiles
	}
}
