package qaqpa.controls.srs_02_test

import data.qaqpa.controls.srs_02
import data.qaqpa.fixtures_test as fixtures

_holdout := "1111111111111111111111111111111111111111111111111111111111111111"

_training := "2222222222222222222222222222222222222222222222222222222222222222"

_auc := {
	"name": "auc",
	"value": 0.81,
	"threshold": 0.81,
	"direction": "higher_is_better",
	"declared_on": fixtures.day(-10),
}

_loss := {
	"name": "loss",
	"subgroup": "women",
	"value": 0.2,
	"threshold": 0.2,
	"direction": "lower_is_better",
	"declared_on": fixtures.day(-400),
}

_good := {
	"report": fixtures.document,
	"tested_on": fixtures.day(-10),
	"metrics": [_auc, _loss],
	"holdout_sha256": _holdout,
	"training_sha256": [_training],
	"stress_tests": [{"name": "missing values", "result": "passed"}],
	"expert_baseline": {"metric": "auc", "value": 0.78},
}

_low_risk := {"kz_risk": "medium", "eu_class": "minimal", "domain": "hr"}

_found(context, test) := found if {
	found := srs_02.violation with input as fixtures.request(context, "evaluation", test)
}

_said(context, test) := fixtures.said(_found(context, test))

_with(change) := _said({}, object.union(_good, change))

_without(field) := _said({}, object.remove(_good, [field]))

_auc_with(change) := _with({"metrics": [_loss, object.union(_auc, change)]})

_loss_with(change) := _with({"metrics": [_auc, object.union(_loss, change)]})

_values(code, test) := {[violation.found, violation.required] |
	some violation in _found({}, test)
	violation.code == code
}

test_passes_with_every_number_at_its_boundary if _said({}, _good) == set()

test_applies_to_every_system if {
	srs_02.not_applicable_because == set() with input as fixtures.empty_request
	srs_02.not_applicable_because == set() with input as fixtures.request(_low_risk, "evaluation", {})
}

test_applies_with_an_empty_context_and_an_empty_record if {
	_said({}, {}) == {
		"deny tested_in_future",
		"warn report_missing",
		"deny metrics_missing",
		"deny holdout_missing",
		"deny training_data_unlisted",
		"deny stress_tests_missing",
		"warn expert_baseline_missing",
	}
}

test_date if {
	today := [object.union(_auc, {"declared_on": fixtures.day(0)})]
	_with({"tested_on": fixtures.day(0), "metrics": today}) == set()
	_with({"tested_on": fixtures.day(1)}) == {"deny tested_in_future"}
	_without("tested_on") == {"deny tested_in_future", "deny threshold_declared_late"}
}

_trained(moment) := found if {
	request := object.union(fixtures.request({}, "evaluation", _good), {"subject": {"trained_at": moment}})
	found := srs_02.violation with input as request
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

test_report if _without("report") == {"warn report_missing"}

test_metrics if {
	_without("metrics") == {"deny metrics_missing"}
	_with({"metrics": []}) == {"deny metrics_missing"}
	_with({"metrics": "all good"}) == {"deny metrics_missing"}
}

test_each_part_of_a_metric_is_asked_for if {
	every field in ["direction", "threshold", "value"] {
		test := object.union(_good, {"metrics": [_loss, object.remove(_auc, [field])]})
		_said({}, test) == {"deny metric_incomplete"}
		{entry[0] | some entry in _values("metric_incomplete", test)} == {{"name": "auc", "lacking": [field]}}
	}
	_auc_with({"name": " "}) == {"deny metric_incomplete"}
	_auc_with({"direction": "up"}) == {"deny metric_incomplete"}
	_auc_with({"value": "0.9"}) == {"deny metric_incomplete"}
	_auc_with({"threshold": null}) == {"deny metric_incomplete"}
	_with({"metrics": [{}]}) == {"deny metric_incomplete", "deny threshold_declared_late"}
}

test_a_minimum if {
	_auc_with({"value": 0.9}) == set()
	_auc_with({"value": 0.8099}) == {"deny metric_below_minimum"}
	test := object.union(_good, {"metrics": [object.union(_auc, {"value": 0.8099}), _loss]})
	_values("metric_below_minimum", test) == {[{"name": "auc", "value": 0.8099}, 0.81]}
}

test_a_maximum if {
	_loss_with({"value": 0.1}) == set()
	_loss_with({"value": 0.2001}) == {"deny metric_above_maximum"}
	test := object.union(_good, {"metrics": [_auc, object.union(_loss, {"value": 0.2001})]})
	_values("metric_above_maximum", test) == {[{"name": "loss: women", "value": 0.2001}, 0.2]}
}

test_limits_are_declared_by_the_day_of_the_test if {
	_auc_with({"declared_on": fixtures.day(-9)}) == {"deny threshold_declared_late"}
	_auc_with({"declared_on": fixtures.day(-11)}) == set()
	_with({"metrics": [object.remove(_auc, ["declared_on"])]}) == {"deny threshold_declared_late"}
	_auc_with({"declared_on": "2026-01-01"}) == {"deny threshold_declared_late"}
}

test_holdout if {
	_without("holdout_sha256") == {"deny holdout_missing"}
	_with({"holdout_sha256": " "}) == {"deny holdout_missing"}
	_with({"holdout_sha256": _training}) == {"deny holdout_in_training"}
	_with({"training_sha256": [_training, _holdout]}) == {"deny holdout_in_training"}
}

test_training_data_are_listed_where_there_are_any if {
	_without("training_sha256") == {"deny training_data_unlisted"}
	_with({"training_sha256": [" "]}) == {"deny training_data_unlisted"}
	_said({"trains_on_data": false}, object.remove(_good, ["training_sha256"])) == set()
}

_beside(sheet, test) := found if {
	facts := {"evaluation": [fixtures.fact(test)], "datasheets": [fixtures.fact(sheet)]}
	found := srs_02.violation with input as object.union(fixtures.empty_request, {"evidence": facts})
}

test_datasheets_of_the_model_list_training_data_too if {
	unlisted := object.remove(_good, ["training_sha256"])
	of_training := {"trained_on": [{"id": "loans", "sha256": _training}]}
	_beside(of_training, unlisted) == set()
	of_test := {"trained_on": [{"id": "loans", "sha256": _training}, {"id": "test", "sha256": _holdout}]}
	fixtures.said(_beside(of_test, _good)) == {"deny holdout_in_training"}
	fixtures.said(_beside({"trained_on": [{"id": "loans"}]}, unlisted)) == {"deny training_data_unlisted"}
	fixtures.said(_beside({}, unlisted)) == {"deny training_data_unlisted"}
}

test_stress_tests_by_risk if {
	every tests in [[], "none"] {
		test := object.union(_good, {"stress_tests": tests})
		_said({"kz_risk": "high", "eu_class": "minimal"}, test) == {"deny stress_tests_missing"}
		_said({"kz_risk": "minimal", "eu_class": "high_risk_annex_i"}, test) == {"deny stress_tests_missing"}
		_said(_low_risk, test) == {"warn stress_tests_missing"}
	}
	_without("stress_tests") == {"deny stress_tests_missing"}
}

test_failed_stress_tests_by_risk if {
	every result in ["failed", "", null, true] {
		tests := [{"name": "noise", "result": result}, {"name": "missing values", "result": "passed"}]
		test := object.union(_good, {"stress_tests": tests})
		_said({}, test) == {"deny stress_test_failed"}
		_said(_low_risk, test) == {"warn stress_test_failed"}
		_values("stress_test_failed", test) == {[["noise"], "passed"]}
	}
}

test_expert_baseline_by_field_of_use if {
	none := object.remove(_good, ["expert_baseline"])
	every domain in ["forensic", "justice", "medical"] {
		_said({"domain": domain}, none) == {"warn expert_baseline_missing"}
		_said({"domain": domain}, _good) == set()
	}
	_said({"domain": "hr"}, none) == set()
	_said({}, none) == {"warn expert_baseline_missing"}
	_with({"expert_baseline": {"metric": "auc", "value": "good"}}) == {"warn expert_baseline_missing"}
	_with({"expert_baseline": 0.78}) == {"warn expert_baseline_missing"}
}

test_the_worst_test_decides if {
	worse := object.union(_good, {"metrics": [object.union(_auc, {"value": 0.5})]})
	facts := [fixtures.fact(_good), fixtures.fact(worse)]
	found := srs_02.violation with input as object.union(fixtures.empty_request, {"evidence": {"evaluation": facts}})
	fixtures.said(found) == {"deny metric_below_minimum"}
}
