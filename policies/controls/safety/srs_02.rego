# METADATA
# title: SRS-02 Tests meet declared limits
# description: |
#   Limits were declared before the test, and met on data that the model was not trained on; a system of high risk was
#   also put under stress.
package qaqpa.controls.srs_02

import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.violation as violations

_tests := evidence.judged("evaluation")

_directions := ["higher_is_better", "lower_is_better"]

# Where a person with the same task is the measure; an unknown field of use may be one of them.
_expert_domains := ["forensic", "justice", "medical", "unknown"]

# METADATA
# description: Empty, for the control applies to every system.
not_applicable_because := set()

# METADATA
# description: What is wrong.
violation contains found if {
	some test in _tests
	tested := fields.moment(test.predicate, "tested_on")
	not moments.reached(tested)
	found := violations.deny("tested_in_future", test, "tested_on", tested.text, input.now.text)
}

violation contains found if {
	some test in _tests
	tested := fields.moment(test.predicate, "tested_on")
	moments.before_training(tested)
	found := violations.deny("tested_before_training", test, "tested_on", tested.text, moments.trained)
}

violation contains found if {
	some test in _tests
	not fields.has_document(test.predicate, "report")
	found := violations.warn("report_missing", test, "report", "", "uri, sha256")
}

violation contains found if {
	some test in _tests
	count(_metrics(test)) == 0
	found := violations.deny("metrics_missing", test, "metrics", [], "at least one")
}

violation contains found if {
	some test in _tests
	some metric in _metrics(test)
	lacking := _lacking(metric)
	count(lacking) > 0
	value := {"name": _label(metric), "lacking": lacking}
	found := violations.deny("metric_incomplete", test, "metrics", value, ["direction", "name", "threshold", "value"])
}

# Meeting a limit exactly is meeting it.
violation contains found if {
	some test in _tests
	some metric in _limited(test, "higher_is_better")
	metric.value < metric.threshold
	value := {"name": _label(metric), "value": metric.value}
	found := violations.deny("metric_below_minimum", test, "metrics/value", value, metric.threshold)
}

violation contains found if {
	some test in _tests
	some metric in _limited(test, "lower_is_better")
	metric.value > metric.threshold
	value := {"name": _label(metric), "value": metric.value}
	found := violations.deny("metric_above_maximum", test, "metrics/value", value, metric.threshold)
}

violation contains found if {
	some test in _tests
	tested := fields.moment(test.predicate, "tested_on")
	some metric in _metrics(test)
	declared := fields.moment(metric, "declared_on")
	not moments.by_end_of(declared, tested)
	value := {"name": _label(metric), "declared_on": declared.text}
	found := violations.deny("threshold_declared_late", test, "metrics/declared_on", value, tested.text)
}

violation contains found if {
	some test in _tests
	fields.text(test.predicate, "holdout_sha256") == ""
	found := violations.deny("holdout_missing", test, "holdout_sha256", "", "sha256")
}

# Without the list of what the model was trained on nobody can see that the test data were not among it.
violation contains found if {
	context.trains_on_data
	some test in _tests
	count(_trained_on(test)) == 0
	found := violations.deny("training_data_unlisted", test, "training_sha256", [], "at least one")
}

violation contains found if {
	some test in _tests
	holdout := fields.text(test.predicate, "holdout_sha256")
	holdout in _trained_on(test)
	found := violations.deny("holdout_in_training", test, "holdout_sha256", holdout, "data not used in training")
}

violation contains found if {
	some test in _tests
	count(_stress_tests(test)) == 0
	found := violations.by_risk("stress_tests_missing", test, "stress_tests", [], "at least one")
}

violation contains found if {
	some test in _tests
	failed := sort([fields.text(stress, "name") |
		some stress in _stress_tests(test)
		fields.text(stress, "result") != "passed"
	])
	count(failed) > 0
	found := violations.by_risk("stress_test_failed", test, "stress_tests/result", failed, "passed")
}

violation contains found if {
	context.domain in _expert_domains
	some test in _tests
	baseline := fields.record_in(test.predicate, "expert_baseline")
	not is_number(object.get(baseline, "value", null))
	found := violations.warn("expert_baseline_missing", test, "expert_baseline", "", context.domain)
}

_metrics(test) := fields.list(test.predicate, "metrics")

_stress_tests(test) := fields.list(test.predicate, "stress_tests")

_label(metric) := concat(": ", [part |
	some field in ["name", "subgroup"]
	part := fields.text(metric, field)
	part != ""
])

# The metrics that can be compared with their limit, in one direction.
_limited(test, direction) := [metric |
	some metric in _metrics(test)
	count(_lacking(metric)) == 0
	fields.text(metric, "direction") == direction
]

_lacking(metric) := [field |
	some field in ["direction", "name", "threshold", "value"]
	not _stated(metric, field)
]

_stated(metric, "direction") if fields.text(metric, "direction") in _directions

_stated(metric, "name") if fields.text(metric, "name") != ""

_stated(metric, field) if {
	field in ["threshold", "value"]
	is_number(object.get(metric, field, null))
}

# What the test itself lists, and what any datasheet of this model lists: a hash left out of one is seen in the other.
_trained_on(test) := array.concat(fields.texts(test.predicate, "training_sha256"), [hash |
	some sheet in evidence.judged("datasheets")
	some dataset in fields.list(sheet.predicate, "trained_on")
	hash := fields.text(dataset, "sha256")
	hash != ""
])
