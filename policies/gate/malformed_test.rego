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
			"now.seconds", "as_of", "settings.raised", "settings.thresholds", "settings.separation_of_duties", "actor",
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

test_context if {
	_places({"context": {"eu_class": "minimal", "affects_rights": false, "jurisdictions": ["KZ"], "title": "t"}}) == set()
	every field in ["eu_class", "kz_risk", "kz_autonomy", "automation", "domain", "personal_data", "jurisdictions"] {
		every value in [null, 5, "", "HIGH_RISK", [], {}] {
			_places({"context": {field: value}}) == {concat(".", ["context", field])}
		}
	}
}

test_arrays if {
	every field in ["problems", "profiles", "rejected"] {
		_places({field: null}) == {field}
		_places({field: "text"}) == {field}
	}
}

test_as_of if {
	_places({"as_of": true}) == set()
	every value in [null, 0, "true", []] {
		_places({"as_of": value}) == {"as_of"}
	}
}

test_raised if {
	_places({"settings": object.union(fixtures.empty_request.settings, {"raised": ["X-01", "X-02/bad"]})}) == set()
	every value in [null, "X-01", {}, [1]] {
		_places({"settings": object.union(fixtures.empty_request.settings, {"raised": value})}) == {"settings.raised"}
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
	_places({"settings": null}) == {"settings", "settings.raised", "settings.separation_of_duties", "settings.thresholds"}
	_places({"settings": {"thresholds": []}}) == {"settings.thresholds"}
	_places({"settings": {"thresholds": {"DOC-01": 5}}}) == {"settings/thresholds/DOC-01"}
}

test_separation_of_duties if {
	every setting in ["off", "when_known", "required"] {
		_places({"settings": {"separation_of_duties": setting}}) == set()
	}
	every setting in ["on", "", null, false, true, ["off"], {}] {
		_places({"settings": {"separation_of_duties": setting}}) == {"settings.separation_of_duties"}
	}
}

test_actor if {
	_places({"actor": null}) == set()
	_places({"actor": "risk"}) == set()
	every actor in ["", false, true, 0, ["risk"], {"id": "risk"}] {
		_places({"actor": actor}) == {"actor"}
	}
	without := malformed.places with input as object.remove(fixtures.empty_request, ["actor"])
	without == {"actor"}
}

_fact_with(change) := _places({"evidence": {"x": [object.union(fixtures.fact({}), change)]}})

test_facts if {
	_places({"evidence": {"x": fixtures.fact({})}}) == {"evidence.x"}
	_places({"evidence": {"x": "text"}}) == {"evidence.x"}
	_places({"evidence": {"x": [null]}}) == {"evidence.x"}
	every field, value in {"id": 1, "strength": "reproduced", "predicate": [], "envelope": null, "signers": {}} {
		_fact_with({field: value}) == {"evidence.x"}
		_places({"evidence": {"x": [object.remove(fixtures.fact({}), [field])]}}) == {"evidence.x"}
	}
}

test_signers if {
	good := fixtures.signer("somebody")
	every field, wrong in {
		"id": ["", null, 1, ["x"]],
		"unit": [null, 1],
		"roles": [null, "auditor", [1], {"auditor": true}],
		"disciplines": [null, "law", [null], {"law"}],
		"independent": [null, "true", 1, 0, [true]],
	} {
		every value in wrong {
			_fact_with({"signers": [good, object.union(good, {field: value})]}) == {"evidence.x"}
		}
		_fact_with({"signers": [good, object.remove(good, [field])]}) == {"evidence.x"}
	}
	_fact_with({"signers": [good, null]}) == {"evidence.x"}
	_fact_with({"signers": [good, good]}) == set()
}

test_a_fact_is_as_strong_as_its_signers_make_it if {
	good := fixtures.signer("somebody")
	insider := object.union(good, {"independent": false})
	every strength in ["signed", "independent"] {
		_fact_with({"strength": strength, "signers": []}) == {"evidence.x"}
	}
	_fact_with({"strength": "signed", "signers": [insider]}) == set()
	_fact_with({"strength": "independent", "signers": [insider]}) == {"evidence.x"}
	_fact_with({"strength": "independent", "signers": [insider, good]}) == set()
	_fact_with({"strength": "declared", "signers": []}) == set()
	_fact_with({"strength": "declared", "signers": [good]}) == {"evidence.x"}
}

test_waivers if {
	good := object.union(fixtures.fact({"controls": ["X-01"]}), {"expires_at": fixtures.day(1)})
	_places({"evidence": {"waiver": [good]}}) == set()
	endless := object.remove(good, ["expires_at"])
	_places({"evidence": {"waiver": [endless]}}) == {"evidence.waiver"}
	every value in [null, "2027-01-01", {}, {"text": "t"}, {"text": "t", "seconds": "1"}, {"text": 1, "seconds": 1}] {
		_places({"evidence": {"waiver": [good, object.union(endless, {"expires_at": value})]}}) == {"evidence.waiver"}
	}
	every controls in [null, "X-01", {"X-01": true}] {
		_places({"evidence": {"waiver": [object.union(good, {"predicate": {"controls": controls}})]}}) == {"evidence.waiver"}
	}
	_places({"evidence": {"waiver": "text"}}) == {"evidence.waiver"}
}

test_refusals_and_problems if {
	every field in ["problems", "rejected"] {
		_places({field: [1]}) == {field}
		_places({field: [{"detail": "x"}]}) == {field}
		_places({field: [{"code": 1}]}) == {field}
	}
}
