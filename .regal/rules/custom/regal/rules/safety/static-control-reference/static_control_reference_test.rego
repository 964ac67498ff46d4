package custom.regal.rules.safety["static-control-reference_test"]

import data.custom.regal.rules.safety["static-control-reference"] as rule

_rows(policy) := rows if {
	module := regal.parse_module("policies/gate/example.rego", concat("\n", ["package qaqpa.example", policy]))
	report := rule.report with input as module
	rows := {violation.location.row | some violation in report}
}

_text := `
import data.qaqpa.controls as controls
import data.qaqpa.controls.hov_01
import data.qaqpa
`

_with_imports(line) := _rows(concat("", [_text, line]))

test_variables_are_reported if {
	every line in [
		"x if { some c in [1]; data.qaqpa.controls[c].violation }",
		"x if data.qaqpa.controls[_].violation",
		"x if data.qaqpa.controls[input.name].violation",
		`x if data.qaqpa.controls[lower("A")].violation`,
		"x if { some v in [1]; not data.qaqpa.controls.hov_01.violation[v] }",
		"x if { some c in [1]; data.qaqpa.controls.hov_01[c] }",
		"x if { some p in [1]; data.qaqpa[p].hov_01 }",
		"x if { some p in [1]; data[p].controls }",
		"x if { every c in [1] { data.qaqpa.controls[c].violation } }",
		"x := [v | some c in [1]; v := data.qaqpa.controls[c].violation]",
		"x(c) := data.qaqpa.controls[c].violation",
		"x contains data.qaqpa.controls[c].violation if { some c in [1] }",
		"x if { false } else if { data.qaqpa.controls[input.c].violation }",
		"x if { false } else := data.qaqpa.controls[input.c].violation",
	] {
		_rows(line) == {2}
	}
}

test_variables_below_an_import_are_reported if {
	every line in [
		"x if { some c in [1]; controls[c].violation }",
		"x if { some c in [1]; hov_01[c] }",
		"x if { some c in [1]; qaqpa[c].violation }",
		"x if { some c in [1]; qaqpa.controls[c].violation }",
	] {
		_with_imports(line) == {6}
	}
}

test_whole_documents_are_reported if {
	_rows("x := data.qaqpa.controls") == {2}
	_rows("x if walk(data.qaqpa, [_, _])") == {2}
	_rows("x := object.get(data, [], 1)") == {2}
	_with_imports("x := object.get(controls, [], 1)") == {6}
}

test_static_references_pass if {
	_rows("x := data.qaqpa.controls.hov_01.violation") == set()
	_rows(`x := data.qaqpa.controls["hov_01"]["violation"]`) == set()
	_with_imports("x := hov_01.violation") == set()
	_with_imports("x := controls.hov_01.violation") == set()
}

test_other_references_pass if {
	_rows("x if { some c in [1]; data.catalog[c].evidence }") == set()
	_rows("x if { some c in [1]; data.qaqpa.index.by_control[c].violation }") == set()
	_rows("x if { some c in [1]; input.qaqpa.controls[c] }") == set()
}
