package qaqpa.controls.srs_03_test

import data.qaqpa.controls.srs_03
import data.qaqpa.fixtures_test as fixtures

_threats := ["adversarial_examples", "confidentiality_attacks", "data_poisoning", "model_flaws", "model_poisoning"]

_good := {
	"assessment": fixtures.document,
	"assessed_on": fixtures.day(-365),
	"open_vulnerabilities": {"critical": 0, "high": 0},
	"threats_covered": _threats,
	"sbom": fixtures.document,
	"artifact_signed": true,
	"critical_object": false,
	"state_resource": false,
}

_low_risk := {"kz_risk": "medium", "eu_class": "minimal"}

_found(context, record) := found if {
	found := srs_03.violation with input as fixtures.request(context, "security", record)
}

_said(context, record) := fixtures.said(_found(context, record))

_with(change) := _said({}, object.union(_good, change))

_without(field) := _said({}, object.remove(_good, [field]))

_counted(context, counts) := _said(context, object.union(
	object.remove(_good, ["open_vulnerabilities"]),
	{"open_vulnerabilities": counts},
))

test_passes if {
	_said({}, _good) == set()
	_said(_low_risk, _good) == set()
}

test_applies_to_every_system if {
	srs_03.not_applicable_because == set() with input as fixtures.empty_request
	srs_03.not_applicable_because == set() with input as fixtures.request(_low_risk, "security", {})
}

test_applies_with_an_empty_context_and_an_empty_record if {
	_said({}, {}) == {
		"deny assessed_out_of_date",
		"warn assessment_missing",
		"deny vulnerabilities_uncounted",
		"deny artifact_unsigned",
		"warn sbom_missing",
		"deny kz_state_act_missing",
		"deny eu_threats_uncovered",
	}
}

test_date if {
	_with({"assessed_on": fixtures.day(0)}) == set()
	_with({"assessed_on": fixtures.day(1)}) == {"deny assessed_out_of_date"}
	_with({"assessed_on": fixtures.day(-366)}) == {"deny assessed_out_of_date"}
	_without("assessed_on") == {"deny assessed_out_of_date"}
}

test_documents if {
	_without("assessment") == {"warn assessment_missing"}
	_without("sbom") == {"warn sbom_missing"}
	_with({"sbom": {"uri": "https://example.org/sbom", "sha256": ""}}) == {"warn sbom_missing"}
}

test_critical_vulnerabilities_deny_at_every_risk if {
	every context in [{}, _low_risk] {
		_counted(context, {"critical": 1, "high": 0}) == {"deny critical_vulnerability_open"}
	}
}

test_high_vulnerabilities_by_risk if {
	_counted({}, {"critical": 0, "high": 1}) == {"deny high_vulnerability_open"}
	_counted({"kz_risk": "high", "eu_class": "minimal"}, {"critical": 0, "high": 1}) == {"deny high_vulnerability_open"}
	_counted(_low_risk, {"critical": 0, "high": 1}) == {"warn high_vulnerability_open"}
}

test_vulnerabilities_that_nobody_counted if {
	_without("open_vulnerabilities") == {"deny vulnerabilities_uncounted"}
	every counts in [{"critical": 0}, {"high": 0}, {"critical": "0", "high": 0}, {"critical": 0, "high": null}, ""] {
		_counted(_low_risk, counts) == {"deny vulnerabilities_uncounted"}
	}
	found := _found({}, object.union(_good, {"open_vulnerabilities": "none"}))
	{violation.found | some violation in found} == {["critical", "high"]}
}

test_signature if {
	_with({"artifact_signed": false}) == {"deny artifact_unsigned"}
	_with({"artifact_signed": "true"}) == {"deny artifact_unsigned"}
	_without("artifact_signed") == {"deny artifact_unsigned"}
}

_act := "kz_state_act_missing"

_both := ["critical_object", "state_resource"]

_grounds(context, change) := {[violation.level, violation.code, violation.found] |
	some violation in _found(context, object.union(object.remove(_good, _both), change))
}

test_act_for_systems_of_high_risk_in_kazakhstan if {
	none := {"critical_object": false, "state_resource": false}
	_grounds({}, none) == set()
	_grounds({}, object.union(none, {"critical_object": true})) == {["deny", _act, ["critical_object"]]}
	_grounds({}, object.union(none, {"state_resource": true})) == {["deny", _act, ["state_resource"]]}
	_grounds({}, {"critical_object": true, "state_resource": true, "kz_state_act": fixtures.document}) == set()
	_grounds({"kz_risk": "high", "jurisdictions": ["EU"]}, {}) == set()
	_grounds({"kz_risk": "high", "jurisdictions": ["EU", "KZ"]}, {}) == {["deny", _act, _both]}
}

test_a_ground_that_nobody_ruled_out_counts_at_high_risk if {
	_grounds({}, {"state_resource": false}) == {["deny", _act, ["critical_object"]]}
	_grounds({}, {"critical_object": false}) == {["deny", _act, ["state_resource"]]}
	_grounds({}, {"critical_object": "no", "state_resource": null}) == {["deny", _act, _both]}
}

test_act_below_high_risk_in_kazakhstan if {
	_grounds(_low_risk, {}) == set()
	_grounds(_low_risk, {"critical_object": "yes"}) == set()
	_grounds(_low_risk, {"critical_object": true}) == {["warn", _act, ["critical_object"]]}
	_grounds({"kz_risk": "minimal"}, {"state_resource": true}) == {["warn", _act, ["state_resource"]]}
}

_lacks(context, threats) := {[violation.level, violation.code, violation.found] |
	some violation in _found(context, object.union(_good, {"threats_covered": threats}))
}

test_threats_for_systems_of_high_risk_in_the_eu if {
	code := "eu_threats_uncovered"
	every threat in _threats {
		others := [other | some other in _threats; other != threat]
		_lacks({}, others) == {["deny", code, [threat]]}
	}
	every class in ["high_risk_annex_i", "high_risk_annex_iii", "prohibited"] {
		_lacks({"eu_class": class, "kz_risk": "minimal"}, []) == {["deny", code, _threats]}
	}
	_lacks({}, array.concat(["theft"], _threats)) == set()
	_without("threats_covered") == {"deny eu_threats_uncovered"}
}

test_no_threats_are_asked_for_elsewhere if {
	every context in [{"eu_class": "minimal"}, {"eu_class": "transparency"}, {"jurisdictions": ["KZ", "OTHER"]}] {
		_lacks(context, []) == set()
	}
}

test_the_worst_assessment_decides if {
	facts := [fixtures.fact(_good), fixtures.fact(object.union(_good, {"artifact_signed": false}))]
	found := srs_03.violation with input as object.union(fixtures.empty_request, {"evidence": {"security": facts}})
	fixtures.said(found) == {"deny artifact_unsigned"}
}

test_age_can_be_tightened if {
	request := object.union(
		fixtures.request({}, "security", _good),
		{"settings": {"thresholds": {"SRS-03": {"max_age_days": 364}}}},
	)
	found := srs_03.violation with input as request
	fixtures.said(found) == {"deny assessed_out_of_date"}
}
