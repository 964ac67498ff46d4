package qaqpa.controls.not_03_test

import data.qaqpa.controls.not_03
import data.qaqpa.fixtures_test as fixtures

_good := {
	"agreement": fixtures.document,
	"shown_before_use": true,
	"contains": ["purpose", "limits", "explanation_procedure", "data_information_procedure", "support"],
	"support_contact": "help@example.org",
	"languages": ["kk", "ru"],
}

_context := {"jurisdictions": ["KZ"], "public_sector": true}

_said(context, record) := said if {
	found := not_03.violation with input as fixtures.request(context, "user_agreement", record)
	said := fixtures.said(found)
}

_with(change) := _said(_context, object.union(_good, change))

_without(field) := _said(_context, object.remove(_good, [field]))

_not_applicable(context) := fields if {
	fields := not_03.not_applicable_because with input as fixtures.request(context, "user_agreement", _good)
}

_worst(bad) := facts if {
	worse := object.union(fixtures.fact(object.union(_good, bad)), {"id": "e2"})
	facts := {"evidence": {"user_agreement": [fixtures.fact(_good), worse]}}
}

test_passes if {
	_said(_context, _good) == set()
	_said({}, _good) == set()
	_with({"contains": array.concat(_good.contains, ["conditions"])}) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	_not_applicable({"jurisdictions": ["EU", "OTHER"]}) == {"jurisdictions"}
	_not_applicable({"jurisdictions": ["EU", "KZ"]}) == set()
	every places in ["EU", [], ["MARS"]] {
		_not_applicable({"jurisdictions": places}) == set()
	}
	_not_applicable({}) == set()
}

test_agreement if {
	_without("agreement") == {"deny agreement_missing"}
	_with({"agreement": {"uri": ""}}) == {"deny agreement_missing"}
}

test_shown if {
	_with({"shown_before_use": false}) == {"deny not_shown_before_use"}
	_with({"shown_before_use": "true"}) == {"deny not_shown_before_use"}
	_without("shown_before_use") == {"deny not_shown_before_use"}
}

test_contents if {
	every topic in _good.contains {
		agreement := object.union(_good, {"contains": [other | some other in _good.contains; other != topic]})
		found := not_03.violation with input as fixtures.request(_context, "user_agreement", agreement)
		{[violation.code, violation.found] | some violation in found} == {["contents_lacking", [topic]]}
	}
	_without("contains") == {"deny contents_lacking"}
	_with({"contains": "all"}) == {"deny contents_lacking"}
}

test_state_languages if {
	_with({"languages": ["ru"]}) == {"deny state_languages_lacking"}
	_with({"languages": ["kk"]}) == {"deny state_languages_lacking"}
	_said({}, object.union(_good, {"languages": ["kk"]})) == {"deny state_languages_lacking"}
	_said(object.union(_context, {"public_sector": false}), object.union(_good, {"languages": ["kk"]})) == set()
}

test_languages_at_all if {
	_without("languages") == {"deny state_languages_lacking", "warn languages_missing"}
	private := object.union(_context, {"public_sector": false})
	_said(private, object.remove(_good, ["languages"])) == {"warn languages_missing"}
}

test_support_contact if {
	_with({"support_contact": " "}) == {"warn support_contact_missing"}
	_without("support_contact") == {"warn support_contact_missing"}
}

test_worst_of_several_facts_counts if {
	found := not_03.violation with input as object.union(fixtures.empty_request, _worst({"shown_before_use": false}))
	{violation.evidence | some violation in found} == {"e2"}
}
