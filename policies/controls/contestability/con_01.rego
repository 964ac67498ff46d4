# METADATA
# title: CON-01 Right to contest is announced and reachable
# description: |
#   Persons are told that a machine takes part, what that means for them, how and where they object, and how they
#   protect their rights; there is a channel for that, and in Kazakhstan a way without AI.
package qaqpa.controls.con_01

import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.violation as violations

_records := evidence.judged("contest")

_state_languages := ["kk", "ru"]

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "affects_rights" if context.affects_rights == false

# METADATA
# description: What is wrong.
violation contains found if {
	some record in _records
	reachable := [channel |
		some channel in fields.list(record.predicate, "channels")
		fields.text(channel, "address") != ""
	]
	count(reachable) == 0
	found := violations.deny("channel_missing", record, "channels", [], "at least one with an address")
}

violation contains found if {
	some record in _records
	some content in [
		"consequences",
		"deadlines",
		"fact_of_automation",
		"how_to_object",
		"how_to_protect_rights",
	]
	not _says(record, content)
	said := fields.texts(record.predicate, "notice_contains")
	found := violations.deny(concat("_", [content, "missing"]), record, "notice_contains", said, content)
}

violation contains found if {
	some record in _records
	not fields.has_document(record.predicate, "notice")
	found := violations.warn("notice_missing", record, "notice", "", "uri, sha256")
}

violation contains found if {
	some record in _records
	fields.text(record.predicate, "appeal_body") == ""
	found := violations.warn("appeal_body_missing", record, "appeal_body", "", "an authority or a court")
}

# Only a plain true says that there is another way.
violation contains found if {
	"KZ" in context.jurisdictions
	some record in _records
	route := object.get(record.predicate, "non_ai_route", false)
	route != true
	fields.text(record.predicate, "ai_compulsory_law") == ""
	found := violations.deny("kz_non_ai_route_missing", record, "non_ai_route", route, true)
}

violation contains found if {
	context.public_sector
	"KZ" in context.jurisdictions
	some record in _records
	lacking := fields.lacking(fields.list(record.predicate, "notice_languages"), _state_languages)
	count(lacking) > 0
	found := violations.deny("kz_language_missing", record, "notice_languages", lacking, _state_languages)
}

violation contains found if {
	some record in _records
	accessible := object.get(record.predicate, "accessible_for_disabled", false)
	accessible != true
	found := violations.warn("not_accessible", record, "accessible_for_disabled", accessible, true)
}

_says(record, content) if content in fields.texts(record.predicate, "notice_contains")
