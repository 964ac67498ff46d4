# METADATA
# title: HOV-03 Tested override, stop and rollback
# description: |
#   A person can set aside one result, stop the whole system and take it back to a safe state, and a drill has lately
#   shown that this works.
package qaqpa.controls.hov_03

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_records := evidence.judged("intervention")

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
	some record in _records
	supported := object.get(record.predicate, "override_supported", false)
	supported != true
	found := violations.deny("override_unsupported", record, "override_supported", supported, true)
}

violation contains found if {
	some record in _records
	supported := object.get(record.predicate, "stop_supported", false)
	supported != true
	found := violations.deny("stop_unsupported", record, "stop_supported", supported, true)
}

violation contains found if {
	some record in _records
	not fields.has_document(record.predicate, "fallback_procedure")
	found := violations.deny("fallback_missing", record, "fallback_procedure", "", "uri, sha256")
}

violation contains found if {
	some record in _records
	result := fields.text(_drill(record), "result")
	result != "pass"
	found := violations.deny("drill_failed", record, "drill/result", result, "pass")
}

violation contains found if {
	some record in _records
	held := fields.moment(_drill(record), "on")
	days := threshold.value("HOV-03", "drill_max_age_days")
	not dates.within_days(held, days)
	found := violations.deny("drill_out_of_date", record, "drill/on", held.text, days)
}

# The drill is one of the system and outlives a new model; whether it would go as well with this one, nobody has tried.
violation contains found if {
	some record in _records
	held := fields.moment(_drill(record), "on")
	held.text != ""
	moments.before_training(held)
	found := violations.warn("drill_before_training", record, "drill/on", held.text, moments.trained)
}

violation contains found if {
	some record in _records
	minutes := object.get(_drill(record), "minutes_to_stop", null)
	not is_number(minutes)
	found := violations.warn("stop_time_unknown", record, "drill/minutes_to_stop", "", "a number of minutes")
}

violation contains found if {
	some record in _records
	minutes := object.get(_drill(record), "minutes_to_stop", null)
	is_number(minutes)
	threshold.above("HOV-03", "minutes_to_stop", minutes)
	required := threshold.value("HOV-03", "minutes_to_stop")
	found := violations.warn("stop_slow", record, "drill/minutes_to_stop", minutes, required)
}

violation contains found if {
	some record in _records
	fields.text(record.predicate, "rollback_to") == ""
	found := violations.warn("rollback_missing", record, "rollback_to", "", "a version, or a state without the model")
}

_drill(record) := fields.record_in(record.predicate, "drill")
