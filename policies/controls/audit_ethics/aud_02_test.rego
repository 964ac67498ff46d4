package qaqpa.controls.aud_02_test

import data.qaqpa.controls.aud_02
import data.qaqpa.evidence
import data.qaqpa.fixtures_test as fixtures

_member(id, disciplines) := {
	"id": id,
	"disciplines": disciplines,
	"employer_is_owner": false,
	"signed_on": fixtures.day(0),
}

_insider(id, disciplines) := object.union(_member(id, disciplines), {"employer_is_owner": true})

_members := [
	_member("a", ["philosophy", "sociology"]),
	_member("b", ["political_science"]),
	_member("c", ["cultural_studies", "psychology"]),
	_insider("d", ["law"]),
	_insider("e", ["arts"]),
]

_complete := {
	"order": fixtures.document,
	"appointed_by": "the ministry",
	"country": "KZ",
	"members": _members,
	"chair": "a",
	"public_benefit": {"statement": "useful", "reasons": "Shorter waiting."},
	"dissents": [],
	"decided_on": fixtures.day(0),
}

_with(changes) := _declared({}, object.union(_complete, changes))

# Nobody signed it, which is enough at review.
_declared(context, predicate) := object.union(fixtures.empty_request, {
	"stage": "review",
	"context": context,
	"evidence": {"commission": [fixtures.declared(predicate)]},
})

# As the persons of the text sign it, with their disciplines.
_signers := [
	object.union(_signer("a", ["philosophy", "sociology"]), {"roles": ["commission_member", "commission_chair"]}),
	_signer("b", ["political_science"]),
	_signer("c", ["cultural_studies", "psychology"]),
	_signing_insider("d", ["law"]),
	_signing_insider("e", ["arts"]),
]

_signer(id, disciplines) := object.union(fixtures.signer(id), {
	"roles": ["commission_member"],
	"disciplines": disciplines,
})

_signing_insider(id, disciplines) := object.union(_signer(id, disciplines), {"independent": false})

# What is found in a statement with changes that these persons signed.
_found_in_signed(changes, signers) := found if {
	fact := object.union(fixtures.fact(object.union(_complete, changes)), {"signers": signers})
	found := aud_02.violation with input as object.union(fixtures.empty_request, {"evidence": {"commission": [fact]}})
}

_bare_members := [{"id": member.id, "disciplines": [], "employer_is_owner": true} | some member in _members]

_empty_codes := {
	"order_missing",
	"appointed_by_missing",
	"country_missing",
	"discipline_missing",
	"field_specialist_missing",
	"members_few",
	"independent_not_majority",
	"chair_missing",
	"public_benefit_missing",
	"decided_in_future",
}

test_pass_with_every_number_at_its_boundary if {
	count(aud_02.violation) == 0 with input as _with({})
}

test_does_not_apply_to_harmless_systems if {
	every risk in ["minimal", "medium"] {
		context := object.union(fixtures.spares_rights, {"kz_risk": risk})
		because := aud_02.not_applicable_because with input as fixtures.request(context, "commission", {})
		because == {"affects_rights", "kz_risk"}
	}
}

test_applies_elsewhere if {
	every context in [
		{},
		fixtures.spares_rights,
		{"kz_risk": "minimal"},
		object.union(fixtures.spares_rights, {"kz_risk": "high"}),
		{"affects_rights": true, "kz_risk": "minimal"},
	] {
		because := aud_02.not_applicable_because with input as fixtures.request(context, "commission", {})
		because == set()
	}
}

test_each_field_is_asked_for if {
	every field, code in {
		"order": "deny order_missing",
		"appointed_by": "deny appointed_by_missing",
		"country": "deny country_missing",
		"chair": "deny chair_missing",
		"public_benefit": "deny public_benefit_missing",
		"dissents": "warn dissents_missing",
		"decided_on": "deny decided_in_future",
	} {
		found := aud_02.violation with input as _declared({}, object.remove(_complete, [field]))
		fixtures.said(found) == {code}
	}
}

test_an_empty_record if {
	found := aud_02.violation with input as _declared({}, {})
	fixtures.said(found) == {concat(" ", ["deny", code]) | some code in _empty_codes} | {"warn dissents_missing"}
}

test_each_discipline_is_required if {
	every discipline in ["cultural_studies", "law", "philosophy", "political_science", "psychology", "sociology"] {
		members := [object.union(member, {"disciplines": others}) |
			some member in _members
			others := [other | some other in member.disciplines; other != discipline]
		]
		found := aud_02.violation with input as _with({"members": members})
		fixtures.said(found) == {"deny discipline_missing"}
		{violation.found | some violation in found} == {[discipline]}
	}
}

test_a_specialist_of_the_field_stands_for_the_arts if {
	members := array.concat(array.slice(_members, 0, 4), [_insider("e", ["domain_specialist"])])
	count(aud_02.violation) == 0 with input as _with({"members": members})
}

test_neither_arts_nor_field if {
	members := array.concat(array.slice(_members, 0, 4), [_insider("e", ["other"])])
	found := aud_02.violation with input as _with({"members": members})
	fixtures.said(found) == {"deny field_specialist_missing"}
}

test_four_persons_are_few if {
	members := array.concat(array.slice(_members, 0, 3), [_insider("d", ["law", "arts"])])
	found := aud_02.violation with input as _with({"members": members})
	fixtures.said(found) == {"deny members_few"}
	{violation.found | some violation in found} == {4}
}

test_tighter_numbers_count if {
	every name, code in {"min_persons": "members_few", "independent_over_percent": "independent_not_majority"} {
		tighter := {"min_persons": 6, "independent_over_percent": 60}[name]
		asked := object.union(_with({}), {"settings": {"thresholds": {"AUD-02": {name: tighter}}}})
		found := aud_02.violation with input as asked
		fixtures.said(found) == {concat(" ", ["deny", code])}
	}
}

test_who_is_listed_twice_counts_once if {
	twice := _member(" c", ["law", "arts"])
	found := aud_02.violation with input as _with({"members": array.concat(array.slice(_members, 0, 3), [twice, twice])})
	fixtures.said(found) == {"deny members_few", "deny member_listed_twice"}
	{violation.found | some violation in found} == {3, ["c"]}
}

test_a_member_without_a_name if {
	found := aud_02.violation with input as _with({"members": array.concat(_members, [_member(" ", [])])})
	fixtures.said(found) == {"deny member_unnamed"}
}

test_half_is_no_majority if {
	members := array.concat(_members, [_insider("f", [])])
	found := aud_02.violation with input as _with({"members": members})
	fixtures.said(found) == {"deny independent_not_majority"}
	{violation.found | some violation in found} == {{"independent": 3, "insiders": 3, "members": 6}}
}

test_who_is_an_insider_once_is_an_insider if {
	members := array.concat(_members, [_insider("b", [])])
	found := aud_02.violation with input as _with({"members": members})
	fixtures.said(found) == {"deny independent_not_majority", "deny member_listed_twice"}
}

test_unknown_employer_counts_as_insider if {
	members := array.concat(array.slice(_members, 1, 5), [object.remove(_members[0], ["employer_is_owner"])])
	found := aud_02.violation with input as _with({"members": members})
	fixtures.said(found) == {"deny independent_not_majority", "deny chair_not_independent"}
}

test_chair_from_outside if {
	found := aud_02.violation with input as _with({"chair": "z"})
	fixtures.said(found) == {"deny chair_not_member"}
}

test_chair_from_the_owner if {
	found := aud_02.violation with input as _with({"chair": "d"})
	fixtures.said(found) == {"deny chair_not_independent"}
}

test_every_member_signs if {
	members := array.concat(_members, [object.remove(_member("f", []), ["signed_on"])])
	found := aud_02.violation with input as _with({"members": members})
	fixtures.said(found) == {"deny signature_missing"}
	{violation.found | some violation in found} == {["f"]}
}

test_signature_of_tomorrow if {
	members := array.concat(_members, [object.union(_member("f", []), {"signed_on": fixtures.day(1)})])
	found := aud_02.violation with input as _with({"members": members})
	fixtures.said(found) == {"deny signed_in_future"}
	{violation.found | some violation in found} == {["f"]}
}

test_benefit_denied if {
	every statement in ["useless", "harmful"] {
		found := aud_02.violation with input as _with({"public_benefit": {"statement": statement}})
		fixtures.said(found) == {"deny public_benefit_denied"}
	}
}

test_benefit_without_reasons if {
	found := aud_02.violation with input as _with({"public_benefit": {"reasons": " "}})
	fixtures.said(found) == {"deny public_benefit_missing"}
}

test_decision_of_tomorrow if {
	found := aud_02.violation with input as _with({"decided_on": fixtures.day(1)})
	fixtures.said(found) == {"deny decided_in_future"}
}

test_dissents_only_warn if {
	every context in [{}, {"public_sector": false}] {
		dissenting := object.union(_complete, {"dissents": ["Not convinced."]})
		found := aud_02.violation with input as _declared(context, dissenting)
		fixtures.said(found) == {"warn dissents"}
	}
}

test_signers_are_the_commission if {
	_found_in_signed({}, _signers) == set()
	_found_in_signed({"members": _bare_members}, _signers) == set()
	_found_in_signed({"members": []}, _signers) == set()
}

test_days_in_the_text_say_nothing_of_signatures if {
	late := [object.union(member, {"signed_on": fixtures.day(1)}) | some member in _bare_members]
	_found_in_signed({"members": late}, _signers) == set()
}

test_each_discipline_is_held_by_a_signer if {
	every discipline in ["cultural_studies", "law", "philosophy", "political_science", "psychology", "sociology"] {
		signers := [object.union(signer, {"disciplines": others}) |
			some signer in _signers
			others := [other | some other in signer.disciplines; other != discipline]
		]
		found := _found_in_signed({}, signers)
		fixtures.said(found) == {"deny discipline_missing"}
		{violation.found | some violation in found} == {[discipline]}
	}
}

test_who_is_listed_has_signed if {
	members := array.concat(_members, [_member("f", ["law"]), _member("an expert", [])])
	found := _found_in_signed({"members": members}, _signers)
	fixtures.said(found) == {"deny member_not_signed"}
	{violation.found | some violation in found} == {["an expert", "f"]}
}

test_four_signers_are_few if {
	found := _found_in_signed({}, array.concat(array.slice(_signers, 0, 3), [_signing_insider("d", ["law", "arts"])]))
	fixtures.said(found) == {"deny members_few", "deny member_not_signed"}
	{violation.found | some violation in found} == {4, ["e"]}
}

test_half_of_the_signers_is_no_majority if {
	found := _found_in_signed({}, array.concat(_signers, [_signing_insider("f", [])]))
	fixtures.said(found) == {"deny independent_not_majority"}
	{violation.found | some violation in found} == {{"independent": 3, "insiders": 3, "members": 6}}
}

test_a_signer_twice_counts_once_and_at_the_worst if {
	twice := array.concat(_signers, [_signing_insider("b", [])])
	found := _found_in_signed({}, twice)
	fixtures.said(found) == {"deny independent_not_majority"}
	{violation.found | some violation in found} == {{"independent": 2, "insiders": 3, "members": 5}}
}

test_the_text_makes_no_signer_independent if {
	signers := [object.union(signer, {"independent": signer.id in {"a", "b"}}) | some signer in _signers]
	found := _found_in_signed({}, signers)
	fixtures.said(found) == {"deny independent_not_majority"}
}

test_the_chair_signs if {
	every chair in ["z", "A. Chair"] {
		found := _found_in_signed({"chair": chair}, _signers)
		fixtures.said(found) == {"deny chair_not_signed"}
		{violation.found | some violation in found} == {chair}
	}
	fixtures.said(_found_in_signed({"chair": " "}, _signers)) == {"deny chair_missing"}
}

test_the_chair_holds_the_role if {
	found := _found_in_signed({"chair": "b"}, _signers)
	fixtures.said(found) == {"deny chair_without_role"}
	{violation.found | some violation in found} == {"b"}
}

test_the_chair_is_independent if {
	signers := array.concat(_signers, [
		_signer("f", []),
		object.union(_signing_insider("g", []), {"roles": ["commission_chair"]}),
	])
	found := _found_in_signed({"chair": "g"}, signers)
	fixtures.said(found) == {"deny chair_not_independent"}
}

test_what_nobody_signed_is_too_weak_in_production if {
	declared := object.union(_declared({}, _complete), {"stage": "production"})
	found := aud_02.violation with input as declared
	found == set()
	evidence.counted("commission") == [] with input as declared
	evidence.minimum_strength("commission") == "independent" with input as declared
}

test_every_code_has_a_text if {
	empty := aud_02.violation with input as _declared({}, {})
	bad := aud_02.violation with input as _with({
		"members": [{"id": "a"}, {"id": "a", "signed_on": fixtures.day(1)}, {"id": " "}],
		"public_benefit": {"statement": "harmful"},
		"dissents": ["Not convinced."],
	})
	outside := aud_02.violation with input as _with({"chair": "z"})
	unsigned := _found_in_signed({"chair": "z"}, [])
	without_role := _found_in_signed({"chair": "b"}, array.slice(_signers, 0, 2))
	texts := object.keys(data.catalog["AUD-02"].texts.en.violations)
	{violation.code | some violation in ((((empty | bad) | outside) | unsigned) | without_role)} == texts
}
