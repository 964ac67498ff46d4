package qaqpa.controls.hov_01_test

import data.qaqpa.controls.hov_01
import data.qaqpa.fixtures_test as fixtures

_good := {
	"automation_level": "human_in_the_loop",
	"diagram": fixtures.document,
	"final_decider_role": "Credit officer",
	"human_step_enforced_by": "workflow",
	"auto_finalisation_possible": false,
}

_context := {"significant_decision": true, "automation": "human_in_the_loop"}

_said(context, flow) := said if {
	found := hov_01.violation with input as fixtures.request(context, "decision_flow", flow)
	said := fixtures.said(found)
}

_with(change) := _said(_context, object.union(_good, change))

_without(field) := _said(_context, object.remove(_good, [field]))

test_passes if {
	_said(_context, _good) == set()
	_said({"automation": "advisory"}, object.union(_good, {"automation_level": "advisory"})) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	hov_01.not_applicable_because == {"significant_decision"} with input.context as {"significant_decision": false}
	hov_01.not_applicable_because == set() with input.context as {"significant_decision": true}
	hov_01.not_applicable_because == set() with input.context as {"significant_decision": "false"}
}

test_applies_with_an_empty_context if {
	hov_01.not_applicable_because == set() with input as fixtures.request({}, "decision_flow", _good)
	_said({}, _good) == set()
}

_both := {"deny fully_automated", "deny fully_automated_without_ground"}

test_fully_automated if {
	_said({}, object.union(_good, {"automation_level": "fully_automated"})) == _both
	_said({}, object.union(_good, {"automation_level": "something"})) == _both
	_said({}, object.remove(_good, ["automation_level"])) == _both
}

test_fully_automated_by_the_context_alone if {
	said := _said({"automation": "fully_automated"}, _good)
	said == _both | {"deny automation_differs"}
}

test_fully_automated_is_reported_without_what_only_a_person_could_do if {
	flow := {"automation_level": "fully_automated", "auto_finalisation_possible": true, "final_decider_role": ""}
	said := _said({"automation": "fully_automated"}, object.union(_good, flow))
	said == _both
}

_ground := {
	"kz_ground": "consent",
	"eu_ground": "contract",
	"person_can_change_result": true,
	"safeguards": ["human_intervention", "express_view", "contest"],
	"uses_special_category": false,
}

# The violations of a flow at a level, beside what is said about its ground.
_beside(level, grounds) := found if {
	flow := fixtures.fact(object.union(_good, {"automation_level": level}))
	request := object.union(
		fixtures.empty_request,
		{"context": {"automation": level}, "evidence": {"decision_flow": [flow], "automated_decision": grounds}},
	)
	found := hov_01.violation with input as request
}

test_a_ground_carries_a_fully_automated_flow if {
	fixtures.said(_beside("fully_automated", [fixtures.fact(_ground)])) == {"deny fully_automated"}
	fixtures.said(_beside("human_in_the_loop", [])) == set()
}

test_a_ground_that_fails_carries_nothing if {
	bad := fixtures.fact(object.union(_ground, {"kz_ground": "none"}))
	fixtures.said(_beside("fully_automated", [bad])) == _both
	fixtures.said(_beside("fully_automated", [fixtures.fact(_ground), bad])) == _both
	found := _beside("fully_automated", [bad])
	lacking := {violation.found.lacking | some violation in found; violation.code == "fully_automated_without_ground"}
	lacking == {["kz_no_ground"]}
}

test_a_ground_that_does_not_count_carries_nothing if {
	fixtures.said(_beside("fully_automated", [])) == _both
	fixtures.said(_beside("fully_automated", [fixtures.declared(_ground)])) == _both
	dependent := object.union(fixtures.fact(_ground), {"against_only": true})
	fixtures.said(_beside("fully_automated", [dependent])) == _both
}

test_no_ground_carries_a_level_that_nobody_knows if {
	found := _beside("something", [fixtures.fact(_ground)])
	fixtures.said(found) == _both
	lacking := {violation.found.lacking | some violation in found; violation.code == "fully_automated_without_ground"}
	lacking == {["level_unknown"]}
}

test_evidence_and_context_differ if _with({"automation_level": "advisory"}) == {"deny automation_differs"}

test_final_decider if {
	_with({"final_decider_role": "  "}) == {"deny final_decider_missing"}
	_without("final_decider_role") == {"deny final_decider_missing"}
	_with({"final_decider_role": "J"}) == set()
}

test_auto_finalisation if {
	_with({"auto_finalisation_possible": true}) == {"deny auto_finalisation_possible"}
	_without("auto_finalisation_possible") == {"deny auto_finalisation_possible"}
	advisory := object.union(_good, {"automation_level": "advisory", "auto_finalisation_possible": true})
	_said({}, advisory) == {"deny auto_finalisation_possible"}
}

test_human_step if {
	_with({"human_step_enforced_by": "policy_only"}) == {"warn human_step_not_enforced"}
	_without("human_step_enforced_by") == {"warn human_step_not_enforced"}
}

test_diagram if {
	_without("diagram") == {"warn diagram_missing"}
	_with({"diagram": {"sha256": ""}}) == {"warn diagram_missing"}
}

test_worst_of_several_facts_counts if {
	bad := object.union(fixtures.fact(object.union(_good, {"automation_level": "fully_automated"})), {"id": "e2"})
	request := object.union(fixtures.empty_request, {"evidence": {"decision_flow": [fixtures.fact(_good), bad]}})
	found := hov_01.violation with input as request
	{violation.evidence | some violation in found} == {"e2"}
}
