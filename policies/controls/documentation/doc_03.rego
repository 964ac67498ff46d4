# METADATA
# title: DOC-03 Decision log
# description: |
#   Every decision is logged with what is needed to reconstruct it, and the log is kept long enough.
package qaqpa.controls.doc_03

import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_logs := evidence.judged("logging")

_needed := [
	"explanation_ref",
	"human_action",
	"human_actor",
	"input_ref",
	"model_version",
	"output",
	"timestamp",
]

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "affects_rights" if context.affects_rights == false

# METADATA
# description: What is wrong.
violation contains found if {
	some log in _logs
	enabled := object.get(log.predicate, "enabled", false)
	enabled != true
	found := violations.deny("logging_disabled", log, "enabled", enabled, true)
}

violation contains found if {
	some log in _logs
	lacking := fields.lacking(fields.texts(log.predicate, "fields"), _needed)
	count(lacking) > 0
	found := violations.deny("fields_lacking", log, "fields", lacking, _needed)
}

violation contains found if {
	some log in _logs
	required := threshold.value("DOC-03", "min_retention_days")
	not fields.at_least(log.predicate, "retention_days", required)
	kept := object.get(log.predicate, "retention_days", "")
	found := violations.deny("retention_short", log, "retention_days", kept, required)
}

violation contains found if {
	some log in _logs
	limitation := object.get(log.predicate, "limitation_days", null)
	is_number(limitation)
	not fields.at_least(log.predicate, "retention_days", limitation)
	kept := object.get(log.predicate, "retention_days", "")
	found := violations.deny("retention_below_limitation", log, "retention_days", kept, limitation)
}

violation contains found if {
	some log in _logs
	limitation := object.get(log.predicate, "limitation_days", null)
	not is_number(limitation)
	found := violations.warn("limitation_missing", log, "limitation_days", "", "a number of days")
}

violation contains found if {
	some log in _logs
	evident := object.get(log.predicate, "tamper_evident", false)
	evident != true
	found := violations.warn("not_tamper_evident", log, "tamper_evident", evident, true)
}

violation contains found if {
	some log in _logs
	count(fields.texts(log.predicate, "access_roles")) == 0
	found := violations.warn("access_roles_missing", log, "access_roles", [], "at least one")
}

violation contains found if {
	some log in _logs
	not fields.has_document(log.predicate, "sample")
	found := violations.warn("sample_missing", log, "sample", "", "uri, sha256")
}
