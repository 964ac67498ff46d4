package qaqpa.malformed_test

import data.qaqpa.fixtures_test as fixtures
import data.qaqpa.malformed

_places(change) := places if {
	places := malformed.places with input as object.union(fixtures.empty_request, change)
}

test_sound_request if {
	_places({}) == set()
	_places({"evidence": {"x": [fixtures.fact({})]}}) == set()
	_places({"rejected": [{"code": "expired"}], "problems": [{"code": "gone"}]}) == set()
}

test_what_is_no_request if {
	every request in [null, 1, "text", [], {}] {
		places := malformed.places with input as request
		places == {
			"context", "evidence", "now", "settings", "subject", "problems", "profiles", "rejected", "stage",
			"now.seconds", "settings.thresholds",
		}
	}
}

test_objects if {
	every field in ["context", "evidence", "subject"] {
		_places({field: null}) == {field}
		_places({field: []}) == {field}
		_places({field: "text"}) == {field}
	}
}

test_arrays if {
	every field in ["problems", "profiles", "rejected"] {
		_places({field: null}) == {field}
		_places({field: "text"}) == {field}
	}
}

test_stage if {
	_places({"stage": "Production"}) == {"stage"}
	_places({"stage": "staging"}) == set()
	_places({"stage": "review"}) == set()
}

test_now if {
	_places({"now": {"seconds": "1795392000"}}) == {"now.seconds"}
	_places({"now": {"seconds": 1.5}}) == {"now.seconds"}
	_places({"now": null}) == {"now", "now.seconds"}
}

test_settings if {
	_places({"settings": null}) == {"settings", "settings.thresholds"}
	_places({"settings": {"thresholds": []}}) == {"settings.thresholds"}
	_places({"settings": {"thresholds": {"DOC-01": 5}}}) == {"settings/thresholds/DOC-01"}
}

test_facts if {
	_places({"evidence": {"x": fixtures.fact({})}}) == {"evidence.x"}
	_places({"evidence": {"x": "text"}}) == {"evidence.x"}
	_places({"evidence": {"x": [null]}}) == {"evidence.x"}
	every field, value in {"id": 1, "strength": "reproduced", "predicate": []} {
		_places({"evidence": {"x": [object.union(fixtures.fact({}), {field: value})]}}) == {"evidence.x"}
		_places({"evidence": {"x": [object.remove(fixtures.fact({}), [field])]}}) == {"evidence.x"}
	}
}

test_refusals_and_problems if {
	every field in ["problems", "rejected"] {
		_places({field: [1]}) == {field}
		_places({field: [{"detail": "x"}]}) == {field}
		_places({field: [{"code": 1}]}) == {field}
	}
}
