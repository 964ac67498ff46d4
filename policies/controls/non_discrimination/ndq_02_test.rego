package qaqpa.controls.ndq_02_test

import data.qaqpa.controls.ndq_02
import data.qaqpa.fixtures_test as fixtures

_profiles := {"p": {"controls": {"NDQ-02": {"parameters": {"attributes": ["sex", "age"]}}}}}

# 1000 persons, half of them truly positive.
_group(attribute, name, change) := object.union(
	{
		"attribute": attribute,
		"group": name,
		"n": 1000,
		"selected": 500,
		"positives": 500,
		"false_negatives": 50,
		"negatives": 500,
		"false_positives": 50,
	},
	change,
)

_good := {
	"report": fixtures.document,
	"tested_on": fixtures.day(-180),
	"groups": [_group("sex", "women", {}), _group("sex", "men", {})],
	"attributes_excluded": [{"attribute": "age", "reason": "Not recorded."}],
}

_justification := {"mitigation": fixtures.document, "threshold_justification": "Two cohorts of different years."}

_violations(test) := found if {
	request := object.union(fixtures.request({"affects_rights": true}, "bias", test), {"profiles": ["p"]})
	found := ndq_02.violation with input as request with data.profiles as _profiles
}

_said(test) := fixtures.said(_violations(test))

_with(change) := _said(object.union(_good, change))

_without(field) := _said(object.remove(_good, [field]))

# What is said of women beside men of whom 500 in 1000 are selected, 50 of 500 wrongly not, and 50 of 500 wrongly so.
_women(change) := _with({"groups": [_group("sex", "women", change), _group("sex", "men", {})]})

test_passes if _said(_good) == set()

test_not_applicable_only_when_the_context_says_so if {
	ndq_02.not_applicable_because == {"affects_rights"} with input.context as fixtures.spares_rights
	ndq_02.not_applicable_because == set() with input.context as {"affects_rights": true}
}

test_applies_with_an_empty_context if {
	ndq_02.not_applicable_because == set() with input as fixtures.request({}, "bias", _good)
	found := ndq_02.violation with input as fixtures.request({}, "bias", _good)
	"deny attribute_untested" in fixtures.said(found)
}

test_report if _without("report") == {"deny report_missing"}

test_date if {
	_with({"tested_on": fixtures.day(0)}) == set()
	_with({"tested_on": fixtures.day(1)}) == {"deny test_out_of_date"}
	_with({"tested_on": fixtures.day(-181)}) == {"deny test_out_of_date"}
	_without("tested_on") == {"deny test_out_of_date"}
}

_trained(moment) := found if {
	test := object.union(_good, {"tested_on": fixtures.day(-10)})
	request := object.union(
		fixtures.request({}, "bias", test),
		{"profiles": ["p"], "subject": {"trained_at": moment}},
	)
	found := ndq_02.violation with input as request with data.profiles as _profiles
}

test_trained_by_the_end_of_the_day_of_the_test if {
	every moment in [null, fixtures.day(-11), fixtures.day(-10), {"text": "t", "seconds": fixtures.day(-9).seconds - 1}] {
		_trained(moment) == set()
	}
}

test_trained_the_day_after_the_test if {
	found := _trained(fixtures.day(-9))
	fixtures.said(found) == {"deny tested_before_training"}
	{[violation.found, violation.required] | some violation in found} == {[fixtures.day(-10).text, fixtures.day(-9).text]}
}

test_attributes_of_the_profile if {
	_without("attributes_excluded") == {"deny attribute_untested"}
	_with({"attributes_excluded": [{"attribute": "age", "reason": " "}]}) == {"deny attribute_untested"}
	ages := [_group("age", "young", {}), _group("age", "old", {})]
	_with({"groups": array.concat(_good.groups, ages), "attributes_excluded": []}) == set()
}

test_only_the_attributes_of_a_chosen_profile_are_asked_for if {
	profiles := {
		"p": {"controls": {"NDQ-02": {"parameters": {"attributes": ["sex", "age"]}}}},
		"q": {"controls": {"NDQ-02": {"parameters": {"attributes": ["race", "sex"]}}}},
		"r": {"controls": {"NDQ-02": {"parameters": {"attributes": ["race"]}}}},
	}
	_asked(["p"], profiles) == set()
	_asked(["q", "p"], profiles) == {["attribute_untested", "race", ["q"]]}
	_asked(["q", "r", "p"], profiles) == {["attribute_untested", "race", ["q", "r"]]}
}

test_a_chosen_profile_without_attributes if {
	profiles := {
		"p": {"controls": {"NDQ-02": {"parameters": {"attributes": ["sex", "age"]}}}},
		"q": {"controls": {"NDQ-02": {"parameters": {"attributes": []}}}},
		"r": {"controls": {"NDQ-02": {}}},
		"s": {"controls": {"TRN-01": {}}},
		"t": {"controls": {"NDQ-02": {"parameters": {"attributes": "sex"}}}},
	}
	_asked(["p", "s", "unknown"], profiles) == set()
	_asked(["r", "p", "q"], profiles) == {["no_attribute_demanded", ["q", "r"], ["q", "r"]]}
	_asked(["t"], profiles) == {["no_attribute_demanded", ["t"], ["t"]]}
}

test_what_nobody_asked_for_is_judged_for_every_profile if {
	races := [_group("race", "a", {}), _group("race", "b", {"selected": 399})]
	found := _violations(object.union(_good, {"groups": array.concat(_good.groups, races)}))
	{[violation.code, object.get(violation, "only", "all")] | some violation in found} == {["selection_ratio_low", "all"]}
}

_asked(profiles, known) := asked if {
	request := object.union(fixtures.request({}, "bias", _good), {"profiles": profiles})
	found := ndq_02.violation with input as request with data.profiles as known
	asked := {[violation.code, violation.found, violation.only] | some violation in found}
}

test_nothing_tested if {
	_without("groups") == {"deny attribute_untested", "deny nothing_tested"}
	excluded := [{"attribute": name, "reason": "Not recorded."} | some name in ["age", "sex"]]
	_with({"groups": [], "attributes_excluded": excluded}) == {"deny nothing_tested"}
}

test_group_alone if _with({"groups": [_group("sex", "women", {})]}) == {"deny group_alone"}

test_group_repeated if {
	twice := array.concat(_good.groups, [_group("sex", "men", {"n": 1100, "selected": 550, "positives": 600})])
	_with({"groups": twice}) == {"deny group_repeated"}
	found := _violations(object.union(_good, {"groups": twice}))
	{violation.found | some violation in found} == {["sex", "men"]}
}

test_counts if {
	"deny counts_contradict" in _women({"selected": 1001})
	"deny counts_contradict" in _women({"selected": -1})
	"deny counts_contradict" in _women({"false_negatives": 501})
	"deny counts_contradict" in _women({"false_positives": 501})
	"deny counts_contradict" in _women({"positives": 501})
	"deny counts_contradict" in _women({"n": "1000"})
	bare := {"attribute": "sex", "group": "women", "n": "1000", "selected": 500}
	"deny counts_contradict" in _with({"groups": [bare, _group("sex", "men", {})]})
	_with({"groups": [_group("sex", name, {"selected": 1000}) | some name in ["women", "men"]]}) == set()
	partly := object.remove(_group("sex", "women", {"positives": 1001}), ["negatives"])
	"deny counts_contradict" in _with({"groups": [partly, _group("sex", "men", {})]})
}

test_selection_ratio if {
	_women({"selected": 400}) == set()
	_women({"selected": 399}) == {"deny selection_ratio_low"}
	_women({"selected": 625}) == set()
	_women({"selected": 626}) == {"deny selection_ratio_low"}
}

test_selection_ratio_is_measured_against_the_best_group if {
	groups := array.concat(
		[_group("sex", "women", {"selected": 400})],
		[_group("sex", "men", {}), _group("sex", "other", {"selected": 501})],
	)
	found := _violations(object.union(_good, {"groups": groups}))
	{violation.found.other_group | some violation in found} == {"other"}
}

test_groups_of_different_attributes_are_not_compared if {
	ages := [_group("age", "young", {"selected": 100}), _group("age", "old", {"selected": 100})]
	_with({"groups": array.concat(_good.groups, ages)}) == set()
}

test_nobody_selected if {
	none := {"selected": 0}
	_with({"groups": [_group("sex", "women", none), _group("sex", "men", none)]}) == set()
}

test_error_rates if {
	_women({"false_negatives": 100}) == set()
	_women({"false_negatives": 101}) == {"deny wrongly_refused_gap"}
	_women({"false_positives": 100}) == set()
	_women({"false_positives": 101}) == {"warn wrongly_selected_gap"}
	_women({"positives": 1000, "negatives": 0, "false_positives": 0}) == {"warn error_rate_small"}
}

test_a_group_without_positives_hides_no_gap if {
	never := {"positives": 0, "false_negatives": 0, "negatives": 1000, "false_positives": 100}
	worse := {"false_negatives": 101}
	groups := [_group("sex", "other", never), _group("sex", "women", worse), _group("sex", "men", {})]
	_with({"groups": groups}) == {"deny wrongly_refused_gap", "warn error_rate_small"}
}

test_justified_gaps_warn if {
	groups := {"groups": [_group("sex", "women", {"selected": 399, "false_negatives": 101}), _group("sex", "men", {})]}
	_with(object.union(groups, _justification)) == {"warn selection_ratio_low", "warn wrongly_refused_gap"}
	only_text := object.remove(_justification, ["mitigation"])
	_with(object.union(groups, only_text)) == {"deny selection_ratio_low", "deny wrongly_refused_gap"}
	blank := object.union(_justification, {"threshold_justification": " "})
	_with(object.union(groups, blank)) == {"deny selection_ratio_low", "deny wrongly_refused_gap"}
}

test_small_groups if {
	small := {"positives": 50, "false_negatives": 5, "negatives": 49, "false_positives": 5}
	_women(object.union(small, {"n": 99, "selected": 1})) == {"warn group_small"}
	_women(object.union(small, {"n": 100, "selected": 1, "negatives": 50})) == {
		"deny selection_ratio_low",
		"warn error_rate_small",
	}
}

test_error_rates_of_few_persons_are_not_compared if {
	all_wrong := {"n": 1000, "positives": 99, "false_negatives": 99, "negatives": 901}
	_women(all_wrong) == {"warn error_rate_small"}
	enough := {"n": 1000, "positives": 100, "false_negatives": 100, "negatives": 900}
	_women(enough) == {"deny wrongly_refused_gap"}
}

test_missing_error_rates if {
	every field in ["positives", "negatives", "false_negatives", "false_positives"] {
		lacking := object.remove(_group("sex", "women", {}), [field])
		_with({"groups": [lacking, _group("sex", "men", {})]}) == {"warn error_rates_missing"}
	}
}

test_thresholds_of_the_settings if {
	request := object.union(
		fixtures.request({}, "bias", object.union(_good, {"groups": [
			_group("sex", "women", {"selected": 400, "false_negatives": 100}),
			_group("sex", "men", {}),
		]})),
		{"profiles": ["p"], "settings": {"thresholds": {"NDQ-02": {
			"ratio_min_percent": 81,
			"gap_max_percent": 9,
			"max_age_days": 179,
		}}}},
	)
	found := ndq_02.violation with input as request with data.profiles as _profiles
	fixtures.said(found) == {"deny selection_ratio_low", "deny wrongly_refused_gap", "deny test_out_of_date"}
}
