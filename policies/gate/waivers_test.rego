package qaqpa.waivers_test

import data.qaqpa.fixtures_test as fixtures
import data.qaqpa.waivers

_violation := {"code": "bad", "level": "deny", "evidence": "e1", "field": "f", "found": 1, "required": 2}

_finding := {"control": "X-01", "status": "fail", "violations": [_violation], "waivers": []}

_waiver := fixtures.waiver("w1", ["X-01", "X-02"])

_listed := {
	"id": "w1",
	"category": "waiver",
	"reason": "The commission meets next week.",
	"ticket": "T-1",
	"compensating": [],
	"until": fixtures.day(10),
	"signers": ["somebody"],
}

_applied(finding, request, card) := applied if {
	applied := waivers.applied(finding) with input as object.union(fixtures.empty_request, request)
		with data.catalog as {"X-01": card}
		with data.profiles as {"article-baseline": {"controls": {"X-01": {"severity": "deny"}}}}
}

_by_facts(facts) := _applied(_finding, {"evidence": {"waiver": facts}}, {"waivable": true})

_by_change(change) := _by_facts([object.union(_waiver, change)])

_by_card(card) := _applied(_finding, {"evidence": {"waiver": [_waiver]}}, card)

test_what_fails_is_waived if {
	finding := _by_facts([_waiver])
	finding.status == "waived"
	finding.violations == [_violation]
	finding.waivers == [_listed]
}

test_all_waivers_are_listed_in_order if {
	other := object.union(_waiver, {"id": "w0", "signers": [fixtures.signer("b"), fixtures.signer("a")]})
	finding := _by_facts([_waiver, other])
	[waiver.id | some waiver in finding.waivers] == ["w0", "w1"]
	finding.waivers[0].signers == ["a", "b"]
}

test_mitigation_names_its_measures if {
	measures := ["Two persons look.", "A log."]
	predicate := object.union(_waiver.predicate, {"category": "mitigated", "compensating": measures})
	finding := _by_change({"predicate": predicate})
	finding.status == "waived"
	finding.waivers[0].category == "mitigated"
	finding.waivers[0].compensating == measures
	every value in [[], null, [5]] {
		_by_change({"predicate": object.union(predicate, {"compensating": value})}) == _finding
	}
}

test_only_what_fails_is_waived if {
	every status in ["pass", "warn", "not_applicable", "undecided"] {
		finding := object.union(_finding, {"status": status})
		_applied(finding, {"evidence": {"waiver": [_waiver]}}, {"waivable": true}) == finding
		_applied(finding, {"evidence": {"waiver": [_waiver]}}, {"waivable": false}) == finding
	}
}

test_without_a_waiver_it_fails if {
	_by_facts([]) == _finding
	_applied(_finding, {"evidence": {}}, {"waivable": true}) == _finding
	_applied(_finding, {"evidence": {}}, {"waivable": false}) == _finding
}

test_a_waiver_names_the_control if {
	_by_facts([fixtures.waiver("w1", ["X-02"])]) == _finding
	_by_facts([fixtures.waiver("w1", [])]) == _finding
	_by_facts([fixtures.waiver("w1", "X-01")]) == _finding
	_by_facts([fixtures.waiver("w1", {"X-01": "X-01"})]) == _finding
}

test_a_waiver_is_for_one_stage if {
	every stage in ["review", "staging", "Production", null] {
		_by_change({"predicate": {"stage": stage}}) == _finding
	}
	request := {"stage": "staging", "evidence": {"waiver": [object.union(_waiver, {"predicate": {"stage": "staging"}})]}}
	_applied(_finding, request, {"waivable": true}).status == "waived"
}

test_a_review_shows_waivers_for_any_stage if {
	every stage in ["review", "staging", "production"] {
		waiver := object.union(_waiver, {"predicate": {"stage": stage}})
		request := {"stage": "review", "evidence": {"waiver": [waiver]}}
		_applied(_finding, request, {"waivable": true}).status == "waived"
	}
	every stage in ["Production", "", null] {
		waiver := object.union(_waiver, {"predicate": {"stage": stage}})
		request := {"stage": "review", "evidence": {"waiver": [waiver]}}
		_applied(_finding, request, {"waivable": true}) == _finding
	}
}

test_a_waiver_ends if {
	later := {"text": "later", "seconds": fixtures.now.seconds + 1}
	_by_change({"expires_at": later}).status == "waived"
	every end in [fixtures.now, fixtures.day(-1), null, {}, {"seconds": "2000000000"}, {"text": 1}] {
		_by_facts([object.union(object.remove(_waiver, ["expires_at"]), {"expires_at": end})]) == _finding
	}
	_by_facts([object.remove(_waiver, ["expires_at"])]) == _finding
	request := {"now": {"seconds": null}, "evidence": {"waiver": [_waiver]}}
	_applied(_finding, request, {"waivable": true}) == _finding
}

test_a_waiver_is_signed_at_every_stage if {
	every stage in ["review", "staging", "production"] {
		predicate := object.union(_waiver.predicate, {"stage": stage})
		nobody := object.union(fixtures.declared(predicate), {"expires_at": fixtures.day(10)})
		request := {"stage": stage, "evidence": {"waiver": [nobody]}}
		_applied(_finding, request, {"waivable": true}) == _finding
		signed := object.union(nobody, {"strength": "signed", "signers": [fixtures.signer("risk")]})
		again := {"stage": stage, "evidence": {"waiver": [signed]}}
		_applied(_finding, again, {"waivable": true}).status == "waived"
	}
}

test_a_waiver_that_is_not_whole_waives_nothing if {
	every field in ["stage", "category", "reason", "ticket", "controls"] {
		_by_facts([object.union(object.remove(_waiver, ["predicate"]), {"predicate": object.remove(
			_waiver.predicate,
			[field],
		)})]) == _finding
	}
	_by_change({"predicate": {"category": "forever"}}) == _finding
}

test_where_the_card_allows_no_waiver_it_fails_and_says_so if {
	every card in [{"waivable": false}, {}, {"waivable": "true"}, {"waivable": null}] {
		finding := _by_card(card)
		finding.status == "fail"
		finding.waivers == []
		fixtures.bare(finding.violations) == [
			_violation,
			{
				"code": "waiver_not_allowed",
				"level": "warn",
				"evidence": "w1",
				"field": "waiver",
				"found": "X-01",
				"required": "no waiver",
			},
		]
	}
}
