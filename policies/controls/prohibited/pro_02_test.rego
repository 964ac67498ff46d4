package qaqpa.controls.pro_02_test

import data.qaqpa.controls.pro_02
import data.qaqpa.fixtures_test as fixtures

_points := ["a", "b", "c", "d", "e", "f", "g", "h", "ba", "bb"]

_answers := [{"point": point, "answer": "no"} | some point in _points]

_good := {"items": _answers, "screened_by": "A lawyer", "screened_on": fixtures.day(-365)}

_context := {"jurisdictions": ["EU"]}

_said(screen) := said if {
	found := pro_02.violation with input as fixtures.request(_context, "eu_screen", screen)
	said := fixtures.said(found)
}

_with(change) := _said(object.union(_good, change))

_without(field) := _said(object.remove(_good, [field]))

# What is said when the answer on one point is another one.
_with_answer(entry) := _with({"items": array.concat([entry], others)}) if {
	others := [given | some given in _answers; given.point != entry.point]
}

test_passes if _said(_good) == set()

test_not_applicable_only_when_the_context_says_so if {
	pro_02.not_applicable_because == {"jurisdictions"} with input.context as {"jurisdictions": ["KZ"]}
	pro_02.not_applicable_because == set() with input.context as {"jurisdictions": ["EU", "KZ"]}
	pro_02.not_applicable_because == set() with input.context as {"jurisdictions": "KZ"}
}

test_applies_with_an_empty_context if {
	pro_02.not_applicable_because == set() with input as fixtures.request({}, "eu_screen", _good)
	found := pro_02.violation with input as fixtures.request({}, "eu_screen", {})
	fixtures.said(found) == {
		"deny ba_bb_missing",
		"deny point_missing",
		"deny screen_out_of_date",
		"warn screener_missing",
	}
}

test_every_point_has_an_answer if {
	_with({"items": array.slice(_answers, 1, 10)}) == {"deny point_missing"}
	_with({"items": array.slice(_answers, 0, 9)}) == {"deny ba_bb_missing"}
	_with({"items": array.slice(_answers, 0, 8)}) == {"deny ba_bb_missing"}
	_with_answer({"point": "a", "answer": "perhaps"}) == {"deny point_missing"}
	_with_answer({"point": "a"}) == {"deny point_missing"}
	_with_answer({"point": "bb", "answer": "perhaps"}) == {"deny ba_bb_missing"}
	_with({"items": "no"}) == {"deny point_missing", "deny ba_bb_missing"}
	_without("items") == {"deny point_missing", "deny ba_bb_missing"}
}

test_a_practice_that_is_there if {
	every point in array.slice(_points, 0, 8) {
		_with_answer({"point": point, "answer": "yes"}) == {"deny practice_prohibited"}
	}
	_with({"items": array.concat(_answers, [{"point": "a", "answer": "yes"}])}) == {"deny practice_prohibited"}
	_with({"items": array.concat(_answers, [{"point": "z", "answer": "yes"}])}) == {"deny practice_prohibited"}
}

test_a_later_practice_that_is_there if {
	_with_answer({"point": "ba", "answer": "yes"}) == {"deny ba_bb_prohibited"}
	_with_answer({"point": "bb", "answer": "yes"}) == {"deny ba_bb_prohibited"}
}

test_exceptions if {
	every point in ["f", "h"] {
		_with_answer({"point": point, "answer": "exception", "reason": "A medical device"}) == set()
		_with_answer({"point": point, "answer": "exception", "reason": " "}) == {"deny exception_without_reason"}
		_with_answer({"point": point, "answer": "exception"}) == {"deny exception_without_reason"}
	}
	every point in ["a", "b", "c", "d", "e", "g"] {
		_with_answer({"point": point, "answer": "exception", "reason": "Why not"}) == {"deny exception_not_possible"}
	}
	every point in ["ba", "bb"] {
		_with_answer({"point": point, "answer": "exception", "reason": "Art"}) == {"deny ba_bb_exception_not_possible"}
	}
}

test_a_class_that_is_prohibited_cannot_be_screened_away if {
	every places in [["EU"], ["KZ"], ["OTHER"]] {
		request := fixtures.request({"jurisdictions": places, "eu_class": "prohibited"}, "eu_screen", _good)
		pro_02.not_applicable_because == set() with input as request
		found := pro_02.violation with input as request
		fixtures.said(found) == {"deny eu_class_prohibited"}
	}
	every class in ["high_risk_annex_i", "high_risk_annex_iii", "minimal", "unheard"] {
		request := fixtures.request({"jurisdictions": ["EU"], "eu_class": class}, "eu_screen", _good)
		found := pro_02.violation with input as request
		fixtures.said(found) == set()
	}
}

test_a_classification_that_says_prohibited_counts_too if {
	every class, expected in {"prohibited": {"deny eu_class_prohibited"}, "minimal": set()} {
		request := object.union(fixtures.empty_request, {
			"context": {"jurisdictions": ["EU"], "eu_class": "minimal"},
			"evidence": {
				"eu_screen": [fixtures.fact(_good)],
				"classification": [fixtures.fact({"eu_class": class})],
			},
		})
		found := pro_02.violation with input as request
		fixtures.said(found) == expected
	}
}

test_screener if {
	_with({"screened_by": " "}) == {"warn screener_missing"}
	_without("screened_by") == {"warn screener_missing"}
}

test_date if {
	_with({"screened_on": fixtures.day(-366)}) == {"deny screen_out_of_date"}
	_with({"screened_on": fixtures.day(1)}) == {"deny screen_out_of_date"}
	_with({"screened_on": fixtures.day(0)}) == set()
	_without("screened_on") == {"deny screen_out_of_date"}
}

test_threshold_can_be_tightened if {
	settings := {"thresholds": {"PRO-02": {"max_age_days": 364}}}
	request := object.union(fixtures.request(_context, "eu_screen", _good), {"settings": settings})
	found := pro_02.violation with input as request
	fixtures.said(found) == {"deny screen_out_of_date"}
}

test_worst_of_several_facts_counts if {
	bad := object.union(fixtures.fact(object.remove(_good, ["screened_by"])), {"id": "e2"})
	request := object.union(
		fixtures.empty_request,
		{"context": _context, "evidence": {"eu_screen": [fixtures.fact(_good), bad]}},
	)
	found := pro_02.violation with input as request
	{violation.evidence | some violation in found} == {"e2"}
}
