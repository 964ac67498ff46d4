package qaqpa.severity_test

import data.qaqpa.fixtures_test as fixtures
import data.qaqpa.severity

_soon := fixtures.day(1)

_later := fixtures.day(10)

_calendar := {"soon": _soon.seconds, "later": _later.seconds, "past": fixtures.day(-1).seconds}

_law := {"act": {"provisions": {
	"now": {},
	"soon": {"applies": [{"from": "soon"}]},
	"later": {"applies": [{"from": "later"}]},
}}}

_profiles := {
	"law": {"statutory": true, "acts": ["act"], "controls": {"X-01": {"severity": "deny"}}},
	"mild": {"statutory": true, "acts": ["act"], "controls": {"X-01": {"severity": "warn"}}},
	"own": {"statutory": false, "controls": {"X-01": {"severity": "deny"}}},
	"silent": {"controls": {"X-01": {"severity": "deny", "without": ["bad"]}}},
}

_violation := {"code": "bad", "level": "deny", "evidence": "e1", "field": "f", "found": 1, "required": 2}

_entry(profile, basis, level, from) := {"profile": profile, "basis": basis, "severity": level, "from": from}

_day(name) := {"text": name, "seconds": _calendar[name]}

_asked_of(violation, request, provisions, profiles) := asked if {
	card := {"provisions": provisions, "per_profile": ["bad"]}
	asked := severity.asked_by("X-01", violation) with data.catalog as {"X-01": card}
		with data.law as _law
		with data.calendar as _calendar
		with data.profiles as profiles
		with input as object.union(fixtures.empty_request, request)
}

_asked(profiles, provisions) := _asked_of(_violation, {"profiles": profiles}, provisions, _profiles)

_link(provision, strength) := {"act": "act", "provision": provision, "strength": strength}

test_a_statute_denies_what_it_asks if {
	_asked(["law"], [_link("now", "statutory")]) == [_entry("law", "statutory", "deny", [])]
}

test_a_weaker_basis_only_warns_in_a_statutes_profile if {
	every strength in ["derived", "recommended"] {
		_asked(["law"], [_link("now", strength)]) == [_entry("law", strength, "warn", [])]
	}
	_asked(["law"], []) == [_entry("law", "product_default", "warn", [])]
	_asked(["own"], []) == [_entry("own", "product_default", "deny", [])]
}

test_before_its_day_a_duty_warns_and_names_the_day if {
	_asked(["law"], [_link("soon", "statutory")]) == [_entry("law", "statutory", "warn", [_day("soon")])]
	_asked(["law"], [_link("soon", "statutory"), _link("later", "statutory")])[0].from == [_day("soon")]
	on_the_day := _asked_of(_violation, {"profiles": ["law"], "now": _soon}, [_link("soon", "statutory")], _profiles)
	on_the_day == [_entry("law", "statutory", "deny", [])]
}

test_without_a_moment_every_duty_applies if {
	every now in [{"seconds": null}, {"seconds": "5"}, null] {
		request := {"profiles": ["law"], "now": now}
		_asked_of(_violation, request, [_link("soon", "statutory")], _profiles)[0].severity == "deny"
	}
}

test_every_profile_that_asks_is_listed if {
	both := _asked(["own", "law"], [_link("soon", "statutory")])
	both == [_entry("law", "statutory", "warn", [_day("soon")]), _entry("own", "product_default", "deny", [])]
}

test_a_profile_that_warns if _asked(["mild"], [_link("now", "statutory")])[0].severity == "warn"

test_a_profile_may_begin_later if {
	profiles := {name: object.union(profile, {"controls": {"X-01": {"severity": "deny", "applies_from": "later"}}}) |
		some name, profile in _profiles
	}
	request := {"profiles": ["law"]}
	_asked_of(_violation, request, [_link("soon", "statutory")], profiles)[0].from == [_day("later")]
	_asked_of(_violation, request, [_link("now", "statutory")], profiles)[0].from == [_day("later")]
	_asked_of(_violation, {"profiles": ["own"]}, [], profiles)[0].from == [_day("later")]
}

test_a_day_of_a_profile_that_is_not_known_puts_nothing_off if {
	profiles := {"own": {"controls": {"X-01": {"severity": "deny", "applies_from": "2099"}}}}
	_asked_of(_violation, {"profiles": ["own"]}, [], profiles)[0].severity == "deny"
}

test_a_warning_of_the_rule_only_warns if {
	mild := object.union(_violation, {"level": "warn"})
	_asked_of(mild, {"profiles": ["law", "own"]}, [_link("now", "statutory")], _profiles) == [
		_entry("law", "statutory", "warn", []),
		_entry("own", "product_default", "warn", []),
	]
}

_raised(violation, raised) := [entry.severity | some entry in asked] if {
	settings := object.union(fixtures.empty_request.settings, {"raised": raised})
	request := {"profiles": ["law", "mild", "own"], "settings": settings}
	asked := _asked_of(violation, request, [_link("soon", "statutory")], _profiles)
}

test_what_is_raised_denies_now if {
	_raised(_violation, []) == ["warn", "warn", "deny"]
	_raised(_violation, ["X-01"]) == ["deny", "deny", "deny"]
	_raised(_violation, ["X-01/bad"]) == ["deny", "deny", "deny"]
	_raised(_violation, ["X-02", "X-01/other"]) == ["warn", "warn", "deny"]
}

test_a_warning_of_the_rule_is_raised_by_its_code_only if {
	mild := object.union(_violation, {"level": "warn"})
	_raised(mild, ["X-01"]) == ["warn", "warn", "warn"]
	_raised(mild, ["X-01/bad"]) == ["deny", "deny", "deny"]
}

test_a_profile_may_leave_a_code_out if {
	_asked(["silent"], []) == []
	[entry.profile | some entry in _asked(["silent", "own"], [])] == ["own"]
}

_concerned(only) := [entry.profile | some entry in asked] if {
	violation := object.union(_violation, {"only": only})
	asked := _asked_of(violation, {"profiles": ["law", "own"]}, [], _profiles)
}

test_a_violation_may_be_about_some_profiles if {
	_concerned(["law", "mild"]) == ["law"]
	_concerned([]) == ["law", "own"]
	_concerned(["mild"]) == ["law", "own"]
	_concerned("law") == ["law", "own"]
}

test_a_violation_is_about_all_profiles_unless_its_card_says_that_it_may_be_about_some if {
	violation := object.union(_violation, {"code": "other", "only": ["law"]})
	asked := _asked_of(violation, {"profiles": ["law", "own"]}, [], _profiles)
	[entry.profile | some entry in asked] == ["law", "own"]
}

_judged(violation) := judged if {
	judged := severity.judged("X-01", violation) with data.catalog as {"X-01": {"per_profile": ["bad"]}}
		with data.profiles as _profiles
		with input as object.union(fixtures.empty_request, {"profiles": ["own"]})
}

test_a_violation_says_who_asks_for_it if {
	judged := _judged(object.union(_violation, {"only": ["own"]}))
	judged == [object.union(_violation, {"asked_by": [_entry("own", "product_default", "deny", [])]})]
}

test_what_is_no_violation_denies if {
	every odd in ["bad", 5, null, {}, {"code": 5}, ["bad"]] {
		judged := _judged(odd)
		count(judged) == 1
		judged[0].code == "malformed"
		judged[0].found == odd
		severity.denies(judged[0])
	}
}

test_only_what_warns_everywhere_does_not_deny if {
	severity.denies({"asked_by": [{"severity": "warn"}, {"severity": "deny"}]})
	severity.denies({"asked_by": [{"severity": "notice"}]})
	severity.denies({"asked_by": [{}]})
	not severity.denies({"asked_by": [{"severity": "warn"}]})
}

test_the_first_day_on_which_anything_denies if {
	violations := [{"asked_by": [{"from": [_later]}, {"from": []}]}, {"asked_by": [{"from": [_soon]}]}]
	severity.denies_from(violations) == [_soon]
	severity.denies_from([]) == []
}
