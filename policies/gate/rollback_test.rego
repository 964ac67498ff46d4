package qaqpa.rollback_test

import data.qaqpa.findings
import data.qaqpa.fixtures_test as fixtures
import data.qaqpa.gate
import data.qaqpa.malformed
import data.qaqpa.rollback

_back_to(days) := {"rollback": {"decision": 7, "allowed_at": fixtures.day(days)}}

_back := object.union(fixtures.empty_request, _back_to(-30))

_ended(days) := object.union(fixtures.fact({}), {"ended_at": fixtures.day(days)})

_is_sound(change) if rollback.sound with input as object.union(_back, change)

test_back_to_a_decision_of_the_last_90_days if {
	_is_sound({})
	_is_sound({"stage": "staging"})
	_is_sound(_back_to(0))
	_is_sound(_back_to(-90))
}

test_no_way_back if {
	not _is_sound({"stage": "review"})
	not _is_sound({"stage": "other"})
	not _is_sound({"as_of": true})
	not _is_sound({"as_of": null})
	not _is_sound(_back_to(-91))
	not _is_sound(_back_to(1))
	not rollback.sound with input as fixtures.empty_request
}

test_what_is_no_earlier_decision if {
	every value in [null, [], {}, "7", 7, {"decision": 7}, {"decision": "7", "allowed_at": fixtures.day(-1)}] {
		request := object.union(fixtures.empty_request, {"rollback": value})
		not rollback.sound with input as request
		malformed.places == {"rollback"} with input as request
	}
	not _is_sound({"rollback": {"decision": 7.5}})
	not _is_sound({"rollback": {"allowed_at": {"text": 1}}})
	not _is_sound({"rollback": {"allowed_at": {"seconds": "1795392000"}}})
}

test_malformed_where_it_cannot_be if {
	malformed.places == set() with input as _back
	malformed.places == {"rollback"} with input as object.union(_back, {"stage": "review"})
	malformed.places == {"rollback"} with input as object.union(_back, _back_to(-91))
}

_misplaced(fact, change) := places if {
	request := object.union(_back, change)
	places := malformed.places with input as object.union(request, {"evidence": {"x": [fact]}})
}

test_evidence_that_ended_between_the_two_decisions if {
	every days in [-29, -1, 0] {
		_misplaced(_ended(days), {}) == set()
	}
}

test_evidence_that_ended_at_another_time_or_is_no_fact if {
	every days in [-31, -30, 1] {
		_misplaced(_ended(days), {}) == {"evidence.x"}
	}
	_misplaced(object.union(_ended(-1), {"against_only": true}), {}) == {"evidence.x"}
	_misplaced(object.union(_ended(-1), {"ended_at": {"text": 1}}), {}) == {"evidence.x"}
	_misplaced(object.union(_ended(-1), {"ended_at": {"seconds": 1.5}}), {}) == {"evidence.x"}
	_misplaced(_ended(-1), _back_to(-91)) == {"evidence.x", "rollback"}
}

test_evidence_that_ended_counts_in_a_rollback_only if {
	request := object.union(fixtures.empty_request, {"evidence": {"x": [_ended(-1)]}})
	malformed.places == {"evidence.x"} with input as request
}

test_no_waiver_counts_after_its_end if {
	waiver := object.union(fixtures.waiver("w1", ["X-01"]), {"ended_at": fixtures.day(-1)})
	malformed.places == {"evidence.waiver"} with input as object.union(_back, {"evidence": {"waiver": [waiver]}})
}

test_told_with_all_that_ended_in_order if {
	evidence := {"y": [_ended(-1)], "x": [object.union(_ended(-1), {"id": "e0"}), fixtures.fact({}), _ended(-2)]}
	told := rollback.told with input as object.union(_back, {"evidence": evidence})
	told == [{"decision": 7, "allowed_at": fixtures.day(-30), "ended": [
		{"kind": "x", "id": "e1", "ended_at": fixtures.day(-2)},
		{"kind": "x", "id": "e0", "ended_at": fixtures.day(-1)},
		{"kind": "y", "id": "e1", "ended_at": fixtures.day(-1)},
	]}]
}

test_nothing_told_without_a_rollback if {
	rollback.told == [] with input as fixtures.empty_request
}

_mark := {"ended_since": 7}

# A control whose evidence may not be older than its rule says, and a profile that raises all of it.
_old := {"code": "old", "level": "deny", "evidence": "e1", "field": "f", "found": 1, "required": 2}

_catalog := {"X-01": {"evidence": ["x"], "thresholds": {}, "expires": ["old"], "waivable": false}}

_profiles := {"p": {"controls": {"X-01": {"severity": "deny"}}}}

_decide(facts, violations) := decision if {
	request := object.union(_back, {"profiles": ["p"], "evidence": {"x": facts}, "settings": {"raised": ["X-01"]}})
	decision := {"verdict": gate.verdict, "finding": findings.listed[0]} with input as request
		with data.profiles as _profiles
		with data.catalog as _catalog
		with data.qaqpa.index.by_control as {"X-01": {"violation": violations, "not_applicable_because": set()}}
}

test_evidence_that_has_ended_counts_and_warns_whatever_is_raised if {
	decision := _decide([_ended(-1)], set())
	decision.verdict == "allow"
	decision.finding.status == "warn"
	fixtures.bare(decision.finding.violations) == [object.union(_mark, {
		"code": "evidence_ended",
		"level": "warn",
		"evidence": "e1",
		"field": "x",
		"found": "day -1",
		"required": 7,
	})]
}

test_the_content_of_evidence_that_has_ended_denies if {
	bad := object.union(_old, {"code": "bad"})
	decision := _decide([_ended(-1)], {bad})
	decision.verdict == "deny"
	[violation.code | some violation in decision.finding.violations] == ["evidence_ended", "bad"]
}

test_no_rule_says_of_itself_that_something_merely_ended if {
	decision := _decide([fixtures.fact({})], {object.union(_old, _mark)})
	decision.verdict == "deny"
	fixtures.bare(decision.finding.violations) == [_old]
}

test_what_is_no_violation_denies if {
	_decide([fixtures.fact({})], {"old"}).verdict == "deny"
	_decide([fixtures.fact({})], {object.union(_old, {"code": 5})}).verdict == "deny"
}

# The real rule about audits, and what it says as of now and as of the earlier decision.
_audit(changes) := object.union(_back, {"evidence": {"audit": [fixtures.fact(object.union(
	{
		"report": fixtures.document,
		"auditor": "an auditing firm",
		"independent_of": ["operator", "developer"],
		"conflict_declarations": fixtures.document,
		"scope": ["data_library_quality_lawfulness", "prohibited_functions"],
		"conclusion": "positive",
		"issued_on": fixtures.day(-100),
		"valid_until": fixtures.day(100),
		"findings": [],
	},
	changes,
))]}})

_marked(changes) := {violation.code: object.get(violation, "ended_since", 0) |
	some finding in findings.listed with input as _audit(changes)
	finding.control == "AUD-01"
	some violation in finding.violations
}

test_a_content_that_came_to_its_end_since_warns if {
	_marked({"valid_until": fixtures.day(-10)}) == {"validity_ended": 7}
	_marked({"issued_on": fixtures.day(-380)}) == {"issued_out_of_date": 7}
}

test_a_content_that_had_ended_before_does_not if {
	_marked({"valid_until": fixtures.day(-40)}) == {"validity_ended": 0}
	_marked({"issued_on": fixtures.day(-400)}) == {"issued_out_of_date": 0}
	_marked({"issued_on": fixtures.day(1)}) == {"issued_out_of_date": 0}
}

test_what_is_more_than_an_end_does_not if {
	_marked({"conclusion": "negative"}) == {"conclusion_negative": 0}
	overdue := [{"id": "F1", "severity": "low", "status": "open", "due": fixtures.day(-10)}]
	codes := _marked({"conclusion": "positive_with_conditions", "findings": overdue})
	codes.condition_overdue == 0
}

test_the_same_violation_of_two_audits_is_told_apart if {
	request := _audit({"valid_until": fixtures.day(-40)})
	since := object.union(_audit({"valid_until": fixtures.day(-10)}).evidence.audit[0], {"id": "e2"})
	both := object.union(request, {"evidence": {"audit": array.concat(request.evidence.audit, [since])}})
	marks := {violation.evidence: object.get(violation, "ended_since", 0) |
		some finding in findings.listed with input as both
		finding.control == "AUD-01"
		some violation in finding.violations
	}
	marks == {"e1": 0, "e2": 7}
}

test_the_decision_document_says_that_it_is_a_rollback if {
	decision := gate.decision with input as _audit({})
	decision.rollback == {"decision": 7, "allowed_at": fixtures.day(-30), "ended": []}
	ordinary := gate.decision with input as object.remove(_audit({}), ["rollback"])
	not "rollback" in object.keys(ordinary)
}
