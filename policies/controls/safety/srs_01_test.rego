package qaqpa.controls.srs_01_test

import data.qaqpa.controls.srs_01
import data.qaqpa.fixtures_test as fixtures

_drift := {
	"id": "R1",
	"description": "Incomes change and the model grows old.",
	"affected": "Applicants.",
	"likelihood": "medium",
	"impact": "medium",
	"misuse": false,
	"treatment": "Watched weekly.",
	"residual": "low",
	"owner": "Head of risk",
}

_misuse := object.union(_drift, {"id": "R2", "misuse": true, "residual": "medium"})

_good := {
	"register": fixtures.document,
	"items": [_drift, _misuse],
	"last_review": fixtures.day(-365),
}

_said(file) := said if {
	found := srs_01.violation with input as fixtures.request({}, "risk_file", file)
	said := fixtures.said(found)
}

_with(change) := _said(object.union(_good, change))

_without(field) := _said(object.remove(_good, [field]))

# What is said where a third risk stands in the register.
_third(change) := _with({"items": [_drift, _misuse, object.union_n([_drift, {"id": "R3"}, change])]})

_found(code, file) := values if {
	found := srs_01.violation with input as fixtures.request({}, "risk_file", file)
	values := {violation.found | some violation in found; violation.code == code}
}

test_passes if _said(_good) == set()

test_applies_to_every_system if {
	srs_01.not_applicable_because == set() with input as fixtures.empty_request
	srs_01.not_applicable_because == set() with input as fixtures.request({"kz_risk": "minimal"}, "risk_file", {})
}

test_applies_with_an_empty_record if {
	_said({}) == {"deny register_missing", "deny review_out_of_date", "deny items_missing", "deny misuse_missing"}
}

test_register if {
	_without("register") == {"deny register_missing"}
	_with({"register": {"uri": " ", "sha256": "ab"}}) == {"deny register_missing"}
}

test_review if {
	_with({"last_review": fixtures.day(0)}) == set()
	_with({"last_review": fixtures.day(1)}) == {"deny review_out_of_date"}
	_with({"last_review": fixtures.day(-366)}) == {"deny review_out_of_date"}
	_without("last_review") == {"deny review_out_of_date"}
	_with({"last_review": "2026-11-01"}) == {"deny review_out_of_date"}
}

test_items if {
	_without("items") == {"deny items_missing", "deny misuse_missing"}
	_with({"items": []}) == {"deny items_missing", "deny misuse_missing"}
	_with({"items": "many"}) == {"deny items_missing", "deny misuse_missing"}
}

test_misuse if {
	_with({"items": [_drift]}) == {"deny misuse_missing"}
	_with({"items": [object.remove(_drift, ["misuse"])]}) == {"deny misuse_missing"}
	_with({"items": [object.union(_misuse, {"misuse": "true"})]}) == {"deny misuse_missing"}
	_with({"items": [_misuse]}) == set()
}

test_residual_that_nobody_may_bear if {
	_third({"residual": "unacceptable"}) == {"deny residual_unacceptable"}
	unacceptable := object.union(_drift, {"residual": "unacceptable"})
	accepted := {"items": [_misuse, unacceptable], "residual_accepted_by": "a.person"}
	_with(accepted) == {"deny residual_unacceptable"}
	_found("residual_unacceptable", object.union(_good, accepted)) == {["R1"]}
}

test_high_residual_is_accepted_by_somebody if {
	high := {"items": [object.union(_drift, {"residual": "high"}), object.union(_misuse, {"residual": "high"})]}
	_with(high) == {"deny residual_not_accepted"}
	_found("residual_not_accepted", object.union(_good, high)) == {["R1", "R2"]}
	_with(object.union(high, {"residual_accepted_by": " "})) == {"deny residual_not_accepted"}
	_with(object.union(high, {"residual_accepted_by": "a.person"})) == set()
	_third({"residual": "medium"}) == set()
}

test_unknown_residual if {
	_third({"residual": "tiny"}) == {"deny residual_unknown"}
	_third({"residual": 1}) == {"deny residual_unknown"}
	_with({"items": [_misuse, object.remove(_drift, ["residual"])]}) == {"deny residual_unknown"}
}

test_each_part_of_a_risk_is_asked_for if {
	every part in ["affected", "description", "impact", "likelihood", "owner", "treatment"] {
		file := object.union(_good, {"items": [_misuse, object.remove(_drift, [part])]})
		_said(file) == {"warn item_incomplete"}
		_found("item_incomplete", file) == {{"id": "R1", "lacking": [part]}}
		_third({part: " "}) == {"warn item_incomplete"}
	}
}

test_the_worst_file_decides if {
	facts := [fixtures.fact(_good), fixtures.fact(object.union(_good, {"items": [_drift]}))]
	found := srs_01.violation with input as object.union(fixtures.empty_request, {"evidence": {"risk_file": facts}})
	fixtures.said(found) == {"deny misuse_missing"}
}

test_age_can_be_tightened if {
	request := object.union(
		fixtures.request({}, "risk_file", _good),
		{"settings": {"thresholds": {"SRS-01": {"max_age_days": 364}}}},
	)
	found := srs_01.violation with input as request
	fixtures.said(found) == {"deny review_out_of_date"}
}
