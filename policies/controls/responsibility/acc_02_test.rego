package qaqpa.controls.acc_02_test

import data.qaqpa.controls.acc_02
import data.qaqpa.evidence
import data.qaqpa.fixtures_test as fixtures

_owner := {"approver": "zhanar", "post": "Head of retail lending", "function": "business_owner"}

_officer := {"approver": "murat", "post": "Compliance officer", "function": "compliance"}

_good := {
	"approvers": [_owner, _officer],
	"purpose": "Scoring of consumer loans",
	"authors": ["aigul", "Data Science team"],
	"signed_on": fixtures.day(-30),
}

_low := {"kz_risk": "medium", "eu_class": "minimal"}

_alone := object.union(_good, {"approvers": [_officer]})

# Nobody signed it, which is enough at review.
_declared(approval) := object.union(fixtures.empty_request, {
	"stage": "review",
	"evidence": {"release_approval": [fixtures.declared(approval)]},
})

# As these persons sign it 30 days ago.
_signed(approval, signers) := object.union(fixtures.empty_request, {"evidence": {"release_approval": [object.union(
	fixtures.fact(approval),
	{"issued_at": fixtures.day(-30), "signers": signers},
)]}})

_insider(id) := object.union(fixtures.signer(id), {"independent": false})

_signers := [_insider("zhanar"), fixtures.signer("murat")]

_at(request, context) := said if {
	said := fixtures.said(acc_02.violation) with input as object.union(request, {"context": context})
}

_said(approval) := _at(_declared(approval), {})

_with(change) := _said(object.union(_good, change))

_without(field) := _said(object.remove(_good, [field]))

_said_of_signed(approval, signers) := _at(_signed(approval, signers), {})

test_passes if {
	_said(_good) == set()
	_said_of_signed(_good, _signers) == set()
	_at(_declared(_alone), _low) == set()
	_at(_signed(_alone, [fixtures.signer("murat")]), _low) == set()
}

test_always_applies if {
	every context in [{}, _low] {
		acc_02.not_applicable_because == set() with input as fixtures.request(context, "release_approval", _good)
	}
}

test_nothing_is_found_without_evidence if acc_02.violation == set() with input as fixtures.empty_request

test_approver if {
	every approvers in [[], [object.union(_officer, {"approver": " "})], [object.remove(_officer, ["approver"])]] {
		_at(_declared(object.union(_good, {"approvers": approvers})), _low) == {"deny approver_missing"}
	}
	_at(_declared(object.remove(_good, ["approvers"])), _low) == {"deny approver_missing"}
	_without("approvers") == {"deny approver_missing", "deny approvers_few", "deny function_missing"}
}

test_post if {
	_with({"approvers": [_owner, object.remove(_officer, ["post"])]}) == {"warn post_missing"}
	_with({"approvers": [object.union(_owner, {"post": " "}), _officer]}) == {"warn post_missing"}
}

test_authors if {
	_without("authors") == {"deny authors_missing"}
	_with({"authors": []}) == {"deny authors_missing"}
	_with({"authors": [" "]}) == {"deny authors_missing"}
}

test_nobody_approves_their_own_work if {
	every author in ["murat", " Murat ", "MURAT"] {
		_with({"authors": ["aigul", author]}) == {"deny approver_is_author"}
	}
	cyrillic := object.union(_officer, {"approver": "Өмір Ғали"})
	changed := {"approvers": [_owner, cyrillic], "authors": ["ӨМІР ҒАЛИ"]}
	_with(changed) == {"deny approver_is_author"}
}

test_nobody_signs_their_own_work if {
	changed := object.union(_good, {"authors": ["Aigul"]})
	found := acc_02.violation with input as _signed(changed, array.concat(_signers, [fixtures.signer("aigul")]))
	fixtures.said(found) == {"deny approver_is_author"}
	{violation.found | some violation in found} == {["aigul"]}
}

test_who_is_named_has_signed if {
	found := acc_02.violation with input as _signed(_good, [fixtures.signer("murat"), fixtures.signer("other")])
	fixtures.said(found) == {"deny approver_not_signed"}
	{violation.found | some violation in found} == {["zhanar"]}
}

test_a_name_is_no_party_id if {
	named := object.union(_good, {"approvers": [_owner, object.union(_officer, {"approver": "Murat"})]})
	_said_of_signed(named, _signers) == {"deny approver_not_signed"}
}

test_an_independent_approver_signs if {
	one := object.union(_good, {"approvers": [_owner]})
	request := _signed(one, [_insider("zhanar"), fixtures.signer("somebody else")])
	_at(request, _low) == {"deny approver_not_independent"}
	_at(_signed(one, [fixtures.signer("zhanar")]), _low) == set()
	_at(_signed(object.union(_good, {"approvers": []}), _signers), _low) == {"deny approver_missing"}
}

test_compliance_is_independent_at_high_risk if {
	request := _signed(_good, [fixtures.signer("zhanar"), _insider("murat")])
	_at(request, {}) == {"deny compliance_not_independent"}
	_at(request, _low) == set()
}

test_the_text_makes_nobody_independent if {
	approval := object.union(_good, {"approvers": [
		object.union(_owner, {"independent": true}),
		object.union(_officer, {"independent": true}),
	]})
	_said_of_signed(approval, [_insider("zhanar"), _insider("murat")]) == {
		"deny approver_not_independent",
		"deny compliance_not_independent",
	}
}

test_two_approvers_at_high_risk if {
	_said(_alone) == {"deny approvers_few", "deny function_missing"}
	every context in [
		{"kz_risk": "high", "eu_class": "minimal"},
		{"kz_risk": "medium"},
		{"kz_risk": "medium", "eu_class": "high_risk_annex_i"},
	] {
		_at(_declared(_alone), context) == {"deny approvers_few", "deny function_missing"}
	}
}

test_business_and_compliance_at_high_risk if {
	other := object.union(_owner, {"function": "other"})
	found := acc_02.violation with input as _declared(object.union(_good, {"approvers": [other, _officer]}))
	fixtures.said(found) == {"deny function_missing"}
	{violation.found | some violation in found} == {["business_owner"]}
	_with({"approvers": [_owner, object.remove(_officer, ["function"])]}) == {"deny function_missing"}
	_at(_declared(object.union(_good, {"approvers": [other, other]})), _low) == set()
}

test_one_person_holds_one_function if {
	twice := object.union(_officer, {"approver": "Zhanar"})
	_with({"approvers": [_owner, twice]}) == {"deny approvers_few", "deny functions_not_separate"}
	_with({"approvers": [_owner, _officer, twice]}) == {"deny functions_not_separate"}
	_at(_declared(object.union(_good, {"approvers": [_owner, twice]})), _low) == set()
}

test_day_of_a_declared_approval if {
	_with({"signed_on": fixtures.day(-31)}) == {"deny signed_out_of_date"}
	_with({"signed_on": fixtures.day(1)}) == {"deny signed_out_of_date"}
	_with({"signed_on": fixtures.day(0)}) == set()
	_without("signed_on") == {"deny signed_out_of_date"}
}

test_signatures_have_their_own_day if {
	old := object.union(_good, {"signed_on": fixtures.day(-400)})
	_said_of_signed(old, _signers) == set()
	fact := object.union(fixtures.fact(_good), {"signers": _signers, "issued_at": fixtures.day(-31)})
	every issued in [fixtures.day(-31), fixtures.day(1), null] {
		facts := [object.union(fact, {"issued_at": issued})]
		request := object.union(fixtures.empty_request, {"evidence": {"release_approval": facts}})
		_at(request, {}) == {"deny signed_out_of_date"}
	}
}

test_signed_before_training if {
	_trained(_declared(_good), -30) == set()
	_trained(_declared(_good), -29) == {"deny signed_before_training"}
	_trained(_signed(_good, _signers), -29) == {"deny signed_before_training"}
	_trained(_declared(object.remove(_good, ["signed_on"])), -29) == {"deny signed_out_of_date"}
}

_trained(request, day) := said if {
	trained := object.union(request, {"subject": {"trained_at": fixtures.day(day)}})
	said := fixtures.said(acc_02.violation) with input as trained
}

test_purpose if {
	_without("purpose") == {"deny purpose_missing"}
	_with({"purpose": " "}) == {"deny purpose_missing"}
}

test_purpose_that_the_model_card_rules_out if {
	_with_card(_good, ["Scoring of small firms"]) == set()
	every use in ["Scoring of consumer loans", " scoring of CONSUMER loans "] {
		_with_card(_good, ["Scoring of small firms", use]) == {"deny purpose_out_of_scope"}
	}
	kazakh := object.union(_good, {"purpose": "Тұтынушылық несие скорингі"})
	_with_card(kazakh, ["ТҰТЫНУШЫЛЫҚ НЕСИЕ СКОРИНГІ"]) == {"deny purpose_out_of_scope"}
	_with_card(object.remove(_good, ["purpose"]), ["Scoring of consumer loans", " "]) == {"deny purpose_missing"}
}

test_without_a_model_card_nothing_is_ruled_out if {
	_said(_good) == set()
	_with_card(_good, []) == set()
}

_with_card(approval, uses) := said if {
	cards := [fixtures.declared({"out_of_scope_uses": uses})]
	request := object.union(_declared(approval), {"evidence": {"model_card": cards}})
	said := fixtures.said(acc_02.violation) with input as request
}

test_thresholds_can_be_tightened if {
	settings := {"ACC-02": {"max_age_days": 29, "approvers_high": 3}}
	request := object.union(_declared(_good), {"settings": {"thresholds": settings}})
	_at(request, {}) == {"deny signed_out_of_date", "deny approvers_few"}
	_at(request, _low) == {"deny signed_out_of_date"}
}

test_the_worst_approval_counts if {
	bad := object.union(_good, {"authors": ["murat"]})
	facts := [fixtures.declared(_good), fixtures.declared(bad)]
	request := object.union(_declared(_good), {"evidence": {"release_approval": facts}})
	_at(request, {}) == {"deny approver_is_author"}
}

test_what_nobody_independent_signed_is_too_weak_in_production if {
	request := object.union(_declared(_good), {"stage": "production"})
	evidence.minimum_strength("release_approval") == "independent" with input as request
		with data.profiles as {"article-baseline": {"controls": {"ACC-02": {"severity": "deny"}}}}
}

test_every_code_has_a_text if {
	empty := acc_02.violation with input as _declared({})
	bad := acc_02.violation with input as object.union(
		_declared(object.union(_good, {"approvers": [
			object.remove(_owner, ["post"]),
			object.union(_officer, {"approver": "zhanar"}),
		]})),
		{
			"evidence": {"model_card": [fixtures.declared({"out_of_scope_uses": [_good.purpose]})]},
			"subject": {"trained_at": fixtures.day(0)},
		},
	)
	author := object.union(_good, {"authors": ["murat"]})
	signed := acc_02.violation with input as _signed(author, [_insider("murat")])
	texts := object.keys(data.catalog["ACC-02"].texts.en.violations)
	{violation.code | some violation in ((empty | bad) | signed)} == texts
}
