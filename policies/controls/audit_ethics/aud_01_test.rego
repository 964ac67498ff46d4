package qaqpa.controls.aud_01_test

import data.qaqpa.controls.aud_01
import data.qaqpa.fixtures_test as fixtures

_complete := {
	"report": fixtures.document,
	"auditor": "an auditing firm",
	"independent_of": ["operator", "developer", "owner"],
	"conflict_declarations": fixtures.document,
	"scope": ["data_library_quality_lawfulness", "prohibited_functions"],
	"conclusion": "positive",
	"issued_on": fixtures.day(-10),
	"valid_until": fixtures.day(300),
	"findings": [
		{"id": "F1", "severity": "critical", "status": "closed"},
		{"id": "F2", "severity": "medium", "status": "open"},
		{"id": "F3", "severity": "low", "status": "open"},
	],
}

_with(changes) := fixtures.request({}, "audit", object.union(_complete, changes))

_trained(moment) := object.union(_with({"issued_on": fixtures.day(-10)}), {"subject": {"trained_at": moment}})

_conditional(finding) := _with({
	"conclusion": "positive_with_conditions",
	"findings": [finding, {"id": "F9", "severity": "low", "status": "closed", "due": fixtures.day(-100)}],
})

test_pass if {
	count(aud_01.violation) == 0 with input as _with({})
}

test_pass_without_findings if {
	count(aud_01.violation) == 0 with input as _with({"findings": []})
}

test_does_not_apply_to_harmless_systems if {
	every risk in ["minimal", "medium"] {
		context := object.union(fixtures.spares_rights, {"kz_risk": risk})
		because := aud_01.not_applicable_because with input as fixtures.request(context, "audit", {})
		because == {"affects_rights", "kz_risk"}
	}
}

test_applies_elsewhere if {
	every context in [
		{},
		fixtures.spares_rights,
		{"kz_risk": "minimal"},
		object.union(fixtures.spares_rights, {"kz_risk": "high"}),
		{"affects_rights": true, "kz_risk": "minimal"},
	] {
		because := aud_01.not_applicable_because with input as fixtures.request(context, "audit", {})
		because == set()
	}
}

test_each_field_is_asked_for if {
	every field, code in {
		"conclusion": "deny conclusion_negative",
		"report": "deny report_missing",
		"auditor": "deny auditor_missing",
		"independent_of": "deny independence_not_declared",
		"conflict_declarations": "deny conflict_declarations_missing",
		"findings": "deny findings_missing",
		"valid_until": "deny validity_ended",
		"issued_on": "deny issued_out_of_date",
	} {
		found := aud_01.violation with input as fixtures.request({}, "audit", object.remove(_complete, [field]))
		fixtures.said(found) == {code}
	}
}

test_negative_conclusion if {
	found := aud_01.violation with input as _with({"conclusion": "negative"})
	fixtures.said(found) == {"deny conclusion_negative"}
}

test_auditor_is_independent_of_both if {
	every declared, lacking in {"developer": ["operator"], "operator": ["developer"]} {
		found := aud_01.violation with input as _with({"independent_of": [declared]})
		fixtures.said(found) == {"deny independence_not_declared"}
		{violation.found | some violation in found} == {lacking}
	}
}

test_last_day_of_validity if {
	count(aud_01.violation) == 0 with input as _with({"valid_until": fixtures.day(0)})
}

test_day_after_validity if {
	found := aud_01.violation with input as _with({"valid_until": fixtures.day(-1)})
	fixtures.said(found) == {"deny validity_ended"}
}

test_issued_at_most_a_year_ago if {
	every days in [0, -365] {
		found := aud_01.violation with input as _with({"issued_on": fixtures.day(days)})
		found == set()
	}
}

test_issued_earlier_or_in_future if {
	every days in [1, -366] {
		found := aud_01.violation with input as _with({"issued_on": fixtures.day(days)})
		fixtures.said(found) == {"deny issued_out_of_date"}
	}
}

test_serious_finding_open if {
	every severity in ["critical", "high", "unheard of"] {
		finding := {"id": "F1", "severity": severity, "status": "open"}
		found := aud_01.violation with input as _with({"findings": [finding]})
		fixtures.said(found) == {"deny serious_finding_open"}
		{violation.found | some violation in found} == {{"id": "F1", "severity": severity}}
	}
}

test_finding_without_status_and_severity_is_open_and_serious if {
	found := aud_01.violation with input as _with({"findings": [{}]})
	fixtures.said(found) == {"deny serious_finding_open"}
}

test_conditions_warn_until_they_are_due if {
	every days in [0, 1] {
		finding := {"id": "F1", "severity": "low", "status": "open", "due": fixtures.day(days)}
		found := aud_01.violation with input as _conditional(finding)
		fixtures.said(found) == {"warn conclusion_conditional"}
	}
}

test_conditions_without_open_findings_warn if {
	found := aud_01.violation with input as _conditional({"id": "F1", "severity": "high", "status": "closed"})
	fixtures.said(found) == {"warn conclusion_conditional"}
}

test_condition_overdue if {
	due := fixtures.day(-1)
	finding := {"id": "F1", "severity": "low", "status": "open", "due": due}
	found := aud_01.violation with input as _conditional(finding)
	fixtures.said(found) == {"deny condition_overdue"}
	{violation.found | some violation in found} == {{"id": "F1", "due": due.text}}
}

test_condition_without_due if {
	found := aud_01.violation with input as _conditional({"id": "F1", "severity": "low", "status": "open"})
	fixtures.said(found) == {"deny condition_without_due"}
}

test_scope_missing if {
	elsewhere := {"jurisdictions": ["EU"]}
	found := aud_01.violation with input as fixtures.request(elsewhere, "audit", object.remove(_complete, ["scope"]))
	fixtures.said(found) == {"warn scope_missing"}
}

test_scope_in_kazakhstan if {
	every context in [{}, {"jurisdictions": ["KZ"]}, {"jurisdictions": ["EU", "KZ"]}, {"jurisdictions": []}] {
		audit := object.union(_complete, {"scope": ["prohibited_functions", "security"]})
		found := aud_01.violation with input as fixtures.request(context, "audit", audit)
		fixtures.said(found) == {"deny kz_scope_lacking"}
		{violation.found | some violation in found} == {["data_library_quality_lawfulness"]}
	}
}

test_no_scope_in_kazakhstan if {
	every scope in [[], "prohibited_functions", null] {
		found := aud_01.violation with input as _with({"scope": scope})
		fixtures.said(found) == {"warn scope_missing", "deny kz_scope_lacking"}
		["data_library_quality_lawfulness", "prohibited_functions"] in {violation.found | some violation in found}
	}
}

test_other_scope_elsewhere if {
	audit := object.union(_complete, {"scope": ["security"]})
	count(aud_01.violation) == 0 with input as fixtures.request({"jurisdictions": ["EU", "OTHER"]}, "audit", audit)
}

test_a_tighter_age_counts if {
	asked := object.union(_with({}), {"settings": {"thresholds": {"AUD-01": {"max_age_days": 9}}}})
	found := aud_01.violation with input as asked
	fixtures.said(found) == {"deny issued_out_of_date"}
}

test_the_worst_audit_decides if {
	facts := [fixtures.fact(_complete), fixtures.fact(object.union(_complete, {"conclusion": "negative"}))]
	found := aud_01.violation with input as object.union(fixtures.empty_request, {"evidence": {"audit": facts}})
	fixtures.said(found) == {"deny conclusion_negative"}
}

test_trained_by_the_end_of_the_day_of_the_audit if {
	every moment in [null, fixtures.day(-11), fixtures.day(-10), {"text": "t", "seconds": fixtures.day(-9).seconds - 1}] {
		found := aud_01.violation with input as _trained(moment)
		found == set()
	}
}

test_trained_the_day_after_the_audit if {
	found := aud_01.violation with input as _trained(fixtures.day(-9))
	fixtures.said(found) == {"deny issued_before_training"}
	{[violation.found, violation.required] | some violation in found} == {[fixtures.day(-10).text, fixtures.day(-9).text]}
}

test_every_code_has_a_text if {
	empty := aud_01.violation with input as fixtures.request({}, "audit", {})
	conditional := aud_01.violation with input as _conditional({"id": "F1", "severity": "high", "status": "closed"})
	unmet := aud_01.violation with input as _with({
		"conclusion": "positive_with_conditions",
		"findings": [
			{"id": "F1", "severity": "high", "status": "open", "due": fixtures.day(-1)},
			{"id": "F2", "severity": "low", "status": "open"},
		],
	})
	early := aud_01.violation with input as _trained(fixtures.now)
	texts := object.keys(data.catalog["AUD-01"].texts.en.violations)
	{violation.code | some violation in (((empty | conditional) | unmet) | early)} == texts
}
