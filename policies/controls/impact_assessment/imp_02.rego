# METADATA
# title: IMP-02 Fundamental rights impact assessment
# description: |
#   Who uses a high-risk system in the EU for the public, for credit or for insurance has assessed what it does to
#   fundamental rights, and has notified the authority.
package qaqpa.controls.imp_02

import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.violation as violations

_assessments := evidence.judged("fria")

_elements := ["affected_persons", "measures", "oversight", "period_frequency", "processes", "risks"]

# Fields of use in which only a public body owes the assessment. In medicine, justice and social payments private bodies
# may provide public services, and nothing in the context says that one does not.
_public_only := [
	"ai_platform",
	"e_money",
	"forensic",
	"hr",
	"law_enforcement",
	"other",
]

# METADATA
# description: |
#   The fields of the context by which the control does not apply. A prohibited class is stricter than high, so it owes
#   no less.
not_applicable_because contains "jurisdictions" if {
	places := context.jurisdictions
	not "EU" in places
}

not_applicable_because contains "eu_class" if {
	context.eu_class in ["high_risk_annex_i", "minimal", "not_applicable", "transparency"]
}

not_applicable_because contains field if {
	context.public_sector == false
	context.domain in _public_only
	some field in ["domain", "public_sector"]
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
	lacking := fields.lacking(fields.texts(assessment.predicate, "elements"), _elements)
	count(lacking) > 0
	found := violations.deny("elements_lacking", assessment, "elements", lacking, _elements)
}

violation contains found if {
	some assessment in _assessments
	completed := fields.moment(assessment.predicate, "completed_on")
	not moments.reached(completed)
	found := violations.deny("completed_in_future", assessment, "completed_on", completed.text, input.now.text)
}

violation contains found if {
	some assessment in _assessments
	notified := fields.moment(assessment.predicate, "notified_on")
	not moments.reached(notified)
	found := violations.deny("not_notified", assessment, "notified_on", notified.text, input.now.text)
}

violation contains found if {
	some assessment in _assessments
	fields.text(assessment.predicate, "authority") == ""
	found := violations.warn("authority_missing", assessment, "authority", "", "an authority")
}

violation contains found if {
	context.personal_data
	some assessment in _assessments
	not fields.has_document(assessment.predicate, "dpia")
	found := violations.warn("dpia_not_named", assessment, "dpia", "", "uri, sha256")
}
