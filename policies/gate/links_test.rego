package qaqpa.links_test

import data.qaqpa.fixtures_test as fixtures
import data.qaqpa.links

_calendar := {
	"2026-06-30": fixtures.day(-146).seconds,
	"2026-07-01": fixtures.day(-145).seconds,
	"2026-11-22": fixtures.day(-1).seconds,
	"2026-11-23": fixtures.day(0).seconds,
	"2027-12-02": fixtures.day(374).seconds,
	"2028-08-02": fixtures.day(618).seconds,
}

_law := {
	"act": {"in_force": {"from": "2026-07-01"}, "provisions": {
		"plain": {},
		"today": {"in_force": {"from": "2026-11-23"}},
		"ended": {"in_force": {"until": "2026-11-22"}},
		"last-day": {"in_force": {"until": "2026-11-23"}},
		"later": {"applies": [
			{"from": "2028-08-02", "when": {"eu_class": "high_risk_annex_i"}},
			{"from": "2027-12-02"},
		]},
		"unread": {"applies": [{"from": "some day"}]},
	}},
	"coming": {"in_force": {"from": "2027-12-02"}, "provisions": {"plain": {}}},
	"undated": {"provisions": {"plain": {}}},
	"repealed": {"in_force": {"until": "2026-06-30"}, "provisions": {"plain": {}}},
}

_profiles := {
	"p": {"acts": ["act", "coming", "undated", "repealed"], "controls": {}},
	"q": {"acts": [], "controls": {}},
}

_link(provision, strength) := {"act": "act", "provision": provision, "strength": strength}

_general := _link("plain", "derived")

_named := object.union(_link("later", "statutory"), {"codes": ["named"]})

_card(provisions) := {"X-01": {"provisions": provisions, "defaults": ["ours", "named"]}}

_covering(provisions, code, profile, context) := found if {
	found := links.covering("X-01", code, profile) with data.catalog as _card(provisions)
		with data.profiles as _profiles
		with data.law as _law
		with data.calendar as _calendar
		with input as {"now": fixtures.now, "context": context}
}

_in_p(provisions, code) := _covering(provisions, code, "p", {})

_holds(link) if _in_p([link], "bad") == [link]

test_general_links_cover_what_is_not_only_ours if {
	_in_p([_general, _named], "bad") == [_general]
	_in_p([_general, _named], "ours") == []
	_in_p([_named], "bad") == []
}

test_links_that_name_a_code_go_first if {
	_in_p([_general, _named], "named") == [_named]
	_in_p([_general], "named") == []
}

test_what_the_gate_reports_rests_on_general_links_and_else_on_all if {
	every code in ["evidence_missing", "evidence_refused", "evidence_too_weak", "waiver_not_allowed"] {
		_in_p([_general, _named], code) == [_general]
		_in_p([_named], code) == [_named]
		_in_p([], code) == []
	}
}

test_what_the_gate_reports_is_never_only_ours if {
	card := {"X-01": {"provisions": [_general], "defaults": ["evidence_missing"]}}
	found := links.covering("X-01", "evidence_missing", "p") with data.catalog as card
		with data.profiles as _profiles
		with data.law as _law
		with data.calendar as _calendar
		with input as {"now": fixtures.now, "context": {}}
	found == [_general]
}

test_links_belong_to_the_profiles_that_claim_the_act_or_that_they_name if {
	_covering([_general], "bad", "q", {}) == []
	own := object.union(_general, {"profiles": ["q"]})
	_covering([own], "bad", "q", {}) == [own]
	_covering([own], "bad", "p", {}) == []
}

test_a_condition_holds_unless_the_context_says_otherwise if {
	link := object.union(_general, {"when": {"claims_trusted_list": true, "domain": "hr"}})
	every context in [{}, {"claims_trusted_list": true}, {"claims_trusted_list": "no"}, {"domain": 5}, {"domain": "hr"}] {
		_covering([link], "bad", "p", context) == [link]
	}
	_covering([link], "bad", "p", {"claims_trusted_list": false}) == []
	_covering([link], "bad", "p", {"domain": "medical"}) == []
}

_holds_in(context, conditions) if {
	link := object.union(_general, {"when": conditions})
	_covering([link], "bad", "p", context) == [link]
}

test_a_value_that_the_schema_does_not_allow_switches_nothing_off if {
	every value in ["high_risk", "HIGH_RISK_ANNEX_III", "", 5, null] {
		_holds_in({"eu_class": value}, {"eu_class": "high_risk_annex_iii"})
		_holds_in({"domain": value}, {"domain": "hr"})
	}
	not _holds_in({"eu_class": "high_risk_annex_i"}, {"eu_class": "high_risk_annex_iii"})
}

test_a_stricter_value_switches_nothing_off if {
	every class in ["high_risk_annex_i", "high_risk_annex_iii"] {
		_holds_in({"eu_class": "prohibited"}, {"eu_class": class})
		not _holds_in({"eu_class": class}, {"eu_class": "prohibited"})
	}
	not _holds_in({"eu_class": "prohibited"}, {"eu_class": "transparency"})
	_holds_in({"kz_risk": "high"}, {"kz_risk": "medium"})
	_holds_in({"kz_autonomy": "medium"}, {"kz_autonomy": "low"})
	_holds_in({"automation": "fully_automated"}, {"automation": "human_in_the_loop"})
	not _holds_in({"automation": "human_in_the_loop"}, {"automation": "fully_automated"})
}

test_a_plain_no_that_the_context_contradicts_switches_nothing_off if {
	_holds_in({"affects_rights": false}, {"affects_rights": true})
	not _holds_in(fixtures.spares_rights, {"affects_rights": true})
}

test_what_has_ended_does_not_count if {
	not _holds(_link("ended", "statutory"))
	_holds(_link("last-day", "statutory"))
	not _holds({"act": "repealed", "provision": "plain", "strength": "statutory"})
	_holds({"act": "undated", "provision": "plain", "strength": "statutory"})
	_holds({"act": "act", "provision": "nothing", "strength": "statutory"})
}

test_what_asks_for_no_duty_counts_once_it_is_in_force if {
	every strength in ["derived", "recommended"] {
		not _holds({"act": "coming", "provision": "plain", "strength": strength})
		_holds({"act": "act", "provision": "today", "strength": strength})
	}
	_holds({"act": "coming", "provision": "plain", "strength": "statutory"})
}

test_where_a_general_link_does_not_hold_yet_no_other_takes_its_place if {
	coming := {"act": "coming", "provision": "plain", "strength": "derived"}
	_in_p([coming, _named], "evidence_missing") == []
}

test_basis_is_the_strongest if {
	strengths := ["direct", "statutory", "derived", "recommended"]
	every number, strength in strengths {
		links.basis([_link("plain", weaker) | some place, weaker in strengths; place >= number]) == strength
	}
	links.basis([]) == "product_default"
	links.basis([_link("plain", "strange")]) == "statutory"
	links.basis([{}]) == "statutory"
}

_begins(given, context) := day if {
	day := links.begins(given) with data.law as _law
		with data.calendar as _calendar
		with input as {"now": fixtures.now, "context": context}
}

test_a_duty_begins_with_its_provision if {
	_begins([_named], {}) == [[_calendar["2027-12-02"], "2027-12-02"]]
	_begins([_named], {"eu_class": "high_risk_annex_iii"}) == [[_calendar["2027-12-02"], "2027-12-02"]]
	_begins([_named], {"eu_class": "high_risk_annex_i"}) == [[_calendar["2028-08-02"], "2028-08-02"]]
	_begins([_named], {"eu_class": "prohibited"}) == [[_calendar["2027-12-02"], "2027-12-02"]]
	every provision in ["plain", "last-day", "nothing"] {
		_begins([_link(provision, "statutory")], {}) == [[_calendar["2026-07-01"], "2026-07-01"]]
	}
}

test_the_first_duty_counts if {
	_begins([_named, _link("plain", "statutory")], {}) == [[_calendar["2026-07-01"], "2026-07-01"]]
}

test_a_day_that_is_not_known_puts_nothing_off if {
	every provision in ["unread"] {
		_begins([_link(provision, "statutory")], {}) == [[0, ""]]
	}
	_begins([{"act": "undated", "provision": "plain"}], {}) == [[0, ""]]
	_begins([{"act": "nothing", "provision": "plain"}], {}) == [[0, ""]]
}

test_what_is_below_a_statute_begins_no_duty if {
	_begins([_general, _link("plain", "recommended")], {}) == []
	_begins([], {}) == []
}
