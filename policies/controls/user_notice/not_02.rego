# METADATA
# title: NOT-02 Labels of synthetic content
# description: |
#   In every medium, synthetic content bears a mark that machines can read and a warning that people notice.
package qaqpa.controls.not_02

import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.violation as violations

_records := evidence.judged("content_label")

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "synthetic_content" if context.synthetic_content == false

# METADATA
# description: What is wrong.
violation contains found if {
	some record in _records
	count(_media(record)) == 0
	found := violations.deny("media_missing", record, "media", [], "at least one")
}

violation contains found if {
	some record in _records
	some label in _media(record)
	not _marked(label)
	code := _mark_code(record)
	found := violations.deny(code, record, "media/machine_readable", _medium(label), "standard")
}

violation contains found if {
	some record in _records
	some label in _media(record)
	_marked(label)
	verified := object.get(fields.record_in(label, "machine_readable"), "verified_by_tool", false)
	verified != true
	field := "media/machine_readable/verified_by_tool"
	found := violations.deny("machine_mark_unverified", record, field, _medium(label), true)
}

violation contains found if {
	some record in _records
	some label in _media(record)
	fields.text(fields.record_in(label, "warning"), "text") == ""
	found := violations.deny(_warning_code(label), record, "media/warning/text", _medium(label), "a text")
}

violation contains found if {
	some record in _records
	some label in _media(record)
	lacking := [name |
		some name in ["machine_readable", "warning"]
		not fields.has_document(fields.record_in(label, name), "sample")
	]
	count(lacking) > 0
	value := {"medium": _medium(label), "lacking": lacking}
	found := violations.warn("sample_missing", record, "media", value, "uri, sha256")
}

violation contains found if {
	"EU" in context.jurisdictions
	some record in _records
	fields.text(record.predicate, "detector") == ""
	found := violations.deny(_detector_code(record), record, "detector", "", "a place")
}

_media(record) := fields.list(record.predicate, "media")

_medium(label) := fields.text(label, "medium")

_marked(label) if fields.text(fields.record_in(label, "machine_readable"), "standard") != ""

# Systems that were on the market already got more time, so what they lack has codes of its own.
_mark_code(record) := "machine_mark_missing_legacy" if {
	_legacy(record)
} else := "machine_mark_missing"

_detector_code(record) := "eu_detector_missing_legacy" if {
	_legacy(record)
} else := "eu_detector_missing"

# Text needs a warning in fewer cases than pictures and sound.
_warning_code(label) := "text_warning_missing" if {
	_medium(label) == "text"
} else := "warning_missing"

# Who does not say that the system was on the market counts as one who came later.
_legacy(record) if record.predicate.on_market_before_duty == true
