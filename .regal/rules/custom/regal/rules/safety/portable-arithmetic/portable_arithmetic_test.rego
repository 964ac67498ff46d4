package custom.regal.rules.safety["portable-arithmetic_test"]

import data.custom.regal.rules.safety["portable-arithmetic"] as rule

_found(file, policy) := count(report) if {
	module := regal.parse_module(file, concat("\n", ["package qaqpa.example", policy]))
	report := rule.report with input as module
}

test_division_is_reported_everywhere if {
	every file in ["policies/lib/example.rego", "policies/controls/documentation/doc_01.rego"] {
		_found(file, "x if input.a / 2 > 1") == 1
		_found(file, "x if input.a % 2 == 1") == 1
		_found(file, "x := div(input.a, 2)") == 1
	}
}

test_arithmetic_is_reported_outside_lib if {
	every line in [
		"x := input.a + 1",
		"x if input.a - 1 > input.b",
		"x := [y | some z in input.a; y := z * 2]",
		"x := sum(input.a)",
		"x := product(input.a)",
		"x := {1, 2} - {2}",
	] {
		_found("policies/gate/example.rego", line) == 1
		_found("policies/lib/example.rego", line) == 0
		_found("lib/example.rego", line) == 0
		_found("policies/library/example.rego", line) == 1
	}
}

test_comparisons_pass if _found("policies/gate/example.rego", "x if count(input.a) > -1") == 0

test_tests_may_count_but_not_divide if {
	module := regal.parse_module("policies/gate/example_test.rego", "package qaqpa.example_test\nx := 1 + 2\ny := 1 / 2")
	report := rule.report with input as module
	{violation.location.row | some violation in report} == {3}
}
