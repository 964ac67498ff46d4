# METADATA
# title: AUD-01 Independent audit
# description: |
#   An auditor who is independent of developer and operator has come to a positive conclusion that still holds.
package qaqpa.controls.aud_01

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_audits := evidence.judged("audit")

_parties := ["developer", "operator"]

# What an audit covers besides in Kazakhstan.
_kz_scope := ["data_library_quality_lawfulness", "prohibited_functions"]

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
	some audit in _audits
	conclusion := fields.text(audit.predicate, "conclusion")
	not conclusion in {"positive", "positive_with_conditions"}
	found := violations.deny("conclusion_negative", audit, "conclusion", conclusion, "positive")
}

violation contains found if {
	some audit in _audits
	conclusion := fields.text(audit.predicate, "conclusion")
	conclusion == "positive_with_conditions"
	count(_unmet(audit)) == 0
	found := violations.warn("conclusion_conditional", audit, "conclusion", conclusion, "positive")
}

violation contains found if {
	some audit in _audits
	fields.text(audit.predicate, "conclusion") == "positive_with_conditions"
	some finding in _unmet(audit)
	due := fields.moment(finding, "due").text
	due == ""
	found := violations.deny("condition_without_due", audit, "findings", fields.text(finding, "id"), "due")
}

violation contains found if {
	some audit in _audits
	fields.text(audit.predicate, "conclusion") == "positive_with_conditions"
	some finding in _unmet(audit)
	due := fields.moment(finding, "due").text
	due != ""
	overdue := {"id": fields.text(finding, "id"), "due": due}
	found := violations.deny("condition_overdue", audit, "findings", overdue, "closed")
}

violation contains found if {
	some audit in _audits
	some finding in _open(audit)
	severity := fields.text(finding, "severity")
	not severity in {"low", "medium"}
	open := {"id": fields.text(finding, "id"), "severity": severity}
	found := violations.deny("serious_finding_open", audit, "findings", open, "closed")
}

violation contains found if {
	some audit in _audits
	not fields.has_document(audit.predicate, "report")
	found := violations.deny("report_missing", audit, "report", "", "uri, sha256")
}

violation contains found if {
	some audit in _audits
	fields.text(audit.predicate, "auditor") == ""
	found := violations.deny("auditor_missing", audit, "auditor", "", "an organisation")
}

violation contains found if {
	some audit in _audits
	lacking := fields.lacking(fields.list(audit.predicate, "independent_of"), _parties)
	count(lacking) > 0
	found := violations.deny("independence_not_declared", audit, "independent_of", lacking, _parties)
}

violation contains found if {
	some audit in _audits
	not fields.has_document(audit.predicate, "conflict_declarations")
	found := violations.deny("conflict_declarations_missing", audit, "conflict_declarations", "", "uri, sha256")
}

violation contains found if {
	some audit in _audits
	last := fields.moment(audit.predicate, "valid_until")
	not dates.not_ended(last)
	found := violations.deny("validity_ended", audit, "valid_until", last.text, input.now.text)
}

violation contains found if {
	some audit in _audits
	issued := fields.moment(audit.predicate, "issued_on")
	days := threshold.value("AUD-01", "max_age_days")
	not dates.within_days(issued, days)
	found := violations.deny("issued_out_of_date", audit, "issued_on", issued.text, days)
}

violation contains found if {
	some audit in _audits
	issued := fields.moment(audit.predicate, "issued_on")
	moments.before_training(issued)
	found := violations.deny("issued_before_training", audit, "issued_on", issued.text, moments.trained)
}

# Findings that nobody listed cannot be judged; an auditor who found nothing hands in an empty list.
violation contains found if {
	some audit in _audits
	not is_array(object.get(audit.predicate, "findings", null))
	found := violations.deny("findings_missing", audit, "findings", "", "a list")
}

violation contains found if {
	some audit in _audits
	count(fields.texts(audit.predicate, "scope")) == 0
	found := violations.warn("scope_missing", audit, "scope", [], "at least one")
}

violation contains found if {
	"KZ" in context.jurisdictions
	some audit in _audits
	lacking := fields.lacking(fields.list(audit.predicate, "scope"), _kz_scope)
	count(lacking) > 0
	found := violations.deny("kz_scope_lacking", audit, "scope", lacking, _kz_scope)
}

_open(audit) := [finding |
	some finding in fields.list(audit.predicate, "findings")
	fields.text(finding, "status") != "closed"
]

# Open findings without a day by which they must be closed, or with one that has passed.
_unmet(audit) := [finding |
	some finding in _open(audit)
	due := fields.moment(finding, "due")
	not dates.not_ended(due)
]
