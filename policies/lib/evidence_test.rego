package qaqpa.evidence_test

import data.qaqpa.evidence
import data.qaqpa.fixtures_test as fixtures

_fact(strength) := object.union(fixtures.fact({}), {"id": strength, "strength": strength})

_facts := [_fact("declared"), _fact("signed"), _fact("independent"), _fact("reproduced")]

_at(stage, minimum) := {
	"stage": stage,
	"profiles": ["p"],
	"settings": {"minimum_strength": minimum},
	"evidence": {"x": _facts},
	"rejected": [{"code": "expired", "kind": "x"}, {"code": "expired", "kind": "y"}],
}

_input(minimum) := _at("review", minimum)

# The least strength of a kind, with these cards on the catalog, the first of which is asked for.
_least(request, kind, cards) := strength if {
	strength := evidence.minimum_strength(kind) with input as request
		with data.profiles as {"p": {"controls": {"X-01": {"severity": "deny"}, "X-02": {"severity": "warn"}}}}
		with data.catalog as cards
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
	every minimum in ["any", null, 0, ["declared"], {}] {
		_counted(minimum) == ["independent"]
		_least(_input(minimum), "x", {}) == "independent"
	}
	every request in [{}, {"settings": {}}, {"stage": "review"}] {
		_least(request, "x", {}) == "independent"
	}
}

test_before_production_the_settings_decide if {
	cards := {"X-01": {"evidence": ["x"], "minimum_strength": "independent"}}
	every stage in ["review", "staging"] {
		every minimum in ["declared", "signed", "independent"] {
			_least(_at(stage, minimum), "x", cards) == minimum
		}
	}
}

test_production_needs_signatures if {
	every stage in ["production", "Review", null] {
		_least(_at(stage, "declared"), "x", {}) == "signed"
		_least(_at(stage, "signed"), "x", {}) == "signed"
		_least(_at(stage, "independent"), "x", {}) == "independent"
	}
	facts := evidence.counted("x") with input as _at("production", "declared")
	[item.id | some item in facts] == ["signed", "independent"]
	weak := evidence.too_weak("x") with input as _at("production", "declared")
	[item.id | some item in weak] == ["declared", "reproduced"]
}

test_production_needs_what_the_cards_demand if {
	cards := {
		"X-01": {"evidence": ["x", "y"], "minimum_strength": "signed"},
		"X-02": {"evidence": ["y"], "minimum_strength": "independent"},
		"X-03": {"evidence": ["x"], "minimum_strength": "independent"},
	}
	_least(_at("production", "declared"), "x", cards) == "signed"
	_least(_at("production", "declared"), "y", cards) == "independent"
	_least(_at("production", "declared"), "z", cards) == "signed"
	_least(_at("production", "independent"), "x", cards) == "independent"
}

test_unknown_demand_of_a_card_is_the_strongest if {
	every strength in ["reproduced", "", null, 1, ["signed"]] {
		cards := {"X-01": {"evidence": ["x"], "minimum_strength": strength}}
		_least(_at("production", "declared"), "x", cards) == "independent"
	}
}

test_a_card_that_is_not_whole_demands_nothing_of_others if {
	every card in [{}, null, "text", {"minimum_strength": "independent"}, {"evidence": "x"}] {
		_least(_at("production", "declared"), "x", {"X-01": card}) == "signed"
	}
}

test_a_waiver_is_signed_at_every_stage if {
	every stage in ["review", "staging", "production"] {
		_least(_at(stage, "declared"), "waiver", {}) == "signed"
		_least(_at(stage, "independent"), "waiver", {}) == "independent"
	}
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

test_what_was_refused_for_who_signed_it_is_judged_and_never_counts if {
	refused := object.union(fixtures.fact({}), {"id": "against", "strength": "signed", "against_only": true})
	request := object.union(_input("declared"), {"evidence": {"x": [_fact("declared"), refused]}})
	[item.id | some item in evidence.counted("x")] == ["declared"] with input as request
	[item.id | some item in evidence.judged("x")] == ["declared", "against"] with input as request
	evidence.too_weak("x") == [] with input as request
}

test_what_is_signed_and_too_weak_is_judged if {
	judged := evidence.judged("x") with input as _input("independent")
	[item.id | some item in judged] == ["signed", "independent"]
}
