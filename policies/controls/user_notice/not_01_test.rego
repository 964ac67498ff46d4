package qaqpa.controls.not_01_test

import data.qaqpa.controls.not_01
import data.qaqpa.fixtures_test as fixtures

_good := {
	"notice": fixtures.document,
	"shown_at": "before_use",
	"placements": ["start page"],
	"languages": ["kk", "ru"],
	"covers": ["ai_used", "procedure", "consequences", "objection"],
	"workers_informed_on": fixtures.day(0),
}

_context := {
	"jurisdictions": ["EU", "KZ"],
	"affects_rights": true,
	"interacts_with_persons": true,
	"workplace_use": true,
	"public_sector": true,
}

_said(context, record) := said if {
	found := not_01.violation with input as fixtures.request(context, "notice", record)
	said := fixtures.said(found)
}

_with(change) := _said(_context, object.union(_good, change))

_without(field) := _said(_context, object.remove(_good, [field]))

_not_applicable(context) := fields if {
	fields := not_01.not_applicable_because with input as fixtures.request(context, "notice", _good)
}

_worst(bad) := facts if {
	worse := object.union(fixtures.fact(object.union(_good, bad)), {"id": "e2"})
	facts := {"evidence": {"notice": [fixtures.fact(_good), worse]}}
}

test_passes if {
	_said(_context, _good) == set()
	_said({}, _good) == set()
	_with({"shown_at": "first_interaction"}) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	both := object.union(fixtures.spares_rights, {"interacts_with_persons": false})
	_not_applicable(both) == {"affects_rights", "interacts_with_persons"}
	every field in ["affects_rights", "interacts_with_persons"] {
		_not_applicable({field: false}) == set()
		_not_applicable(object.union(both, {field: true})) == set()
		_not_applicable(object.union(both, {field: "false"})) == set()
	}
	_not_applicable({}) == set()
}

test_notice if {
	_without("notice") == {"deny notice_missing"}
	_with({"notice": {"uri": " "}}) == {"deny notice_missing"}
}

test_shown if {
	_with({"shown_at": "after"}) == {"deny shown_too_late"}
	_without("shown_at") == {"deny shown_too_late"}
}

test_covers if {
	_with({"covers": ["procedure", "consequences", "objection"]}) == {"deny ai_use_not_covered"}
	every topic in ["procedure", "consequences", "objection"] {
		notice := object.union(_good, {"covers": [other | some other in _good.covers; other != topic]})
		found := not_01.violation with input as fixtures.request(_context, "notice", notice)
		{[violation.code, violation.found] | some violation in found} == {["decision_not_covered", [topic]]}
	}
	_without("covers") == {"deny ai_use_not_covered", "deny decision_not_covered"}
	_with({"covers": "everything"}) == {"deny ai_use_not_covered", "deny decision_not_covered"}
}

test_decisions_only_where_rights_are_affected if {
	short := object.union(_good, {"covers": ["ai_used"]})
	_said(_context, short) == {"deny decision_not_covered"}
	_said({}, short) == {"deny decision_not_covered"}
	_said(object.union(_context, fixtures.spares_rights), short) == set()
}

test_workers if {
	_with({"workers_informed_on": fixtures.day(1)}) == {"deny eu_workers_uninformed"}
	_with({"workers_informed_on": "2026-11-23"}) == {"deny eu_workers_uninformed"}
	_without("workers_informed_on") == {"deny eu_workers_uninformed"}
	uninformed := object.remove(_good, ["workers_informed_on"])
	_said({}, uninformed) == {"deny eu_workers_uninformed"}
	_said(object.union(_context, {"workplace_use": false}), uninformed) == set()
	_said(object.union(_context, {"jurisdictions": ["KZ"]}), uninformed) == set()
}

test_state_languages if {
	_with({"languages": ["ru"]}) == {"deny kz_state_languages_lacking"}
	_with({"languages": ["kk", "en"]}) == {"deny kz_state_languages_lacking"}
	_said({}, object.union(_good, {"languages": ["ru"]})) == {"deny kz_state_languages_lacking"}
	_said(object.union(_context, {"public_sector": false}), object.union(_good, {"languages": ["ru"]})) == set()
	_said(object.union(_context, {"jurisdictions": ["EU"]}), object.union(_good, {"languages": ["ru"]})) == set()
}

test_languages_at_all if {
	_without("languages") == {"deny kz_state_languages_lacking", "warn languages_missing"}
	private := object.union(_context, {"public_sector": false})
	_said(private, object.union(_good, {"languages": []})) == {"warn languages_missing"}
}

test_placements if {
	_with({"placements": []}) == {"warn placements_missing"}
	_without("placements") == {"warn placements_missing"}
}

test_worst_of_several_facts_counts if {
	found := not_01.violation with input as object.union(fixtures.empty_request, _worst({"shown_at": "after"}))
	{violation.evidence | some violation in found} == {"e2"}
}
