# METADATA
# title: SRS-03 Security of model and data
# description: |
#   A recent assessment leaves no serious vulnerability open, the artefact is signed, and what a jurisdiction asks of
#   such systems is there.
package qaqpa.controls.srs_03

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_assessments := evidence.judged("security")

_eu_threats := [
	"adversarial_examples",
	"confidentiality_attacks",
	"data_poisoning",
	"model_flaws",
	"model_poisoning",
]

_kz_grounds := ["critical_object", "state_resource"]

# METADATA
# description: Empty, for the control applies to every system.
not_applicable_because := set()

# METADATA
# description: What is wrong.
violation contains found if {
	some assessment in _assessments
	assessed := fields.moment(assessment.predicate, "assessed_on")
	days := threshold.value("SRS-03", "max_age_days")
	not dates.within_days(assessed, days)
	found := violations.deny("assessed_out_of_date", assessment, "assessed_on", assessed.text, days)
}

violation contains found if {
	some assessment in _assessments
	not fields.has_document(assessment.predicate, "assessment")
	found := violations.warn("assessment_missing", assessment, "assessment", "", "uri, sha256")
}

violation contains found if {
	some assessment in _assessments
	lacking := [severity | some severity in ["critical", "high"]; not is_number(_open(assessment, severity))]
	count(lacking) > 0
	found := violations.deny("vulnerabilities_uncounted", assessment, "open_vulnerabilities", lacking, "a number of each")
}

violation contains found if {
	some assessment in _assessments
	number := _open(assessment, "critical")
	fields.reaches(number, 1)
	found := violations.deny("critical_vulnerability_open", assessment, "open_vulnerabilities/critical", number, 0)
}

violation contains found if {
	some assessment in _assessments
	number := _open(assessment, "high")
	fields.reaches(number, 1)
	found := violations.by_risk("high_vulnerability_open", assessment, "open_vulnerabilities/high", number, 0)
}

violation contains found if {
	some assessment in _assessments
	signed := object.get(assessment.predicate, "artifact_signed", false)
	signed != true
	found := violations.deny("artifact_unsigned", assessment, "artifact_signed", signed, true)
}

violation contains found if {
	some assessment in _assessments
	not fields.has_document(assessment.predicate, "sbom")
	found := violations.warn("sbom_missing", assessment, "sbom", "", "uri, sha256")
}

violation contains found if {
	"KZ" in context.jurisdictions
	some assessment in _assessments
	not fields.has_document(assessment.predicate, "kz_state_act")
	grounds := _kz_grounds_of(assessment)
	count(grounds) > 0
	found := _by_kz_risk("kz_state_act_missing", assessment, "kz_state_act", grounds, "uri, sha256")
}

violation contains found if {
	"EU" in context.jurisdictions
	_eu_high_risk
	some assessment in _assessments
	lacking := fields.lacking(fields.list(assessment.predicate, "threats_covered"), _eu_threats)
	count(lacking) > 0
	found := violations.deny("eu_threats_uncovered", assessment, "threats_covered", lacking, _eu_threats)
}

_open(assessment, severity) := object.get(
	fields.record_in(assessment.predicate, "open_vulnerabilities"),
	severity, null,
)

# Why the act of the state's own security tests is needed. At high risk a ground that nobody ruled out counts: otherwise
# leaving it out would be the way round the act. Below that one counts that somebody states.
_kz_grounds_of(assessment) := [ground |
	some ground in _kz_grounds
	object.get(assessment.predicate, ground, true) != false
] if {
	context.kz_risk == "high"
} else := [ground |
	some ground in _kz_grounds
	assessment.predicate[ground] == true
]

_by_kz_risk(code, assessment, field, found, required) := violations.deny(code, assessment, field, found, required) if {
	context.kz_risk == "high"
} else := violations.warn(code, assessment, field, found, required)

_eu_high_risk if context.eu_class in {"high_risk_annex_i", "high_risk_annex_iii", "prohibited"}
