package custom.regal.rules.safety["else-in-braces_test"]

import data.custom.regal.rules.safety["else-in-braces"] as rule

_rows(policy) := rows if {
	module := regal.parse_module("policies/gate/example.rego", concat("\n", ["package qaqpa.example", policy]))
	report := rule.report with input as module
	rows := {violation.location.row | some violation in report}
}

test_bare_bodies_are_reported if {
	_rows("x if { input.a } else if input.b") == {2}
	_rows("x := 1 if { input.a } else := 2 if input.b") == {2}
	_rows("x := 1 if {\n\tinput.a\n} else := 2 if input.b") == {4}
}

test_bodies_in_braces_pass if {
	_rows("x if { input.a } else if { input.b }") == set()
	_rows("x := 1 if { input.a } else := 2 if {\n\tinput.b\n} else := 3") == set()
	_rows("# or else if this") == set()
}
