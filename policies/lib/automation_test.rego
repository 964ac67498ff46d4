package qaqpa.automation_test

import data.qaqpa.automation
import data.qaqpa.fixtures_test as fixtures

test_what_is_not_known_decides_alone if {
	every level in ["fully_automated", "nearly", "", null] {
		automation.decides_alone(level) with input as fixtures.request({}, "decision_flow", {})
	}
	every level in ["advisory", "human_in_the_loop"] {
		not automation.decides_alone(level) with input as fixtures.request({}, "decision_flow", {})
	}
}

test_evidence_that_nobody_decides if {
	every kind, predicate in {
		"decision_flow": {"automation_level": "fully_automated"},
		"automated_decision": {"person_can_change_result": false},
	} {
		automation.decides_alone("advisory") with input as fixtures.request({}, kind, predicate)
	}
	every kind, predicate in {
		"decision_flow": {"automation_level": "advisory"},
		"automated_decision": {"person_can_change_result": true},
	} {
		not automation.decides_alone("advisory") with input as fixtures.request({}, kind, predicate)
	}
}
