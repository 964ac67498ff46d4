package qaqpa.controls.acc_01_test

import data.qaqpa.controls.acc_01
import data.qaqpa.fixtures_test as fixtures

_party(role, name, task) := {
	"role": role,
	"legal_name": name,
	"tasks": [{"task": task, "accountable": true}],
	"liability": ["civil"],
}

_developer := _party("developer", "Coders LLP", "training")

_organisation := _party("organisation", "Bank JSC", "operation")

_user := _party("user", "Branch", "reading the score")

_supplier := _party("data_supplier", "Bureau", "data")

_ministry := _party("state_body", "Ministry", "supervision")

_good := {
	"parties": [_developer, _organisation, _user, _supplier],
	"redress_contact": "claims@example.org",
	"insurance": fixtures.document,
	"third_party_training_data": true,
	"state_body_role": "none",
	"state_body_reason": "A private bank.",
	"approved_on": fixtures.day(-365),
}

_context := {"kz_risk": "medium"}

_said(context, matrix) := said if {
	found := acc_01.violation with input as fixtures.request(context, "responsibility", matrix)
	said := fixtures.said(found)
}

_with(change) := _said(_context, object.union(_good, change))

_without(field) := _said(_context, object.remove(_good, [field]))

test_passes if {
	_said(_context, _good) == set()
	_said({"kz_risk": "high"}, _good) == set()
}

test_always_applies if {
	acc_01.not_applicable_because == set() with input as fixtures.request({}, "responsibility", _good)
	_said({}, _good) == set()
}

test_roles if {
	_with({"parties": [_organisation, _user, _supplier]}) == {"deny role_missing"}
	_with({"parties": [_developer, _user, _supplier]}) == {"deny role_missing"}
	_with({"parties": [_developer, _organisation, _supplier]}) == {"deny role_missing"}
	unnamed := object.union(_user, {"legal_name": " "})
	_with({"parties": [_developer, _organisation, unnamed, _supplier]}) == {"deny role_missing"}
	_without("parties") == {"deny role_missing", "deny data_supplier_missing"}
}

test_data_supplier if {
	three := {"parties": [_developer, _organisation, _user]}
	_with(three) == {"deny data_supplier_missing"}
	_with(object.union(three, {"third_party_training_data": false})) == set()
	silent := object.remove(object.union(_good, three), ["third_party_training_data"])
	_said(_context, silent) == {"deny data_supplier_missing"}
}

test_state_body_role if {
	_without("state_body_role") == {"deny state_body_role_missing"}
	_with({"state_body_role": "watches"}) == {"deny state_body_role_missing"}
}

test_state_body_reason if {
	_without("state_body_reason") == {"deny state_body_reason_missing"}
	_with({"state_body_reason": " "}) == {"deny state_body_reason_missing"}
}

test_state_body if {
	_with({"state_body_role": "introduces"}) == {"deny state_body_missing"}
	_with({"state_body_role": "regulates"}) == {"deny state_body_missing"}
	five := [_developer, _organisation, _user, _supplier, _ministry]
	_with({"state_body_role": "introduces", "parties": five}) == set()
	introduced := object.union(_good, {"state_body_role": "introduces", "parties": five})
	_said(_context, object.remove(introduced, ["state_body_reason"])) == set()
}

test_tasks if {
	idle := object.union(_user, {"tasks": [{"task": " ", "accountable": false}]})
	_with({"parties": [_developer, _organisation, idle, _supplier]}) == {"deny tasks_missing"}
	without := object.remove(_user, ["tasks"])
	_with({"parties": [_developer, _organisation, without, _supplier]}) == {"deny tasks_missing"}
}

test_liability if {
	free := object.union(_user, {"liability": []})
	_with({"parties": [_developer, _organisation, free, _supplier]}) == {"deny liability_missing"}
	without := object.remove(_user, ["liability"])
	_with({"parties": [_developer, _organisation, without, _supplier]}) == {"deny liability_missing"}
}

test_task_of_two_parties if {
	twice := _party("user", "Branch", " TRAINING ")
	_with({"parties": [_developer, _organisation, twice, _supplier]}) == {"deny task_accountable_twice"}
	helping := object.union(twice, {"tasks": [{"task": "training", "accountable": false}]})
	_with({"parties": [_developer, _organisation, helping, _supplier]}) == set()
	unclear := object.union(twice, {"tasks": [{"task": "training"}]})
	_with({"parties": [_developer, _organisation, unclear, _supplier]}) == {"deny task_accountable_twice"}
}

test_task_of_nobody if {
	asking := {"task": "Watching", "accountable": false}
	helping := object.union(_user, {"tasks": array.concat(_user.tasks, [asking])})
	_with({"parties": [_developer, _organisation, helping, _supplier]}) == {"warn task_unaccountable"}
	answering := object.union(_supplier, {"tasks": [{"task": "watching ", "accountable": true}]})
	_with({"parties": [_developer, _organisation, helping, answering]}) == set()
}

test_one_party_in_two_roles_may_answer_for_one_task if {
	same := _party("user", " bank jsc", "operation")
	_with({"parties": [_developer, _organisation, same, _supplier]}) == set()
}

test_redress_contact if _without("redress_contact") == {"deny redress_contact_missing"}

test_insurance_by_risk if {
	uninsured := object.remove(_good, ["insurance"])
	_said({"kz_risk": "high"}, uninsured) == {"warn insurance_missing"}
	_said({}, uninsured) == {"warn insurance_missing"}
	_said({"kz_risk": "medium"}, uninsured) == set()
}

test_approval if {
	_with({"approved_on": fixtures.day(0)}) == set()
	_with({"approved_on": fixtures.day(1)}) == {"deny approved_in_future"}
	_with({"approved_on": fixtures.day(-366)}) == {"warn approval_old"}
	_without("approved_on") == {"deny approved_in_future"}
}
