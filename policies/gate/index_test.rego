package qaqpa.index_test

import data.qaqpa.findings
import data.qaqpa.fixtures_test as fixtures
import data.qaqpa.index

test_every_control_with_a_card_is_in_the_index if {
	object.keys(index.by_control) == object.keys(data.catalog) with input as fixtures.empty_request
}

test_every_control_in_the_index_can_be_judged if {
	findings.judged == object.keys(index.by_control) with input as fixtures.empty_request
}

test_every_control_of_a_profile_is_in_the_index if {
	indexed := object.keys(index.by_control) with input as fixtures.empty_request
	every _, profile in data.profiles {
		every control, _ in profile.controls {
			control in indexed
		}
	}
}

test_each_entry_is_under_its_own_name if {
	every control, entry in index.by_control {
		entry.control == control
	}
}
