# METADATA
# title: IMP-03 Human-rights and ethical impact assessment
# description: |
#   Whom the system affects and which rights it may restrict was assessed with those people, and what was made a
#   condition is done in time.
package qaqpa.controls.imp_03

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_assessments := evidence.judged("rights_assessment")

_rights := ["effective_remedy", "equality", "privacy"]

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains field if {
	context.affects_rights == false
	context.kz_risk != "high"
	some field in ["affects_rights", "kz_risk"]
}

# METADATA
# description: What is wrong.
violation contains found if {
	some assessment in _assessments
	not fields.has_document(assessment.predicate, "assessment")
	found := violations.deny("document_missing", assessment, "assessment", "", "uri, sha256")
}

violation contains found if {
	some assessment in _assessments
	conclusion := fields.text(assessment.predicate, "conclusion")
	not conclusion in ["conditions", "proceed"]
	found := violations.deny("conclusion_stop", assessment, "conclusion", conclusion, "proceed")
}

violation contains found if {
	some assessment in _assessments
	lacking := fields.lacking(fields.texts(assessment.predicate, "rights_considered"), _rights)
	count(lacking) > 0
	found := violations.deny("rights_lacking", assessment, "rights_considered", lacking, _rights)
}

violation contains found if {
	some assessment in _assessments
	fields.text(assessment.predicate, "conclusion") == "conditions"
	count(fields.list(assessment.predicate, "conditions")) == 0
	found := violations.deny("conditions_missing", assessment, "conditions", [], "at least one")
}

violation contains found if {
	some assessment in _assessments
	some condition in _open(assessment)
	due := fields.moment(condition, "due")
	due.text != ""
	not dates.not_ended(due)
	value := {"text": fields.text(condition, "text"), "due": due.text}
	found := violations.deny("condition_overdue", assessment, "conditions", value, "closed")
}

violation contains found if {
	some assessment in _assessments
	some condition in _open(assessment)
	fields.moment(condition, "due").text == ""
	value := fields.text(condition, "text")
	found := violations.deny("condition_without_due", assessment, "conditions/due", value, "a day")
}

violation contains found if {
	some assessment in _assessments
	completed := fields.moment(assessment.predicate, "completed_on")
	not moments.reached(completed)
	found := violations.deny("completed_in_future", assessment, "completed_on", completed.text, input.now.text)
}

violation contains found if {
	some assessment in _assessments
	completed := fields.moment(assessment.predicate, "completed_on")
	moments.reached(completed)
	days := threshold.value("IMP-03", "review_max_age_days")
	not dates.within_days(completed, days)
	found := violations.warn("review_due", assessment, "completed_on", completed.text, days)
}

violation contains found if {
	some assessment in _assessments
	done := object.get(fields.record_in(assessment.predicate, "consultation"), "done", false)
	done != true
	found := violations.warn("consultation_missing", assessment, "consultation/done", done, true)
}

violation contains found if {
	some assessment in _assessments
	count(fields.texts(assessment.predicate, "affected_groups")) == 0
	found := violations.warn("affected_groups_missing", assessment, "affected_groups", [], "at least one")
}

_open(assessment) := [condition |
	some condition in fields.list(assessment.predicate, "conditions")
	fields.text(condition, "status") != "closed"
]
