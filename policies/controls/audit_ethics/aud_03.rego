# METADATA
# title: AUD-03 Assessment against an ethics standard
# description: |
#   The organisation has adopted an ethics standard, and somebody outside the development team has assessed the system
#   against it, after the model was trained.
package qaqpa.controls.aud_03

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_assessments := evidence.judged("ethics_assessment")

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains field if {
	context.affects_rights == false
	context.kz_risk == "minimal"
	some field in ["affects_rights", "kz_risk"]
}

# METADATA
# description: What is wrong.
violation contains found if {
	some assessment in _assessments
	standard := fields.record_in(assessment.predicate, "standard")
	not _named(standard)
	found := violations.deny("standard_missing", assessment, "standard", "", "id, version, adopted_on")
}

violation contains found if {
	some assessment in _assessments
	standard := fields.record_in(assessment.predicate, "standard")
	_named(standard)
	adopted := fields.moment(standard, "adopted_on")
	not moments.reached(adopted)
	found := violations.deny("standard_not_adopted", assessment, "standard/adopted_on", adopted.text, input.now.text)
}

violation contains found if {
	some assessment in _assessments
	not fields.has_document(assessment.predicate, "assessment")
	found := violations.deny("assessment_missing", assessment, "assessment", "", "uri, sha256")
}

violation contains found if {
	some assessment in _assessments
	fields.text(assessment.predicate, "assessor") == ""
	found := violations.deny("assessor_missing", assessment, "assessor", "", "a person")
}

violation contains found if {
	some assessment in _assessments
	result := fields.text(assessment.predicate, "result")
	not result in {"conforms", "conforms_with_conditions"}
	found := violations.deny("result_negative", assessment, "result", result, "conforms")
}

violation contains found if {
	some assessment in _assessments
	result := fields.text(assessment.predicate, "result")
	result == "conforms_with_conditions"
	found := violations.warn("result_conditional", assessment, "result", result, "conforms")
}

violation contains found if {
	some assessment in _assessments
	assessed := fields.moment(assessment.predicate, "assessed_on")
	days := threshold.value("AUD-03", "max_age_days")
	not dates.within_days(assessed, days)
	found := violations.deny("assessed_out_of_date", assessment, "assessed_on", assessed.text, days)
}

violation contains found if {
	some assessment in _assessments
	fields.text(assessment.predicate, "covers_retraining") == ""
	assessed := fields.moment(assessment.predicate, "assessed_on")
	moments.before_training(assessed)
	found := violations.deny("assessed_before_training", assessment, "assessed_on", assessed.text, moments.trained)
}

_named(standard) if {
	fields.text(standard, "id") != ""
	fields.text(standard, "version") != ""
}
