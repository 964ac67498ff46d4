package qaqpa.controls.con_02_test

import data.qaqpa.controls.con_02
import data.qaqpa.fixtures_test as fixtures
import data.qaqpa.threshold

_good := {
	"procedure": fixtures.document,
	"reviewer_posts": ["Ombudsman", "Lawyer on duty"],
	"can_change_decision": true,
	"independent_of_first_decision": true,
	"answer_working_days": 3,
	"answer_days": 30,
	"register_kept": true,
	"dry_run": {"on": fixtures.day(-365), "report": fixtures.document},
}

_low := {"kz_risk": "medium", "eu_class": "minimal"}

_said(context, review) := _said_of(context, [review])

_said_of(context, reviews) := said if {
	facts := [fixtures.fact(review) | some review in reviews]
	request := object.union(fixtures.empty_request, {"context": context, "evidence": {"human_review": facts}})
	said := fixtures.said(con_02.violation) with input as request
}

_with(change) := _said({}, object.union(_good, change))

_without(field) := _said({}, object.remove(_good, [field]))

test_passes if {
	_said({}, _good) == set()
	_said(_low, _good) == set()
}

test_not_applicable_only_when_the_context_says_so if {
	con_02.not_applicable_because == {"affects_rights"} with input.context as fixtures.spares_rights
	con_02.not_applicable_because == set() with input.context as {"affects_rights": true}
	con_02.not_applicable_because == set() with input.context as {}
}

test_nothing_is_found_without_evidence if con_02.violation == set() with input as fixtures.empty_request

test_reviewers if {
	_without("reviewer_posts") == {"deny reviewer_missing"}
	_with({"reviewer_posts": []}) == {"deny reviewer_missing"}
	_with({"reviewer_posts": [" "]}) == {"deny reviewer_missing"}
}

test_power_independence_and_register if {
	every field, code in {
		"can_change_decision": "deny cannot_change_decision",
		"independent_of_first_decision": "deny not_independent",
		"register_kept": "deny register_missing",
	} {
		_without(field) == {code}
		every value in [false, null, "true"] {
			_with({field: value}) == {code}
		}
	}
}

test_who_decided_first_does_not_review if {
	_decided_by(["Loan officer"], _good) == set()
	every decider in ["Ombudsman", " ombudsman ", "OMBUDSMAN"] {
		_decided_by([decider], _good) == {"deny reviewer_is_first_decider"}
	}
	_decided_by(["Loan officer", "Lawyer on duty"], _good) == {"deny reviewer_is_first_decider"}
	kazakh := object.union(_good, {"reviewer_posts": ["Несие бөлімінің басшысы"]})
	_decided_by(["НЕСИЕ БӨЛІМІНІҢ БАСШЫСЫ"], kazakh) == {"deny reviewer_is_first_decider"}
}

test_a_flow_that_names_no_decider_says_nothing if {
	_decided_by(["", " "], _good) == set()
	_decided_by([null], _good) == set()
	_decided_by([""], object.remove(_good, ["reviewer_posts"])) == {"deny reviewer_missing"}
}

_decided_by(deciders, review) := said if {
	flows := [fixtures.fact({"final_decider_role": decider}) | some decider in deciders]
	request := object.union(fixtures.request({}, "human_review", review), {"evidence": {"decision_flow": flows}})
	said := fixtures.said(con_02.violation) with input as request
}

test_term_in_kazakhstan if {
	_with({"answer_working_days": 4}) == {"deny kz_term_too_long"}
	_with({"answer_working_days": 0}) == set()
	_with({"answer_working_days": "3"}) == {"deny kz_term_missing"}
	_without("answer_working_days") == {"deny kz_term_missing"}
}

test_term_in_kazakhstan_only_where_it_applies if {
	late := object.union(_good, {"answer_working_days": 4})
	unknown := object.remove(_good, ["answer_working_days"])
	every context in [{"jurisdictions": ["EU", "OTHER"]}, {"personal_data": false}] {
		_said(context, late) == set()
		_said(context, unknown) == set()
	}
	_said({"jurisdictions": ["KZ"], "personal_data": true}, late) == {"deny kz_term_too_long"}
}

test_term_in_the_eu if {
	_with({"answer_days": 31}) == {"warn eu_term_too_long"}
	_with({"answer_days": 0}) == set()
	_with({"answer_days": "30"}) == {"warn eu_term_missing"}
	_without("answer_days") == {"warn eu_term_missing"}
}

test_term_in_the_eu_only_where_it_applies if {
	late := object.union(_good, {"answer_days": 31})
	unknown := object.remove(_good, ["answer_days"])
	every context in [{"jurisdictions": ["KZ", "OTHER"]}, {"personal_data": false}] {
		_said(context, late) == set()
		_said(context, unknown) == set()
	}
	_said({"jurisdictions": ["EU"], "personal_data": true}, late) == {"warn eu_term_too_long"}
}

test_dry_run_by_risk if {
	old := object.union(_good, {"dry_run": {"on": fixtures.day(-366)}})
	_said({}, old) == {"deny dry_run_out_of_date"}
	_said({"kz_risk": "medium"}, old) == {"deny dry_run_out_of_date"}
	_said(_low, old) == {"warn dry_run_out_of_date"}
	_with({"dry_run": {"on": fixtures.day(1)}}) == {"deny dry_run_out_of_date"}
	_with({"dry_run": {"on": fixtures.day(0)}}) == set()
}

test_no_dry_run_by_risk if {
	without := object.remove(_good, ["dry_run"])
	_said({}, without) == {"deny dry_run_missing"}
	_said(_low, without) == {"warn dry_run_missing"}
	_said({}, object.union(without, {"dry_run": {"report": fixtures.document}})) == {"deny dry_run_missing"}
}

test_report_of_the_dry_run if {
	_said({}, object.union(object.remove(_good, ["dry_run"]), {"dry_run": {"on": fixtures.day(0)}})) == {
		"warn dry_run_report_missing",
	}
}

test_procedure if _without("procedure") == {"warn procedure_missing"}

test_thresholds_can_be_tightened if {
	settings := {"CON-02": {"kz_objection_working_days": 2, "eu_reply_days": 29, "dry_run_max_age_days": 364}}
	request := object.union(fixtures.request({}, "human_review", _good), {"settings": {"thresholds": settings}})
	found := con_02.violation with input as request
	fixtures.said(found) == {"deny kz_term_too_long", "warn eu_term_too_long", "deny dry_run_out_of_date"}
}

test_what_the_law_set_is_not_loosened if {
	settings := {"CON-02": {"kz_objection_working_days": 4, "eu_reply_days": 90}}
	loosened := threshold.loosened with input as {"settings": {"thresholds": settings}}
	{entry.threshold | some entry in loosened} == {"kz_objection_working_days"}
}

test_the_worst_record_counts if {
	slow := object.union(_good, {"answer_working_days": 10})
	_said_of({}, [_good, slow, object.remove(_good, ["procedure"])]) == {
		"deny kz_term_too_long",
		"warn procedure_missing",
	}
}

test_every_code_has_a_text if {
	late := object.union(_good, {"answer_working_days": 4, "answer_days": 31, "dry_run": {"on": fixtures.day(1)}})
	without_report := object.union(object.remove(late, ["dry_run"]), {"dry_run": {"on": fixtures.day(1)}})
	facts := [fixtures.fact(review) | some review in [{}, without_report]]
	flows := [fixtures.fact({"final_decider_role": "Ombudsman"})]
	request := object.union(fixtures.empty_request, {"evidence": {"human_review": facts, "decision_flow": flows}})
	found := con_02.violation with input as request
	{violation.code | some violation in found} == object.keys(data.catalog["CON-02"].texts.en.violations)
}
