package qaqpa.controls.hov_03_test

import data.qaqpa.controls.hov_03
import data.qaqpa.fixtures_test as fixtures

_drill := {"on": fixtures.day(-180), "result": "pass", "minutes_to_stop": 15}

_good := {
	"override_supported": true,
	"stop_supported": true,
	"fallback_procedure": fixtures.document,
	"drill": _drill,
	"rollback_to": "credit version 6",
}

_said(record) := _said_of([record])

_said_of(records) := said if {
	facts := [fixtures.fact(record) | some record in records]
	request := object.union(fixtures.empty_request, {"evidence": {"intervention": facts}})
	said := fixtures.said(hov_03.violation) with input as request
}

_with(change) := _said(object.union(_good, change))

_without(field) := _said(object.remove(_good, [field]))

_with_drill(change) := _with({"drill": object.union(_drill, change)})

_without_in_drill(field) := _said(object.union(
	object.remove(_good, ["drill"]),
	{"drill": object.remove(_drill, [field])},
))

_because(context) := because if {
	because := hov_03.not_applicable_because with input as fixtures.request(context, "intervention", _good)
}

test_passes if _said(_good) == set()

test_not_applicable_only_when_the_context_says_so if {
	_because(object.union(fixtures.spares_rights, {"kz_risk": "minimal"})) == {"affects_rights", "kz_risk"}
}

test_applies_elsewhere if {
	every context in [
		{},
		fixtures.spares_rights,
		{"kz_risk": "minimal"},
		{"affects_rights": true, "kz_risk": "minimal"},
		object.union(fixtures.spares_rights, {"kz_risk": "medium"}),
		object.union(fixtures.spares_rights, {"kz_risk": "high"}),
		{"affects_rights": "false", "kz_risk": "none"},
	] {
		_because(context) == set()
	}
}

test_nothing_is_found_without_evidence if {
	hov_03.violation == set() with input as fixtures.empty_request
}

test_override_and_stop if {
	every field, code in {"override_supported": "deny override_unsupported", "stop_supported": "deny stop_unsupported"} {
		_without(field) == {code}
		every value in [false, "true", null] {
			_with({field: value}) == {code}
		}
	}
}

test_fallback if {
	_without("fallback_procedure") == {"deny fallback_missing"}
	_said(object.union(
		object.remove(_good, ["fallback_procedure"]),
		{"fallback_procedure": {"uri": "https://example.org"}},
	)) == {"deny fallback_missing"}
}

test_result_of_the_drill if {
	_with_drill({"result": "fail"}) == {"deny drill_failed"}
	_with_drill({"result": "passed"}) == {"deny drill_failed"}
	_without_in_drill("result") == {"deny drill_failed"}
}

test_day_of_the_drill if {
	_with_drill({"on": fixtures.day(-181)}) == {"deny drill_out_of_date"}
	_with_drill({"on": fixtures.day(1)}) == {"deny drill_out_of_date"}
	_with_drill({"on": fixtures.day(0)}) == set()
	_without_in_drill("on") == {"deny drill_out_of_date"}
}

test_without_a_drill if {
	_without("drill") == {"deny drill_failed", "deny drill_out_of_date", "warn stop_time_unknown"}
	_with({"drill": "yes"}) == {"deny drill_failed", "deny drill_out_of_date", "warn stop_time_unknown"}
}

test_drill_before_training if {
	_trained(-180, _good) == set()
	_trained(-179, _good) == {"warn drill_before_training"}
	_trained(-179, object.remove(_good, ["drill"])) == {
		"deny drill_failed",
		"deny drill_out_of_date",
		"warn stop_time_unknown",
	}
}

_trained(day, record) := said if {
	request := object.union(
		fixtures.request({}, "intervention", record),
		{"subject": {"trained_at": fixtures.day(day)}},
	)
	said := fixtures.said(hov_03.violation) with input as request
}

test_time_to_stop if {
	_with_drill({"minutes_to_stop": 16}) == {"warn stop_slow"}
	_with_drill({"minutes_to_stop": 0}) == set()
	_with_drill({"minutes_to_stop": "15"}) == {"warn stop_time_unknown"}
	_without_in_drill("minutes_to_stop") == {"warn stop_time_unknown"}
}

test_rollback if {
	_without("rollback_to") == {"warn rollback_missing"}
	_with({"rollback_to": " "}) == {"warn rollback_missing"}
}

test_thresholds_can_be_tightened if {
	settings := {"HOV-03": {"drill_max_age_days": 179, "minutes_to_stop": 14}}
	request := object.union(
		fixtures.request({}, "intervention", _good),
		{"settings": {"thresholds": settings}},
	)
	found := hov_03.violation with input as request
	fixtures.said(found) == {"deny drill_out_of_date", "warn stop_slow"}
}

test_the_worst_record_counts if {
	slow := object.union(_good, {"drill": object.union(_drill, {"minutes_to_stop": 90})})
	_said_of([_good, object.union(_good, {"stop_supported": false}), slow]) == {
		"deny stop_unsupported",
		"warn stop_slow",
	}
}

test_every_code_has_a_text if {
	late := object.union(_good, {"drill": {"on": fixtures.day(-400), "result": "pass", "minutes_to_stop": 90}})
	facts := [fixtures.fact(record) | some record in [{}, late]]
	request := object.union(fixtures.empty_request, {
		"subject": {"trained_at": fixtures.day(0)},
		"evidence": {"intervention": facts},
	})
	found := hov_03.violation with input as request
	texts := object.keys(data.catalog["HOV-03"].texts.en.violations)
	{violation.code | some violation in found} == texts
}
