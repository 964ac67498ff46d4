package qaqpa.controls.hov_02_test

import data.qaqpa.controls.hov_02
import data.qaqpa.fixtures_test as fixtures

_person := {
	"post": "Head of credit",
	"deputy": "Deputy head of credit",
	"authority": ["override", "stop"],
	"trained_on": fixtures.day(-365),
	"training_topics": ["automation_bias"],
}

_good := {
	"plan": fixtures.document,
	"persons": [_person],
	"caseload_per_person_per_day": 42,
	"min_review_minutes": 10,
	"literacy_register": fixtures.document,
}

_context := {"affects_rights": true, "kz_risk": "medium"}

_said(context, plan) := said if {
	found := hov_02.violation with input as fixtures.request(context, "oversight", plan)
	said := fixtures.said(found)
}

_with(change) := _said(_context, object.union(_good, change))

_without(field) := _said(_context, object.remove(_good, [field]))

_with_person(change) := _with({"persons": [_person, object.union(_person, change)]})

_without_in_person(field) := _with({"persons": [object.remove(_person, [field])]})

test_passes if {
	_said(_context, _good) == set()
	_said({"kz_risk": "high"}, _good) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	hov_02.not_applicable_because == {"affects_rights"} with input.context as fixtures.spares_rights
	hov_02.not_applicable_because == set() with input.context as {"affects_rights": true}
}

test_applies_with_an_empty_context if {
	hov_02.not_applicable_because == set() with input as fixtures.request({}, "oversight", _good)
	_said({}, object.union(_good, {"persons": []})) == {"deny persons_missing"}
}

test_persons if {
	_with({"persons": []}) == {"deny persons_missing"}
	_without("persons") == {"deny persons_missing"}
}

test_post if {
	_with_person({"post": " "}) == {"deny post_missing"}
	_without_in_person("post") == {"deny post_missing"}
}

test_authority if {
	_with_person({"authority": ["override"]}) == {"deny authority_lacking"}
	_with_person({"authority": ["stop", "escalate"]}) == {"deny authority_lacking"}
	_with_person({"authority": ["escalate", "override", "stop"]}) == set()
	_without_in_person("authority") == {"deny authority_lacking"}
}

test_training_date if {
	_with_person({"trained_on": fixtures.day(-366)}) == {"deny training_out_of_date"}
	_with_person({"trained_on": fixtures.day(1)}) == {"deny training_out_of_date"}
	_with_person({"trained_on": fixtures.day(0)}) == set()
	_without_in_person("trained_on") == {"deny training_out_of_date"}
}

test_training_topic if {
	_with_person({"training_topics": ["law"]}) == {"deny training_topic_missing"}
	_with_person({"training_topics": ["law", "automation_bias"]}) == set()
	_without_in_person("training_topics") == {"deny training_topic_missing"}
}

test_deputy_by_risk if {
	alone := object.union(_good, {"persons": [object.remove(_person, ["deputy"])]})
	_said({"kz_risk": "high"}, alone) == {"deny deputy_missing"}
	_said({}, alone) == {"deny deputy_missing"}
	_said({"kz_risk": "medium"}, alone) == {"warn deputy_missing"}
	_with_person({"deputy": " head of CREDIT "}) == {"warn deputy_missing"}
}

test_workload if {
	_with({"caseload_per_person_per_day": 43}) == {"warn workload_too_high"}
	_with({"min_review_minutes": 11}) == {"warn workload_too_high"}
	_with({"caseload_per_person_per_day": 420, "min_review_minutes": 1}) == set()
	_with({"caseload_per_person_per_day": 421, "min_review_minutes": 1}) == {"warn workload_too_high"}
}

test_workload_unknown if {
	_without("caseload_per_person_per_day") == {"warn workload_unknown"}
	_without("min_review_minutes") == {"warn workload_unknown"}
	_with({"min_review_minutes": 0}) == {"warn workload_unknown"}
	_with({"min_review_minutes": "10"}) == {"warn workload_unknown", "warn workload_too_high"}
}

test_literacy_register if _without("literacy_register") == {"warn literacy_register_missing"}

test_plan if _without("plan") == {"warn plan_missing"}

test_thresholds_can_be_tightened if {
	settings := {"HOV-02": {"training_max_age_days": 364, "max_minutes_day": 419}}
	request := object.union(
		fixtures.request(_context, "oversight", _good),
		{"settings": {"thresholds": settings}},
	)
	found := hov_02.violation with input as request
	fixtures.said(found) == {"deny training_out_of_date", "warn workload_too_high"}
}
