# METADATA
# title: SRS-04 Monitoring, incident and suspension plan
# description: |
#   It is planned what is watched after the release, when the system is suspended, and whom an incident is reported to
#   within which term.
package qaqpa.controls.srs_04

import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_plans := evidence.judged("monitoring")

_signals := ["complaints", "drift", "error_rate", "override_rate"]

# METADATA
# description: Empty, for the control applies to every system.
not_applicable_because := set()

# METADATA
# description: What is wrong.
violation contains found if {
	some plan in _plans
	not fields.has_document(plan.predicate, "plan")
	found := violations.deny("plan_missing", plan, "plan", "", "uri, sha256")
}

violation contains found if {
	some plan in _plans
	approved := fields.moment(plan.predicate, "approved_on")
	not moments.reached(approved)
	found := violations.deny("approved_in_future", plan, "approved_on", approved.text, input.now.text)
}

violation contains found if {
	some plan in _plans
	lacking := fields.lacking(fields.list(plan.predicate, "signals"), _signals)
	count(lacking) > 0
	found := violations.deny("signals_lacking", plan, "signals", lacking, _signals)
}

violation contains found if {
	some plan in _plans
	count(fields.texts(plan.predicate, "suspension_triggers")) == 0
	found := violations.deny("suspension_triggers_missing", plan, "suspension_triggers", [], "at least one")
}

violation contains found if {
	some plan in _plans
	not fields.has_document(plan.predicate, "runbook")
	found := violations.deny("runbook_missing", plan, "runbook", "", "uri, sha256")
}

violation contains found if {
	some plan in _plans
	count(fields.texts(plan.predicate, "contacts")) == 0
	found := violations.warn("contacts_missing", plan, "contacts", [], "at least one")
}

# A term that is not stated counts as too long: it would pay to leave it out.
violation contains found if {
	"KZ" in context.jurisdictions
	context.personal_data
	some plan in _plans
	days := object.get(plan.predicate, "kz_breach_working_days", "")
	threshold.above("SRS-04", "kz_breach_working_days", days)
	required := threshold.value("SRS-04", "kz_breach_working_days")
	found := violations.deny("kz_breach_notice_slow", plan, "kz_breach_working_days", days, required)
}

violation contains found if {
	"EU" in context.jurisdictions
	context.personal_data
	some plan in _plans
	hours := object.get(plan.predicate, "eu_breach_hours", "")
	threshold.above("SRS-04", "eu_breach_hours", hours)
	required := threshold.value("SRS-04", "eu_breach_hours")
	found := violations.deny("eu_breach_notice_slow", plan, "eu_breach_hours", hours, required)
}

violation contains found if {
	"EU" in context.jurisdictions
	context.eu_class in {"high_risk_annex_i", "high_risk_annex_iii", "prohibited"}
	some plan in _plans
	terms := fields.record_in(plan.predicate, "eu_incident_days")
	some incident in ["death", "serious", "widespread"]
	required := _eu_days(incident)
	days := object.get(terms, incident, "")
	not fields.reaches(required, days)
	found := violations.deny(_eu_code(incident), plan, "eu_incident_days", days, required)
}

_eu_days("death") := threshold.value("SRS-04", "eu_death_days")

_eu_days("serious") := threshold.value("SRS-04", "eu_serious_days")

_eu_days("widespread") := threshold.value("SRS-04", "eu_widespread_days")

_eu_code("death") := "eu_death_notice_slow"

_eu_code("serious") := "eu_serious_incident_notice_slow"

_eu_code("widespread") := "eu_widespread_incident_notice_slow"
