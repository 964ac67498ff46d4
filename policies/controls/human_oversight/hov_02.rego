# METADATA
# title: HOV-02 Named, competent and authorised overseers
# description: |
#   Named posts oversee the system, may override and stop it, were trained lately (on automation bias too), have
#   deputies, and have time for each case.
package qaqpa.controls.hov_02

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.ratio
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_plans := evidence.judged("oversight")

_authority := ["override", "stop"]

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "affects_rights" if context.affects_rights == false

# METADATA
# description: What is wrong.
violation contains found if {
	some plan in _plans
	count(_persons(plan)) == 0
	found := violations.deny("persons_missing", plan, "persons", [], "at least one")
}

violation contains found if {
	some plan in _plans
	some person in _persons(plan)
	fields.text(person, "post") == ""
	found := violations.deny("post_missing", plan, "persons/post", "", "a post")
}

violation contains found if {
	some plan in _plans
	some person in _persons(plan)
	held := fields.texts(person, "authority")
	lacking := [power | some power in _authority; not power in held]
	count(lacking) > 0
	value := {"post": fields.text(person, "post"), "lacking": lacking}
	found := violations.deny("authority_lacking", plan, "persons/authority", value, _authority)
}

violation contains found if {
	some plan in _plans
	some person in _persons(plan)
	trained := fields.moment(person, "trained_on")
	days := threshold.value("HOV-02", "training_max_age_days")
	not dates.within_days(trained, days)
	value := {"post": fields.text(person, "post"), "trained_on": trained.text}
	found := violations.deny("training_out_of_date", plan, "persons/trained_on", value, days)
}

violation contains found if {
	some plan in _plans
	some person in _persons(plan)
	topics := fields.texts(person, "training_topics")
	not "automation_bias" in topics
	value := {"post": fields.text(person, "post"), "topics": topics}
	found := violations.deny("training_topic_missing", plan, "persons/training_topics", value, "automation_bias")
}

violation contains found if {
	some plan in _plans
	some person in _persons(plan)
	post := fields.text(person, "post")
	deputy := fields.text(person, "deputy")
	fields.folded(deputy) in {"", fields.folded(post)}
	found := _by_risk("deputy_missing", plan, "persons/deputy", post, "another post")
}

violation contains found if {
	some plan in _plans
	lacking := [field |
		some field in ["caseload_per_person_per_day", "min_review_minutes"]
		not _positive(plan, field)
	]
	count(lacking) > 0
	found := violations.warn("workload_unknown", plan, "min_review_minutes", lacking, "whole numbers above zero")
}

violation contains found if {
	some plan in _plans
	cases := object.get(plan.predicate, "caseload_per_person_per_day", 0)
	minutes := object.get(plan.predicate, "min_review_minutes", 0)
	needed := ratio.times(cases, minutes)
	threshold.above("HOV-02", "max_minutes_day", needed)
	required := threshold.value("HOV-02", "max_minutes_day")
	value := {"cases": cases, "minutes": minutes, "needed": needed}
	found := violations.warn("workload_too_high", plan, "caseload_per_person_per_day", value, required)
}

violation contains found if {
	some plan in _plans
	not fields.has_document(plan.predicate, "literacy_register")
	found := violations.warn("literacy_register_missing", plan, "literacy_register", "", "uri, sha256")
}

violation contains found if {
	some plan in _plans
	not fields.has_document(plan.predicate, "plan")
	found := violations.warn("plan_missing", plan, "plan", "", "uri, sha256")
}

_persons(plan) := fields.list(plan.predicate, "persons")

_by_risk(code, plan, field, found, required) := violations.deny(code, plan, field, found, required) if {
	context.kz_risk == "high"
} else := violations.warn(code, plan, field, found, required)

_positive(plan, field) if {
	fields.at_least(plan.predicate, field, 1)
}
