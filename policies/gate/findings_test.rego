package qaqpa.findings_test

import data.qaqpa.findings
import data.qaqpa.fixtures_test as fixtures

_catalog := {"X-01": {"evidence": ["x"], "thresholds": {}}}

_denies := {"code": "bad", "level": "deny", "evidence": "e1", "field": "f", "found": 1, "required": 2}

_warns := object.union(_denies, {"level": "warn"})

_silent := {"violation": set(), "not_applicable_because": set()}

_request := object.union(fixtures.request(fixtures.spares_rights, "x", {}), {"profiles": ["p"]})

_found(request, entry, demand, card) := finding if {
	listed := findings.listed with input as request
		with data.profiles as {"p": {"controls": {"X-01": demand}}}
		with data.catalog as {"X-01": card}
		with data.qaqpa.index.by_control as {"X-01": entry}
	count(listed) == 1
	finding := listed[0]
}

_by_entry(entry) := _found(_request, object.union(_silent, entry), {"severity": "deny"}, _catalog["X-01"])

_by_demand(demand) := _found(_request, object.union(_silent, {"violation": {_denies}}), demand, _catalog["X-01"])

_by_card(card) := _found(_request, _silent, {"severity": "deny"}, card)

_by_request(change) := _found(object.union(_request, change), _silent, {"severity": "deny"}, _catalog["X-01"])

test_pass if {
	finding := _by_entry({})
	finding.status == "pass"
	finding.control == "X-01"
	finding.profiles == ["p"]
	finding.evidence == ["e1"]
	finding.violations == []
	finding.denies_from == []
	finding.waivers == []
}

test_fail if {
	finding := _by_entry({"violation": {_denies, _warns}})
	finding.status == "fail"
	fixtures.bare(finding.violations) == [_denies, _warns]
	finding.denies_from == []
}

test_warn if _by_entry({"violation": {_warns}}).status == "warn"

test_profile_that_warns if {
	finding := _by_demand({"severity": "warn"})
	finding.status == "warn"
	finding.denies_from == []
}

test_unknown_severity_denies if {
	_by_demand({"severity": "Warn"}).status == "fail"
	_by_demand({"severity": null}).status == "fail"
	_by_demand({}).status == "fail"
	_by_demand(null).status == "fail"
	_by_demand(false).status == "fail"
}

test_a_duty_denies_from_its_day_on if {
	calendar := {name: fixtures.day(offset).seconds |
		some name, offset in {"2026-11-22": -1, "2026-11-23": 0, "2026-11-24": 1}
	}
	later := _by_demand({"severity": "deny", "applies_from": "2026-11-24"}) with data.calendar as calendar
	later.status == "warn"
	later.denies_from == [{"text": "2026-11-24", "seconds": fixtures.day(1).seconds}]
	today := _by_demand({"severity": "deny", "applies_from": "2026-11-23"}) with data.calendar as calendar
	today.status == "fail"
	today.denies_from == []
	_by_demand({"severity": "deny", "applies_from": "2026-11-22"}).status == "fail" with data.calendar as calendar
}

test_a_violation_that_no_profile_asks_for_is_none if {
	finding := _by_demand({"severity": "deny", "without": ["bad"]})
	finding.status == "pass"
	finding.violations == []
}

test_a_violation_of_no_clear_level_denies if {
	_by_entry({"violation": {{"code": "bad"}}}).status == "fail"
	_by_entry({"violation": {"bad"}}).status == "fail"
	_by_entry({"violation": {object.union(_denies, {"level": "notice"})}}).status == "fail"
}

test_not_applicable if {
	finding := _by_entry({"violation": {_denies}, "not_applicable_because": {"affects_rights"}})
	finding.status == "not_applicable"
	finding.not_applicable_because == ["affects_rights"]
	finding.violations == []
	finding.waivers == []
	finding.evidence == []
}

test_what_is_not_applicable_rests_on_the_signed_context if {
	system := [object.union(fixtures.fact({}), {"id": "s1"}), object.union(fixtures.declared({}), {"id": "s2"})]
	request := object.union(_request, {"evidence": {"system": system, "x": [fixtures.fact({})]}})
	entry := {"violation": set(), "not_applicable_because": {"affects_rights"}}
	finding := _found(request, entry, {"severity": "deny"}, _catalog["X-01"])
	finding.status == "not_applicable"
	finding.evidence == ["s1"]
}

test_not_applicable_without_a_field_of_the_context_is_undecided if {
	_by_entry({"not_applicable_because": {"kz_risk"}}).status == "undecided"
	_by_entry({"not_applicable_because": {"affects_rights", "kz_risk"}}).status == "undecided"
	_by_entry({"not_applicable_because": {true}}).status == "undecided"
}

test_a_rule_of_the_wrong_type_is_undecided if {
	_by_entry({"violation": {"code": "bad"}}).status == "undecided"
	_by_entry({"violation": []}).status == "undecided"
	_by_entry({"violation": false}).status == "undecided"
	_by_entry({"not_applicable_because": "affects_rights"}).status == "undecided"
	_by_entry({"not_applicable_because": ["affects_rights"]}).status == "undecided"
	_found(_request, {"violation": set()}, {"severity": "deny"}, _catalog["X-01"]).status == "undecided"
}

test_a_card_that_is_not_whole_is_undecided if {
	every card in [
		{},
		{"evidence": ["x"]},
		{"evidence": [], "thresholds": {}},
		{"evidence": "x", "thresholds": {}},
		{"evidence": {"first": "x"}, "thresholds": {}},
		{"evidence": [""], "thresholds": {}},
		{"evidence": [null], "thresholds": {}},
		{"evidence": ["x", 1], "thresholds": {}},
		{"evidence": ["x"], "thresholds": []},
		{"evidence": ["x"], "thresholds": {"age": 365}},
		{"evidence": ["x"], "thresholds": {"age": {"tighter": "lower", "basis": "law"}}},
		{"evidence": ["x"], "thresholds": {"age": {"value": null, "tighter": "lower", "basis": "law"}}},
		{"evidence": ["x"], "thresholds": {"age": {"value": 1, "tighter": "least", "basis": "law"}}},
		{"evidence": ["x"], "thresholds": {"age": {"value": 1, "tighter": "lower"}}},
	] {
		finding := _by_card(card)
		finding.status == "undecided"
		finding.evidence == []
	}
}

test_without_a_card_nothing_is_said_to_be_not_applicable if {
	entry := object.union(_silent, {"not_applicable_because": {"affects_rights"}})
	_found(_request, entry, {"severity": "deny"}, {}).status == "undecided"
}

test_a_whole_card_is_judged if {
	every basis in ["law", "product_default", {"kz": "law"}] {
		threshold := {"value": 365, "tighter": "lower", "basis": basis}
		_by_card({"evidence": ["x"], "thresholds": {"age": threshold}}).status == "pass"
	}
}

test_evidence_missing if {
	finding := _by_request({"evidence": {"x": []}})
	finding.status == "fail"
	fixtures.bare(finding.violations) == [{
		"code": "evidence_missing",
		"level": "deny",
		"evidence": "",
		"field": "x",
		"found": [],
		"required": "signed",
	}]
	others := object.union(object.remove(_request, ["evidence"]), {"evidence": {"y": [fixtures.fact({})]}})
	_found(others, _silent, {}, _catalog["X-01"]).violations[0].code == "evidence_missing"
}

test_evidence_refused if {
	rejected := [{"code": "expired", "kind": "x"}, {"code": "altered", "kind": "x"}, {"code": "expired", "kind": "y"}]
	finding := _by_request({"evidence": {"x": []}, "rejected": rejected})
	finding.violations[0].code == "evidence_refused"
	finding.violations[0].found == ["altered", "expired"]
}

test_evidence_too_weak if {
	finding := _by_request({
		"evidence": {"x": [fixtures.declared({})]},
		"rejected": [{"code": "expired", "kind": "x"}],
	})
	finding.status == "fail"
	finding.evidence == []
	finding.violations[0].code == "evidence_too_weak"
	finding.violations[0].found == ["declared"]
	finding.violations[0].required == "signed"
}

test_a_card_asks_for_independent_evidence if {
	signed := object.union(_request, {"evidence": {"x": [object.union(fixtures.fact({}), {"strength": "signed"})]}})
	_found(signed, _silent, {}, _catalog["X-01"]).status == "pass"
	finding := _found(signed, _silent, {}, object.union(_catalog["X-01"], {"minimum_strength": "independent"}))
	finding.status == "fail"
	finding.violations[0].code == "evidence_too_weak"
	finding.violations[0].found == ["signed"]
	finding.violations[0].required == "independent"
}

test_at_review_declared_evidence_counts if {
	finding := _by_request({"stage": "review", "evidence": {"x": [fixtures.declared({})]}})
	finding.status == "pass"
	finding.evidence == ["e1"]
}

test_refused_evidence_beside_good_evidence_changes_nothing if {
	_by_request({"rejected": [{"code": "expired", "kind": "x"}]}).status == "pass"
}

test_every_kind_on_the_card_is_asked if {
	finding := _by_card({"evidence": ["x", "y"], "thresholds": {}})
	finding.status == "fail"
	{violation.field | some violation in finding.violations} == {"y"}
}

test_a_profile_may_only_warn_where_the_context_says_so if {
	demand := {"severity": "deny", "warn_when": {"affects_rights": false}}
	_by_demand(demand).status == "warn"
	_by_demand(demand).denies_from == []
	every condition in [{}, {"affects_rights": true}, {"public_sector": false}, [], "affects_rights", null] {
		_by_demand({"severity": "deny", "warn_when": condition}).status == "fail"
	}
	both := {"affects_rights": false, "public_sector": false}
	_by_demand({"severity": "deny", "warn_when": both}).status == "fail"
}
