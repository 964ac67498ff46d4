package qaqpa.index_test

import data.qaqpa.findings
import data.qaqpa.fixtures_test as fixtures
import data.qaqpa.index

# A request for a profile that asks for every control.
_everything := object.union(fixtures.empty_request, {"profiles": ["all"]})

_all := {"all": {"controls": {control: {"severity": "deny"} | some control, _ in data.catalog}}}

_indexed := names if {
	names := object.keys(index.by_control) with input as _everything with data.profiles as _all
}

test_every_control_with_a_card_is_in_the_index if {
	_indexed == object.keys(data.catalog)
}

test_every_control_in_the_index_can_be_judged if {
	findings.judged == _indexed with input as _everything with data.profiles as _all
}

test_every_control_of_a_profile_is_in_the_index if {
	every name, profile in data.profiles {
		request := object.union(fixtures.empty_request, {"profiles": [name]})
		indexed := object.keys(index.by_control) with input as request
		indexed == object.keys(profile.controls)
	}
}

test_what_no_profile_asks_for_is_not_in_the_index if {
	request := object.union(fixtures.empty_request, {"profiles": []})
	index.by_control == {} with input as request
}

test_each_entry_is_under_its_own_name if {
	by_control := index.by_control with input as _everything with data.profiles as _all
	count(by_control) == count(data.catalog)
	every control, entry in by_control {
		entry.control == control
	}
}
