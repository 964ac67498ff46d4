package qaqpa.automation_test

import data.qaqpa.automation
import data.qaqpa.fixtures_test as fixtures

_with_a_person := {"automation": "human_in_the_loop"}

test_what_is_not_known_decides_alone if {
	automation.decides_alone with input as fixtures.request({}, "decision_flow", {})
	automation.decides_alone with input as fixtures.request({"automation": "nearly"}, "decision_flow", {})
	not automation.decides_alone with input as fixtures.request(_with_a_person, "decision_flow", {})
	not automation.decides_alone with input as fixtures.request({"automation": "advisory"}, "decision_flow", {})
}

test_evidence_that_nobody_decides if {
	every kind, predicate in {
		"decision_flow": {"automation_level": "fully_automated"},
		"automated_decision": {"person_can_change_result": false},
	} {
		automation.decides_alone with input as fixtures.request(_with_a_person, kind, predicate)
	}
	every kind, predicate in {
		"decision_flow": {"automation_level": "advisory"},
		"automated_decision": {"person_can_change_result": true},
	} {
		not automation.decides_alone with input as fixtures.request(_with_a_person, kind, predicate)
	}
}
