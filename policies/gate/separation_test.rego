package qaqpa.separation_test

import data.qaqpa.fixtures_test as fixtures
import data.qaqpa.separation

_signed(kind, signers) := {kind: [object.union(fixtures.fact({}), {"signers": signers})]}

_alone := _signed("x", [fixtures.signer("ann")])

_together := _signed("x", [fixtures.signer("ann"), fixtures.signer("bob")])

_not_separated := {{"code": "separation_of_duties", "detail": "ann"}}

_unknown := {{"code": "actor_unknown", "detail": ""}}

_found(change) := found if {
	found := separation.problems with input as object.union(fixtures.empty_request, change)
}

_by_setting(setting, actor, evidence) := found if {
	request := {"settings": {"separation_of_duties": setting}, "actor": actor, "evidence": evidence}
	found := _found(request)
}

test_who_alone_signed_everything_may_not_ask if {
	every setting in ["when_known", "required"] {
		_by_setting(setting, "ann", _alone) == _not_separated
		_by_setting(setting, "ann", object.union(_alone, _signed("y", [fixtures.signer("ann")]))) == _not_separated
	}
}

test_one_more_signer_is_enough if {
	every setting in ["when_known", "required"] {
		_by_setting(setting, "ann", _together) == set()
		_by_setting(setting, "ann", object.union(_alone, _signed("y", [fixtures.signer("bob")]))) == set()
		_by_setting(setting, "bob", _alone) == set()
	}
}

test_names_that_only_look_different_are_one_person if {
	every actor in ["Ann", "ANN", " ann", "\uff21nn", "a\u200bnn"] {
		_by_setting("when_known", actor, _alone) == {{"code": "separation_of_duties", "detail": actor}}
	}
	both := _signed("x", [fixtures.signer("ann"), fixtures.signer("Ann")])
	_by_setting("when_known", "ann", both) == _not_separated
	every actor in ["an", "anna", "a nn", "аnn", ""] {
		_by_setting("when_known", actor, _alone) == set()
	}
}

test_where_nobody_signed_nobody_alone_did if {
	_by_setting("when_known", "ann", {}) == set()
	_by_setting("required", "ann", {"x": [fixtures.declared({})]}) == set()
}

test_a_signature_that_does_not_count_separates_nothing if {
	weak := object.union(fixtures.declared({}), {"signers": [fixtures.signer("bob")]})
	_by_setting("when_known", "ann", {"x": [_alone.x[0], weak]}) == _not_separated
}

test_who_asks_has_to_be_known_where_that_is_required if {
	_by_setting("required", null, _together) == _unknown
	_by_setting("when_known", null, _alone) == set()
}

test_off if {
	_by_setting("off", "ann", _alone) == set()
	_by_setting("off", null, _alone) == set()
}

test_an_unknown_setting_switches_nothing_off if {
	every setting in ["on", "Off", "", null, false, ["off"]] {
		_by_setting(setting, "ann", _alone) == _not_separated
	}
	request := object.union(fixtures.empty_request, {"actor": "ann", "evidence": _alone})
	every path in ["settings", "settings/separation_of_duties"] {
		found := separation.problems with input as json.remove(request, [path])
		found == _not_separated
	}
}

test_only_production_asks if {
	every stage in ["review", "staging"] {
		request := {"stage": stage, "actor": "ann", "evidence": _alone}
		_found(request) == set()
	}
	_found({"stage": "live", "actor": "ann", "evidence": _alone}) == _not_separated
}
