package qaqpa.controls.doc_02_test

import data.qaqpa.controls.doc_02
import data.qaqpa.fixtures_test as fixtures

_good := {
	"index": fixtures.document,
	"sections": [_section(code) | some code in array.concat(["system", "risk", "data", "ethics"], _annex)],
	"retention_years": 10,
	"retention_until": fixtures.day(0),
}

_annex := [concat("_", ["annex_iv", format_int(number, 10)]) | some number in numbers.range(1, 9)]

_section(code) := {"code": code, "document": fixtures.document, "updated_on": fixtures.day(0)}

_sections(codes) := {"sections": [_section(code) | some code in codes]}

_context := {"jurisdictions": ["EU", "KZ"], "kz_risk": "medium", "eu_class": "high_risk_annex_i"}

_said(context, record) := said if {
	found := doc_02.violation with input as fixtures.request(context, "technical_documentation", record)
	said := fixtures.said(found)
}

_with(change) := _said(_context, object.union(_good, change))

_without(field) := _said(_context, object.remove(_good, [field]))

_not_applicable(context) := fields if {
	fields := doc_02.not_applicable_because with input as fixtures.request(context, "technical_documentation", _good)
}

_worst(bad) := facts if {
	worse := object.union(fixtures.fact(object.union(_good, bad)), {"id": "e2"})
	facts := {"evidence": {"technical_documentation": [fixtures.fact(_good), worse]}}
}

_kz := {"jurisdictions": ["KZ"], "kz_risk": "minimal"}

test_passes if {
	_said(_context, _good) == set()
	_said({}, _good) == set()
	_said(_kz, _sections(["system", "risk", "data"])) == {"warn index_missing"}
}

test_always_applies if {
	_not_applicable({}) == set()
	_not_applicable(_kz) == set()
}

test_empty if {
	every record in [{"sections": []}, {}, {"sections": "all"}] {
		_said(_kz, record) == {"deny documentation_empty", "deny section_missing", "warn index_missing"}
	}
}

test_each_base_section if {
	every code in ["system", "risk", "data"] {
		found := doc_02.violation with input as fixtures.request(_context, "technical_documentation", _lacking(code))
		{[violation.code, violation.found] | some violation in found} == {["section_missing", [code]]}
	}
}

test_section_without_document_is_missing if {
	bare := {"code": "risk", "updated_on": fixtures.day(0)}
	others := [section | some section in _good.sections; section.code != "risk"]
	_with({"sections": array.concat(others, [bare])}) == {"deny section_missing"}
}

test_ethics if {
	_said(_context, _lacking("ethics")) == {"deny kz_ethics_section_missing"}
	_said(object.union(_context, {"kz_risk": "high"}), _lacking("ethics")) == {"deny kz_ethics_section_missing"}
	_said(object.union(_context, {"kz_risk": "minimal"}), _lacking("ethics")) == set()
	_said(object.union(_context, {"jurisdictions": ["EU"]}), _lacking("ethics")) == set()
	_said({}, _lacking("ethics")) == {"deny kz_ethics_section_missing"}
}

test_each_section_of_the_annex if {
	every code in _annex {
		found := doc_02.violation with input as fixtures.request(_context, "technical_documentation", _lacking(code))
		{[violation.code, violation.found] | some violation in found} == {["eu_section_missing", [code]]}
	}
}

test_annex_where_the_risk_is_high if {
	every class in ["high_risk_annex_i", "high_risk_annex_iii", "prohibited", "something"] {
		_said(object.union(_context, {"eu_class": class}), _lacking("annex_iv_9")) == {"deny eu_section_missing"}
	}
	every class in ["transparency", "minimal", "not_applicable"] {
		_said(object.union(_context, {"eu_class": class}), _lacking("annex_iv_9")) == set()
	}
	_said(object.union(_context, {"jurisdictions": ["KZ"]}), _lacking("annex_iv_9")) == set()
	_said({}, _lacking("annex_iv_9")) == {"deny eu_section_missing"}
}

test_retention_in_years if {
	_with({"retention_years": 11}) == set()
	_with({"retention_years": 9}) == {"deny eu_retention_short"}
	_with({"retention_years": "10"}) == {"deny eu_retention_short"}
	_without("retention_years") == {"deny eu_retention_short"}
	_said(object.union(_context, {"eu_class": "minimal"}), object.remove(_good, ["retention_years"])) == set()
}

test_last_day if {
	_with({"retention_until": fixtures.day(-1)}) == {"deny eu_retention_ended"}
	_with({"retention_until": {"text": "soon", "seconds": null}}) == {"deny eu_retention_ended"}
	_with({"retention_until": fixtures.day(3650)}) == set()
	_without("retention_until") == {"deny eu_retention_undated"}
	_with({"retention_until": "2036-11-23"}) == {"deny eu_retention_undated"}
	_said(object.union(_context, {"eu_class": "minimal"}), object.remove(_good, ["retention_until"])) == set()
	ended := object.union(_good, {"retention_until": fixtures.day(-1)})
	_said(object.union(_context, {"eu_class": "minimal"}), ended) == set()
}

test_dates_of_sections if {
	every day in [fixtures.day(1), {}, "2026-11-23"] {
		sections := [object.union(object.remove(section, ["updated_on"]), {"updated_on": day}) |
			some section in _good.sections
		]
		_with({"sections": sections}) == {"deny section_date_wrong"}
	}
	undated := [object.remove(section, ["updated_on"]) | some section in _good.sections]
	_with({"sections": undated}) == {"deny section_date_wrong"}
}

test_one_wrong_date_is_enough if {
	late := object.union(_section("risk"), {"updated_on": fixtures.day(1)})
	request := fixtures.request(
		_context, "technical_documentation",
		object.union(_good, {"sections": array.concat(_good.sections, [late])}),
	)
	found := doc_02.violation with input as request
	{[violation.code, violation.found] | some violation in found} == {["section_date_wrong", ["risk"]]}
}

test_training if {
	_trained(null, fixtures.day(-10)) == set()
	_trained(fixtures.day(-10), fixtures.day(-10)) == set()
	_trained(fixtures.day(-9), fixtures.day(-10)) == {"warn not_updated_since_training"}
}

test_one_section_changed_since_training_is_enough if {
	sections := array.concat([object.union(_section("system"), {"updated_on": fixtures.day(-10)})], _good.sections)
	request := object.union(
		fixtures.request(_context, "technical_documentation", object.union(_good, {"sections": sections})),
		{"subject": {"trained_at": fixtures.day(-9)}},
	)
	found := doc_02.violation with input as request
	found == set()
}

test_index if {
	_without("index") == {"warn index_missing"}
	_with({"index": {"sha256": ""}}) == {"warn index_missing"}
}

test_threshold_can_be_tightened if {
	settings := {"settings": {"thresholds": {"DOC-02": {"eu_retention_years": 11}}}}
	request := object.union(fixtures.request(_context, "technical_documentation", _good), settings)
	found := doc_02.violation with input as request
	fixtures.said(found) == {"deny eu_retention_short"}
}

test_worst_of_several_facts_counts if {
	request := object.union(fixtures.empty_request, _worst({"retention_years": 1}))
	found := doc_02.violation with input as request
	{violation.evidence | some violation in found} == {"e2"}
}

_lacking(code) := object.union(_good, {"sections": [section | some section in _good.sections; section.code != code]})

_trained(moment, updated) := said if {
	sections := [object.union(section, {"updated_on": updated}) | some section in _good.sections]
	request := object.union(
		fixtures.request(_context, "technical_documentation", object.union(_good, {"sections": sections})),
		{"subject": {"trained_at": moment}},
	)
	found := doc_02.violation with input as request
	said := fixtures.said(found)
}
