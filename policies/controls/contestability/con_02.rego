# METADATA
# title: CON-02 Review by a competent human within the deadline
# description: |
#   Posts that did not take the first decision, and can change it, decide on objections; in Kazakhstan within the term
#   that is set there. A dry run has lately shown that the way from objection to answer works.
package qaqpa.controls.con_02

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_reviews := evidence.judged("human_review")

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "affects_rights" if context.affects_rights == false

# METADATA
# description: What is wrong.
violation contains found if {
	some review in _reviews
	count(_posts(review)) == 0
	found := violations.deny("reviewer_missing", review, "reviewer_posts", [], "at least one")
}

violation contains found if {
	some review in _reviews
	power := object.get(review.predicate, "can_change_decision", false)
	power != true
	found := violations.deny("cannot_change_decision", review, "can_change_decision", power, true)
}

violation contains found if {
	some review in _reviews
	independent := object.get(review.predicate, "independent_of_first_decision", false)
	independent != true
	found := violations.deny("not_independent", review, "independent_of_first_decision", independent, true)
}

# What another record says of the first decision is not taken on trust. Posts are compared as they read.
violation contains found if {
	some review in _reviews
	some flow in evidence.judged("decision_flow")
	decider := fields.folded(fields.text(flow.predicate, "final_decider_role"))
	same := [post | some post in _posts(review); fields.folded(post) == decider]
	count(same) > 0
	found := violations.deny("reviewer_is_first_decider", review, "reviewer_posts", same, "another post")
}

violation contains found if {
	some review in _reviews
	kept := object.get(review.predicate, "register_kept", false)
	kept != true
	found := violations.deny("register_missing", review, "register_kept", kept, true)
}

violation contains found if {
	_personal_data_in("KZ")
	some review in _reviews
	days := object.get(review.predicate, "answer_working_days", null)
	not is_number(days)
	required := threshold.value("CON-02", "kz_objection_working_days")
	found := violations.deny("kz_term_missing", review, "answer_working_days", "", required)
}

violation contains found if {
	_personal_data_in("KZ")
	some review in _reviews
	days := object.get(review.predicate, "answer_working_days", null)
	is_number(days)
	threshold.above("CON-02", "kz_objection_working_days", days)
	required := threshold.value("CON-02", "kz_objection_working_days")
	found := violations.deny("kz_term_too_long", review, "answer_working_days", days, required)
}

violation contains found if {
	_personal_data_in("EU")
	some review in _reviews
	days := object.get(review.predicate, "answer_days", null)
	not is_number(days)
	required := threshold.value("CON-02", "eu_reply_days")
	found := violations.warn("eu_term_missing", review, "answer_days", "", required)
}

violation contains found if {
	_personal_data_in("EU")
	some review in _reviews
	days := object.get(review.predicate, "answer_days", null)
	is_number(days)
	threshold.above("CON-02", "eu_reply_days", days)
	required := threshold.value("CON-02", "eu_reply_days")
	found := violations.warn("eu_term_too_long", review, "answer_days", days, required)
}

violation contains found if {
	some review in _reviews
	held := fields.moment(_dry_run(review), "on")
	days := threshold.value("CON-02", "dry_run_max_age_days")
	not dates.within_days(held, days)
	found := violations.by_risk(_dry_run_code(held), review, "dry_run/on", held.text, days)
}

violation contains found if {
	some review in _reviews
	fields.moment(_dry_run(review), "on").text != ""
	not fields.has_document(_dry_run(review), "report")
	found := violations.warn("dry_run_report_missing", review, "dry_run/report", "", "uri, sha256")
}

violation contains found if {
	some review in _reviews
	not fields.has_document(review.predicate, "procedure")
	found := violations.warn("procedure_missing", review, "procedure", "", "uri, sha256")
}

_posts(review) := fields.texts(review.predicate, "reviewer_posts")

_dry_run(review) := fields.record_in(review.predicate, "dry_run")

_dry_run_code(held) := "dry_run_missing" if {
	held.text == ""
} else := "dry_run_out_of_date"

_personal_data_in(place) if {
	context.personal_data
	place in context.jurisdictions
}
