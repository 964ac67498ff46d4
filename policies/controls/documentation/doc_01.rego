# METADATA
# title: DOC-01 Risk and autonomy classification
# description: |
#   The owner has recorded and justified how risky and how autonomous the system is, and the record agrees with the
#   context by which all other controls are chosen.
package qaqpa.controls.doc_01

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_records := evidence.judged("classification")

# Fields of use in which a system is of high risk unless an exemption is shown.
_listed_domains := ["credit_scoring", "forensic", "hr", "justice", "law_enforcement", "social_payments"]

# METADATA
# description: Empty, for the control applies to every system.
not_applicable_because := set()

# METADATA
# description: What is wrong.
violation contains found if {
	some record in _records
	fields.text(record.predicate, "kz_reason") == ""
	found := violations.deny("reason_missing", record, "kz_reason", "", "a reason")
}

violation contains found if {
	some record in _records
	fields.text(record.predicate, "signed_by") == ""
	found := violations.deny("signer_missing", record, "signed_by", "", "a person")
}

violation contains found if {
	some record in _records
	signed := fields.moment(record.predicate, "signed_on")
	days := threshold.value("DOC-01", "max_age_days")
	not dates.within_days(signed, days)
	found := violations.deny("signature_out_of_date", record, "signed_on", signed.text, days)
}

violation contains found if {
	some record in _records
	some field in ["domain", "eu_class", "kz_autonomy", "kz_risk"]
	known := context.said(field)
	known != null
	recorded := fields.text(record.predicate, field)
	not recorded in ["", known]
	found := violations.deny(concat("_", [field, "differs"]), record, field, recorded, known)
}

violation contains found if {
	some record in _records
	some field in ["eu_class", "kz_autonomy", "kz_risk"]
	fields.text(record.predicate, field) == ""
	found := violations.deny(concat("_", [field, "missing"]), record, field, "", "a class")
}

violation contains found if {
	some record in _records
	fields.text(record.predicate, "domain") == ""
	found := violations.deny("domain_missing", record, "domain", "", "a field of use")
}

violation contains found if {
	"EU" in context.jurisdictions
	some record in _records
	some domain in {fields.text(record.predicate, "domain"), context.domain}
	domain in _listed_domains
	class := fields.text(record.predicate, "eu_class")
	class != "high_risk_annex_iii"
	not _exempt(record)
	value := {"domain": domain, "class": class}
	found := violations.deny("eu_listed_domain_not_high_risk", record, "eu_class", value, "high_risk_annex_iii")
}

violation contains found if {
	"EU" in context.jurisdictions
	some record in _records
	fields.text(record.predicate, "eu_class") == "prohibited"
	found := violations.deny("eu_class_prohibited", record, "eu_class", "prohibited", "a class that is allowed")
}

violation contains found if {
	context.automation == "fully_automated"
	some record in _records
	fields.text(record.predicate, "kz_autonomy") == "low"
	found := violations.deny("autonomy_too_low", record, "kz_autonomy", "low", ["medium", "high"])
}

violation contains found if {
	context.affects_rights
	some record in _records
	fields.text(record.predicate, "kz_risk") == "minimal"
	found := violations.warn("risk_minimal_with_rights", record, "kz_risk", "minimal", ["medium", "high"])
}

# The exemption needs a ground, and is not there for a system that profiles persons.
_exempt(record) if {
	record.predicate.performs_profiling == false
	fields.text(record.predicate, "art6_3_condition") != ""
}
