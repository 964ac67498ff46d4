package custom.regal.rules.safety["own-threshold_test"]

import data.custom.regal.rules.safety["own-threshold"] as rule

_found(package_name, policy) := count(report) if {
	text := concat("\n", [concat(" ", ["package", package_name]), "import data.qaqpa.threshold", policy])
	module := regal.parse_module("policies/controls/documentation/doc_09.rego", text)
	report := rule.report with input as module
}

test_own_threshold_passes if _found("qaqpa.controls.doc_09", `x := threshold.value("DOC-09", "max_age_days")`) == 0

test_other_thresholds_are_reported if {
	every line in [
		`x := threshold.value("DOC-08", "max_age_days")`,
		`x := threshold.value(input.control, "max_age_days")`,
		`x := threshold.value("DOC-09", input.name)`,
		`x if threshold.above("DOC-08", "max_age_days", 3)`,
		`x := threshold.parameter("DOC-08", "attributes")`,
	] {
		_found("qaqpa.controls.doc_09", line) == 1
	}
}

test_the_gate_may_read_any if _found("qaqpa.gate", `x := threshold.value("DOC-08", "max_age_days")`) == 0
