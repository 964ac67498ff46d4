package qaqpa.controls.aud_03_test

import data.qaqpa.controls.aud_03
import data.qaqpa.fixtures_test as fixtures

_complete := {
	"standard": {"id": "AI ethics charter", "version": "2", "adopted_on": fixtures.day(-400)},
	"assessment": fixtures.document,
	"result": "conforms",
	"assessor": "a.person",
	"assessed_on": fixtures.day(-10),
}

_with(changes) := fixtures.request({}, "ethics_assessment", object.union(_complete, changes))

_trained(moment, changes) := object.union(_with(changes), {"subject": {"trained_at": moment}})

test_pass if {
	count(aud_03.violation) == 0 with input as _with({})
}

test_does_not_apply_to_harmless_systems if {
	context := object.union(fixtures.spares_rights, {"kz_risk": "minimal"})
	because := aud_03.not_applicable_because with input as fixtures.request(context, "ethics_assessment", {})
	because == {"affects_rights", "kz_risk"}
}

test_applies_elsewhere if {
	every context in [
		{},
		fixtures.spares_rights,
		{"kz_risk": "minimal"},
		object.union(fixtures.spares_rights, {"kz_risk": "medium"}),
		{"affects_rights": true, "kz_risk": "minimal"},
	] {
		because := aud_03.not_applicable_because with input as fixtures.request(context, "ethics_assessment", {})
		because == set()
	}
}

test_each_field_is_asked_for if {
	every field, code in {
		"standard": "deny standard_missing",
		"assessment": "deny assessment_missing",
		"assessor": "deny assessor_missing",
		"result": "deny result_negative",
		"assessed_on": "deny assessed_out_of_date",
	} {
		record := object.remove(_complete, [field])
		found := aud_03.violation with input as fixtures.request({}, "ethics_assessment", record)
		fixtures.said(found) == {code}
	}
}

test_standard_adopted_on_the_day_of_the_decision if {
	count(aud_03.violation) == 0 with input as _with({"standard": {"adopted_on": fixtures.day(0)}})
}

test_standard_without_name_or_version if {
	every field in ["id", "version"] {
		found := aud_03.violation with input as _with({"standard": {field: " "}})
		fixtures.said(found) == {"deny standard_missing"}
	}
}

test_standard_not_yet_adopted if {
	found := aud_03.violation with input as _with({"standard": {"adopted_on": fixtures.day(1)}})
	fixtures.said(found) == {"deny standard_not_adopted"}
}

test_result_negative if {
	found := aud_03.violation with input as _with({"result": "does_not_conform"})
	fixtures.said(found) == {"deny result_negative"}
}

test_result_conditional_warns if {
	found := aud_03.violation with input as _with({"result": "conforms_with_conditions"})
	fixtures.said(found) == {"warn result_conditional"}
}

test_assessed_at_most_a_year_ago if {
	every days in [0, -365] {
		found := aud_03.violation with input as _with({"assessed_on": fixtures.day(days)})
		found == set()
	}
}

test_assessed_earlier_or_in_future if {
	every days in [1, -366] {
		found := aud_03.violation with input as _with({"assessed_on": fixtures.day(days)})
		fixtures.said(found) == {"deny assessed_out_of_date"}
	}
}

test_a_tighter_age_counts if {
	asked := object.union(_with({}), {"settings": {"thresholds": {"AUD-03": {"max_age_days": 9}}}})
	found := aud_03.violation with input as asked
	fixtures.said(found) == {"deny assessed_out_of_date"}
}

test_the_worst_assessment_decides if {
	facts := [fixtures.fact(_complete), fixtures.fact(object.union(_complete, {"result": "does_not_conform"}))]
	asked := object.union(fixtures.empty_request, {"evidence": {"ethics_assessment": facts}})
	found := aud_03.violation with input as asked
	fixtures.said(found) == {"deny result_negative"}
}

test_trained_by_the_end_of_the_day_of_the_assessment if {
	every moment in [fixtures.day(-11), fixtures.day(-10), {"text": "t", "seconds": fixtures.day(-9).seconds - 1}] {
		found := aud_03.violation with input as _trained(moment, {})
		found == set()
	}
}

test_trained_the_day_after_the_assessment if {
	found := aud_03.violation with input as _trained(fixtures.day(-9), {"covers_retraining": " "})
	fixtures.said(found) == {"deny assessed_before_training"}
}

test_unreadable_day_of_training_denies if {
	found := aud_03.violation with input as _trained("yesterday", {})
	fixtures.said(found) == {"deny assessed_before_training"}
}

test_assessment_that_covers_retraining if {
	changes := {"covers_retraining": "The same features and population."}
	count(aud_03.violation) == 0 with input as _trained(fixtures.day(-9), changes)
}

test_every_code_has_a_text if {
	empty := aud_03.violation with input as fixtures.request({}, "ethics_assessment", {})
	bad := aud_03.violation with input as _trained(fixtures.day(0), {
		"standard": {"adopted_on": fixtures.day(1)},
		"result": "conforms_with_conditions",
	})
	texts := object.keys(data.catalog["AUD-03"].texts.en.violations)
	{violation.code | some violation in (empty | bad)} == texts
}
