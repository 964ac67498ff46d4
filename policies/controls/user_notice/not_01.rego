# METADATA
# title: NOT-01 Notice that AI is used
# description: |
#   People are told in time that AI is used; those about whom decisions are taken also how, with what consequences, and
#   how to object; workers before it comes to their workplace.
package qaqpa.controls.not_01

import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.violation as violations

_notices := evidence.judged("notice")

_in_time := ["before_use", "first_interaction"]

_about_decisions := ["consequences", "objection", "procedure"]

_state_languages := ["kk", "ru"]

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains field if {
	context.affects_rights == false
	context.interacts_with_persons == false
	some field in ["affects_rights", "interacts_with_persons"]
}

# METADATA
# description: What is wrong.
violation contains found if {
	some notice in _notices
	not fields.has_document(notice.predicate, "notice")
	found := violations.deny("notice_missing", notice, "notice", "", "uri, sha256")
}

violation contains found if {
	some notice in _notices
	shown := fields.text(notice.predicate, "shown_at")
	not shown in _in_time
	found := violations.deny("shown_too_late", notice, "shown_at", shown, _in_time)
}

violation contains found if {
	some notice in _notices
	covered := fields.texts(notice.predicate, "covers")
	not "ai_used" in covered
	found := violations.deny("ai_use_not_covered", notice, "covers", covered, "ai_used")
}

violation contains found if {
	context.affects_rights
	some notice in _notices
	lacking := fields.lacking(fields.texts(notice.predicate, "covers"), _about_decisions)
	count(lacking) > 0
	found := violations.deny("decision_not_covered", notice, "covers", lacking, _about_decisions)
}

violation contains found if {
	context.workplace_use
	"EU" in context.jurisdictions
	some notice in _notices
	informed := fields.moment(notice.predicate, "workers_informed_on")
	not moments.reached(informed)
	found := violations.deny("eu_workers_uninformed", notice, "workers_informed_on", informed.text, input.now.text)
}

violation contains found if {
	context.public_sector
	"KZ" in context.jurisdictions
	some notice in _notices
	lacking := fields.lacking(fields.texts(notice.predicate, "languages"), _state_languages)
	count(lacking) > 0
	found := violations.deny("kz_state_languages_lacking", notice, "languages", lacking, _state_languages)
}

violation contains found if {
	some notice in _notices
	count(fields.texts(notice.predicate, "languages")) == 0
	found := violations.warn("languages_missing", notice, "languages", [], "at least one")
}

violation contains found if {
	some notice in _notices
	count(fields.texts(notice.predicate, "placements")) == 0
	found := violations.warn("placements_missing", notice, "placements", [], "at least one")
}
