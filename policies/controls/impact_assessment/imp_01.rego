# METADATA
# title: IMP-01 Data protection impact assessment
# description: |
#   What the processing of personal data does to persons was assessed before the first use, with the opinion of the
#   data-protection officer.
package qaqpa.controls.imp_01

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_assessments := evidence.judged("dpia")

_sections := ["description", "measures", "necessity_proportionality", "risks"]

_opinions := ["conditions", "favourable", "unfavourable"]

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "personal_data" if context.personal_data == false

not_applicable_because contains field if {
	context.affects_rights == false
	context.special_category == false
	some field in ["affects_rights", "special_category"]
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
	lacking := fields.lacking(fields.texts(assessment.predicate, "sections"), _sections)
	count(lacking) > 0
	found := violations.deny("sections_lacking", assessment, "sections", lacking, _sections)
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
	first := fields.moment(assessment.predicate, "first_used_on")
	first.text != ""
	not moments.by_end_of(completed, first)
	found := violations.deny("completed_after_first_use", assessment, "completed_on", completed.text, first.text)
}

violation contains found if {
	some assessment in _assessments
	fields.moment(assessment.predicate, "first_used_on").text == ""
	found := violations.deny("first_use_unknown", assessment, "first_used_on", "", "a day")
}

violation contains found if {
	some assessment in _assessments
	opinion := fields.text(assessment.predicate, "dpo_opinion")
	not opinion in _opinions
	found := violations.deny("dpo_not_asked", assessment, "dpo_opinion", opinion, _opinions)
}

violation contains found if {
	some assessment in _assessments
	fields.text(assessment.predicate, "dpo_opinion") == "unfavourable"
	found := violations.warn("dpo_unfavourable", assessment, "dpo_opinion", "unfavourable", "favourable")
}

violation contains found if {
	some assessment in _assessments
	risk := fields.text(assessment.predicate, "residual_risk")
	not risk in ["low", "medium"]
	not fields.has_document(assessment.predicate, "prior_consultation")
	found := violations.deny("prior_consultation_missing", assessment, "prior_consultation", risk, "uri, sha256")
}

violation contains found if {
	some assessment in _assessments
	completed := fields.moment(assessment.predicate, "completed_on")
	moments.reached(completed)
	days := threshold.value("IMP-01", "review_max_age_days")
	not dates.within_days(completed, days)
	found := violations.warn("review_due", assessment, "completed_on", completed.text, days)
}
