package qaqpa.evidence_test

import data.qaqpa.evidence
import data.qaqpa.fixtures_test as fixtures

_fact(strength) := object.union(fixtures.fact({}), {"id": strength, "strength": strength})

_facts := [_fact("declared"), _fact("signed"), _fact("independent"), _fact("reproduced")]

_input(minimum) := {
	"settings": {"minimum_strength": minimum},
	"evidence": {"x": _facts},
	"rejected": [{"code": "expired", "kind": "x"}, {"code": "expired", "kind": "y"}],
}

_counted(minimum) := ids if {
	counted := evidence.counted("x") with input as _input(minimum)
	ids := [item.id | some item in counted]
}

_too_weak(minimum) := ids if {
	too_weak := evidence.too_weak("x") with input as _input(minimum)
	ids := [item.id | some item in too_weak]
}

test_counted if {
	_counted("declared") == ["declared", "signed", "independent"]
	_counted("signed") == ["signed", "independent"]
	_counted("independent") == ["independent"]
}

test_unknown_minimum_is_the_strongest if {
	_counted("any") == ["independent"]
	_counted(null) == ["independent"]
	evidence.minimum_strength == "independent" with input as {}
}

test_too_weak if {
	_too_weak("declared") == ["reproduced"]
	_too_weak("signed") == ["declared", "reproduced"]
}

test_absent_kind if {
	evidence.counted("z") == [] with input as _input("declared")
	evidence.too_weak("z") == [] with input as _input("declared")
}

test_refused if {
	evidence.refused("x") == [{"code": "expired", "kind": "x"}] with input as _input("declared")
	evidence.refused("z") == [] with input as _input("declared")
}
