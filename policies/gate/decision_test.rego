package qaqpa.gate_test

import data.qaqpa.findings
import data.qaqpa.fixtures_test as fixtures
import data.qaqpa.gate

# Two controls that are judged on one kind of evidence each, and a profile that asks for both.
_catalog := {
	"X-01": {"evidence": ["x"], "thresholds": {"own": {"value": 10, "tighter": "lower", "basis": "product_default"}}},
	"X-02": {"evidence": ["y"], "thresholds": {"law": {"value": 15, "tighter": "lower", "basis": "law"}}},
}

_profiles := {"p": {"controls": {"X-01": {"severity": "deny"}, "X-02": {"severity": "deny"}}}}

_silent := {"violation": set(), "not_applicable_because": set()}

_index := {"X-01": _silent, "X-02": _silent}

_denies := {"code": "bad", "level": "deny", "evidence": "e1", "field": "f", "found": 1, "required": 2}

_request := object.union(fixtures.empty_request, {
	"profiles": ["p"],
	"evidence": {"x": [fixtures.fact({})], "y": [fixtures.fact({})]},
})

# OPA cannot build a function that calls the entrypoint itself, so this one reads the parts that it is made of.
_decide(request, index) := _decide_by(request, index, _catalog)

_decide_by(request, index, catalog) := decision if {
	decision := {"verdict": gate.verdict, "findings": findings.listed, "problems": gate.problems} with input as request
		with data.profiles as _profiles
		with data.catalog as catalog
		with data.qaqpa.index.by_control as index
}

_asked(change) := _decide(object.union(_request, change), _index)

_judged(violations) := _decide(_request, object.union(_index, {"X-01": {"violation": violations}}))

_codes(decision) := {problem.code | some problem in decision.problems}

_statuses(decision) := {finding.control: finding.status | some finding in decision.findings}

_thresholds(thresholds) := _asked({"settings": {"thresholds": thresholds}})

test_allow if {
	decision := _asked({})
	decision.verdict == "allow"
	_statuses(decision) == {"X-01": "pass", "X-02": "pass"}
	decision.problems == []
}

test_deny if {
	decision := _judged({_denies})
	decision.verdict == "deny"
	_statuses(decision) == {"X-01": "fail", "X-02": "pass"}
	fixtures.bare(decision.findings[0].violations) == [_denies]
}

test_a_warning_lets_pass if {
	decision := _judged({object.union(_denies, {"level": "warn"})})
	decision.verdict == "allow"
	_statuses(decision) == {"X-01": "warn", "X-02": "pass"}
}

test_a_problem_makes_undecided if {
	decision := _asked({"problems": [{"code": "digest_failed", "detail": "gone"}]})
	decision.verdict == "undecided"
	decision.problems == [{"code": "digest_failed", "detail": "gone"}]
}

test_some_problems_deny if {
	every code in ["bytes_elsewhere", "separation_of_duties", "actor_unknown"] {
		decision := _asked({"problems": [{"code": "digest_failed", "detail": ""}, {"code": code, "detail": "d"}]})
		decision.verdict == "deny"
		_codes(decision) == {"digest_failed", code}
	}
}

test_a_waived_control_lets_pass if {
	decision := _waived(object.union(_catalog["X-01"], {"waivable": true}), _index["X-02"])
	decision.verdict == "allow"
	_statuses(decision) == {"X-01": "waived", "X-02": "pass"}
	fixtures.bare(decision.findings[0].violations) == [_denies]
	[waiver.id | some waiver in decision.findings[0].waivers] == ["w1"]
}

test_a_waiver_of_one_control_does_not_help_another if {
	decision := _waived(object.union(_catalog["X-01"], {"waivable": true}), {"violation": {_denies}})
	decision.verdict == "deny"
	_statuses(decision) == {"X-01": "waived", "X-02": "fail"}
}

test_a_control_that_may_not_be_waived_denies if {
	decision := _waived(object.union(_catalog["X-01"], {"waivable": false}), _index["X-02"])
	decision.verdict == "deny"
	_statuses(decision) == {"X-01": "fail", "X-02": "pass"}
}

# X-01 fails and is waived; its card, and what X-02 says.
_waived(card, second) := decision if {
	waiver := fixtures.waiver("w1", ["X-01"])
	index := {"X-01": object.union(_silent, {"violation": {_denies}}), "X-02": object.union(_silent, second)}
	evidence := object.union(_request.evidence, {"waiver": [waiver]})
	catalog := {"X-01": card, "X-02": _catalog["X-02"]}
	decision := _decide_by(object.union(_request, {"evidence": evidence}), index, catalog)
}

_in_context(change) := _asked(object.union({"context": {"affects_rights": false}}, change))

test_a_context_counts_in_production_only_when_it_is_signed if {
	weak := _in_context({"evidence": {"system": [fixtures.declared({})]}})
	weak.verdict == "undecided"
	weak.problems == [{"code": "context_unsigned", "detail": ""}]
	_in_context({}).problems == weak.problems
	_in_context({"evidence": {"system": [fixtures.fact({})]}}).verdict == "allow"
}

test_a_context_needs_no_signature_elsewhere if {
	_in_context({"stage": "review"}).verdict == "allow"
	_in_context({"stage": "staging"}).verdict == "allow"
	_asked({"context": {}}).verdict == "allow"
}

test_who_alone_signed_may_not_ask if {
	decision := _asked({"actor": "somebody"})
	decision.verdict == "deny"
	decision.problems == [{"code": "separation_of_duties", "detail": "somebody"}]
	_asked({"actor": "somebody else"}).verdict == "allow"
}

test_a_failed_control_denies_even_beside_a_problem if {
	index := object.union(_index, {"X-01": {"violation": {_denies}}})
	request := object.union(_request, {"problems": [{"code": "digest_failed", "detail": "gone"}]})
	decision := _decide(request, index)
	decision.verdict == "deny"
	_codes(decision) == {"digest_failed"}
}

test_a_listed_control_without_a_rule_is_undecided if {
	decision := _decide(_request, object.remove(_index, ["X-02"]))
	decision.verdict == "undecided"
	_statuses(decision) == {"X-01": "pass", "X-02": "undecided"}
}

test_an_undecided_control_does_not_hide_a_failed_one if {
	decision := _decide(_request, {"X-01": object.union(_silent, {"violation": {_denies}})})
	decision.verdict == "deny"
}

test_no_profile if {
	decision := _asked({"profiles": []})
	decision.verdict == "undecided"
	decision.findings == []
	_codes(decision) == {"no_profile"}
}

test_unknown_profile if {
	_codes(_asked({"profiles": ["nothing"]})) == {"unknown_profile", "no_profile"}
	decision := _asked({"profiles": ["p", "nothing"]})
	decision.verdict == "undecided"
	decision.problems == [{"code": "unknown_profile", "detail": "nothing"}]
}

test_profile_that_asks_for_nothing if {
	decision := gate.decision with input as object.union(_request, {"profiles": ["p", "empty"]})
		with data.profiles as object.union(_profiles, {"empty": {"controls": {}}})
		with data.catalog as _catalog
		with data.qaqpa.index.by_control as _index
	decision.verdict == "undecided"
	decision.problems == [{"code": "empty_profile", "detail": "empty"}]
}

test_a_profile_named_twice_counts_once if {
	decision := _asked({"profiles": ["p", "p"]})
	decision.verdict == "allow"
	decision.findings[0].profiles == ["p"]
}

test_thresholds_may_be_tightened if {
	_thresholds({"X-01": {"own": 9}, "X-02": {"law": 14}}).verdict == "allow"
	_thresholds({"X-01": {"own": 11}, "X-02": {"law": 15}}).verdict == "allow"
}

test_only_what_exists_can_be_raised if {
	decision := _asked({"settings": {"raised": ["X-01", "X-03"]}})
	decision.verdict == "undecided"
	decision.problems == [{"code": "raised_unknown", "detail": "X-03"}]
}

test_a_threshold_that_is_law_may_not_be_loosened if {
	decision := _thresholds({"X-02": {"law": 16}})
	decision.verdict == "undecided"
	decision.problems == [{"code": "threshold_loosened", "detail": "X-02/law"}]
}

test_an_unknown_threshold_is_refused if {
	_thresholds({"X-01": {"owm": 9}}).problems == [{"code": "threshold_loosened", "detail": "X-01/owm"}]
	_thresholds({"X-03": {"own": 9}}).problems == [{"code": "threshold_loosened", "detail": "X-03/own"}]
}

test_a_threshold_that_is_no_number_is_refused if {
	decision := _thresholds({"X-01": {"own": "9"}})
	decision.verdict == "undecided"
	decision.problems == [{"code": "malformed_input", "detail": "settings/thresholds/X-01/own"}]
}

test_no_set_leaves if {
	request := object.union(_request, {"rejected": [{"code": "b", "kind": "x"}, {"code": "a", "kind": "x"}]})
	decision := gate.decision with input as request
		with data.profiles as _profiles
		with data.catalog as _catalog
		with data.qaqpa.index.by_control as object.union(_index, {"X-01": {"violation": {_denies}}})
	decision.verdict == "deny"
	sets := [value | walk(decision, [_, value]); is_set(value)]
	sets == []
}

test_what_leaves_is_sorted if {
	warns := object.union(_denies, {"code": "abc", "level": "warn"})
	rejected := [{"code": "b", "kind": "x"}, {"code": "a", "kind": "x"}]
	problems := [{"code": "z", "detail": ""}, {"code": "a", "detail": ""}]
	request := object.union(_request, {"rejected": rejected, "problems": problems})
	decision := gate.decision with input as request
		with data.profiles as _profiles
		with data.catalog as _catalog
		with data.qaqpa.index.by_control as object.union(_index, {"X-01": {"violation": {_denies, warns}}})
	decision.rejected == sort(rejected)
	decision.problems == sort(problems)
	fixtures.bare(decision.findings[0].violations) == [warns, _denies]
	[finding.control | some finding in decision.findings] == ["X-01", "X-02"]
}

test_what_was_asked_is_repeated if {
	request := object.union(_request, {"context_digest": "cd", "profiles": ["p", "p"], "actor": "risk"})
	decision := gate.decision with input as request
		with data.profiles as _profiles
		with data.catalog as _catalog
		with data.qaqpa.index.by_control as _index
	decision.verdict == "allow"
	decision.profiles == ["p"]
	decision.schema == "urn:qaqpa:schema:decision:v1"
	decision.stage == "production"
	decision.now == fixtures.now
	decision.as_of == false
	decision.subject == {"name": "credit", "version": "1", "digest": "ab"}
	decision.context_digest == "cd"
	decision.actor == "risk"
	decision.settings == _request.settings
}

# In parts, because OPA gives each test five seconds, on slow machines too.
test_a_request_with_a_plain_value_of_the_wrong_type_is_never_allowed if {
	every value in [null, false, true, 0, -1] {
		_never_allowed_with(value)
	}
}

test_a_request_with_a_text_of_the_wrong_type_is_never_allowed if {
	every value in [1.5, "", "text", []] {
		_never_allowed_with(value)
	}
}

test_a_request_with_a_compound_of_the_wrong_type_is_never_allowed if {
	every value in [[1], {}, {"x": 1}, [[]], [null]] {
		_never_allowed_with(value)
	}
}

_never_allowed_with(value) if {
	every field, _ in object.remove(_request, ["context_digest"]) {
		_right_or_not_allowed(field, value)
	}
}

_right_or_not_allowed("context", value) if is_object(value)

_right_or_not_allowed("subject", value) if is_object(value)

_right_or_not_allowed("as_of", value) if is_boolean(value)

_right_or_not_allowed("actor", null)

_right_or_not_allowed("actor", "text")

_right_or_not_allowed(field, []) if field in {"problems", "rejected"}

_right_or_not_allowed(field, value) if {
	decision := _decide(object.union(object.remove(_request, [field]), {field: value}), _index)
	decision.verdict != "allow"
}

test_a_request_without_a_part_is_never_allowed if {
	every field, _ in object.remove(_request, ["context_digest"]) {
		decision := _decide(object.remove(_request, [field]), _index)
		decision.verdict != "allow"
	}
}

test_what_is_no_request_is_answered if {
	every request in [null, false, 1, "request", [], [1], {}] {
		decision := gate.decision with input as request
		decision.verdict == "undecided"
		decision.findings == []
		decision.stage == null
		decision.rejected == []
		"malformed_input" in _codes(decision)
	}
}
