package qaqpa.controls.con_01_test

import data.qaqpa.controls.con_01
import data.qaqpa.fixtures_test as fixtures

_contents := ["consequences", "deadlines", "fact_of_automation", "how_to_object", "how_to_protect_rights"]

_channel := {"type": "web", "address": "https://example.org/objection"}

_good := {
	"channels": [_channel],
	"notice": fixtures.document,
	"notice_languages": ["kk", "ru"],
	"notice_contains": _contents,
	"appeal_body": "The authority for personal data, or a court",
	"non_ai_route": true,
	"accessible_for_disabled": true,
}

_said(context, record) := _said_of(context, [record])

_said_of(context, records) := said if {
	facts := [fixtures.fact(record) | some record in records]
	request := object.union(fixtures.empty_request, {"context": context, "evidence": {"contest": facts}})
	said := fixtures.said(con_01.violation) with input as request
}

_with(change) := _said({}, object.union(_good, change))

_without(field) := _said({}, object.remove(_good, [field]))

test_passes if {
	_said({}, _good) == set()
	_said({"jurisdictions": ["KZ"], "public_sector": true}, _good) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	con_01.not_applicable_because == {"affects_rights"} with input.context as fixtures.spares_rights
	con_01.not_applicable_because == set() with input.context as {"affects_rights": true}
	con_01.not_applicable_because == set() with input.context as {}
}

test_nothing_is_found_without_evidence if con_01.violation == set() with input as fixtures.empty_request

test_channel if {
	_without("channels") == {"deny channel_missing"}
	every channels in [[], [object.union(_channel, {"address": " "})], [object.remove(_channel, ["address"])], ["web"]] {
		_with({"channels": channels}) == {"deny channel_missing"}
	}
	_with({"channels": [object.union(_channel, {"address": ""}), _channel]}) == set()
}

test_each_content_of_the_notice if {
	every content in _contents {
		others := [other | some other in _contents; other != content]
		_with({"notice_contains": others}) == {concat(" ", ["deny", concat("_", [content, "missing"])])}
	}
	_without("notice_contains") == {concat(" ", ["deny", concat("_", [content, "missing"])]) | some content in _contents}
}

test_notice if {
	_without("notice") == {"warn notice_missing"}
	_said({}, object.union(object.remove(_good, ["notice"]), {"notice": {"uri": "x"}})) == {"warn notice_missing"}
}

test_appeal_body if {
	_without("appeal_body") == {"warn appeal_body_missing"}
	_with({"appeal_body": " "}) == {"warn appeal_body_missing"}
}

test_a_way_without_ai_in_kazakhstan if {
	every value in [false, null, "true"] {
		_with({"non_ai_route": value}) == {"deny kz_non_ai_route_missing"}
	}
	_without("non_ai_route") == {"deny kz_non_ai_route_missing"}
	compelled := object.union(_good, {"non_ai_route": false, "ai_compulsory_law": "A law of 2026"})
	_said({}, compelled) == set()
	_said({}, object.union(compelled, {"ai_compulsory_law": " "})) == {"deny kz_non_ai_route_missing"}
	without := object.union(_good, {"non_ai_route": false})
	_said({"jurisdictions": ["KZ", "EU"]}, without) == {"deny kz_non_ai_route_missing"}
	_said({"jurisdictions": ["EU", "OTHER"]}, without) == set()
}

test_state_languages if {
	every languages in [[], ["kk"], ["ru", "en"]] {
		_with({"notice_languages": languages}) == {"deny kz_language_missing"}
	}
	_without("notice_languages") == {"deny kz_language_missing"}
	_with({"notice_languages": ["en", "kk", "ru"]}) == set()
	english := object.union(_good, {"notice_languages": ["en"]})
	_said({"public_sector": false}, english) == set()
	_said({"jurisdictions": ["EU"]}, english) == set()
	_said({"public_sector": true, "jurisdictions": ["KZ"]}, english) == {"deny kz_language_missing"}
}

test_accessible if {
	_without("accessible_for_disabled") == {"warn not_accessible"}
	_with({"accessible_for_disabled": false}) == {"warn not_accessible"}
}

test_the_worst_record_counts if {
	_said_of({}, [_good, object.union(_good, {"channels": []}), object.remove(_good, ["notice"])]) == {
		"deny channel_missing",
		"warn notice_missing",
	}
}

test_every_code_has_a_text if {
	found := con_01.violation with input as fixtures.request({}, "contest", {})
	{violation.code | some violation in found} == object.keys(data.catalog["CON-01"].texts.en.violations)
}
