package custom.regal.rules.safety["complete-control_test"]

import data.custom.regal.rules.safety["complete-control"] as rule

_found(package_name, policy) := count(report) if {
	text := concat("\n", [concat(" ", ["package", package_name]), policy])
	module := regal.parse_module("policies/controls/documentation/doc_09.rego", text)
	report := rule.report with input as module
}

_violation := `violation contains "x" if input.x`

_never := "not_applicable_because := set()"

test_both_rules_pass if _found("qaqpa.controls.doc_09", concat("\n", [_violation, _never])) == 0

test_a_missing_rule_is_reported if {
	_found("qaqpa.controls.doc_09", _violation) == 1
	_found("qaqpa.controls.doc_09", _never) == 1
	_found("qaqpa.controls.doc_09", "x := 1") == 1
}

test_other_packages_pass if {
	_found("qaqpa.controls.doc_09_test", "x := 1") == 0
	_found("qaqpa.gate", "x := 1") == 0
}
