# METADATA
# title: DOC-02 Technical documentation for the level
# description: |
#   The technical documentation has the sections that the degree of risk calls for, and is kept long enough.
package qaqpa.controls.doc_02

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_records := evidence.judged("technical_documentation")

_base_sections := ["data", "risk", "system"]

_eu_sections := [
	"annex_iv_1",
	"annex_iv_2",
	"annex_iv_3",
	"annex_iv_4",
	"annex_iv_5",
	"annex_iv_6",
	"annex_iv_7",
	"annex_iv_8",
	"annex_iv_9",
]

# METADATA
# description: Empty, for the control applies to every system.
not_applicable_because := set()

# METADATA
# description: What is wrong.
violation contains found if {
	some record in _records
	count(_held(record)) == 0
	found := violations.deny("documentation_empty", record, "sections", [], "at least one")
}

violation contains found if {
	some record in _records
	lacking := fields.lacking(_held(record), _base_sections)
	count(lacking) > 0
	found := violations.deny("section_missing", record, "sections", lacking, _base_sections)
}

violation contains found if {
	"KZ" in context.jurisdictions
	context.kz_risk != "minimal"
	some record in _records
	not "ethics" in _held(record)
	found := violations.deny("kz_ethics_section_missing", record, "sections", context.kz_risk, "ethics")
}

violation contains found if {
	_eu_high_risk
	some record in _records
	lacking := fields.lacking(_held(record), _eu_sections)
	count(lacking) > 0
	found := violations.deny("eu_section_missing", record, "sections", lacking, _eu_sections)
}

violation contains found if {
	_eu_high_risk
	some record in _records
	required := threshold.value("DOC-02", "eu_retention_years")
	not fields.at_least(record.predicate, "retention_years", required)
	years := object.get(record.predicate, "retention_years", "")
	found := violations.deny("eu_retention_short", record, "retention_years", years, required)
}

# How long it was kept so far cannot be computed here; a last day that has passed shows that it is kept no more.
violation contains found if {
	_eu_high_risk
	some record in _records
	last := fields.moment(record.predicate, "retention_until")
	last.text != ""
	not dates.not_ended(last)
	found := violations.deny("eu_retention_ended", record, "retention_until", last.text, input.now.text)
}

violation contains found if {
	_eu_high_risk
	some record in _records
	fields.moment(record.predicate, "retention_until").text == ""
	found := violations.deny("eu_retention_undated", record, "retention_until", "", "a day")
}

violation contains found if {
	some record in _records
	undated := sort({fields.text(section, "code") |
		some section in fields.list(record.predicate, "sections")
		updated := fields.moment(section, "updated_on")
		not moments.reached(updated)
	})
	count(undated) > 0
	found := violations.deny("section_date_wrong", record, "sections/updated_on", undated, input.now.text)
}

# The documentation survives a new training, but then somebody has to have looked at it.
violation contains found if {
	some record in _records
	updated := [day |
		some section in fields.list(record.predicate, "sections")
		day := fields.moment(section, "updated_on")
		moments.reached(day)
	]
	count(updated) > 0
	every day in updated {
		moments.before_training(day)
	}
	days := sort({day.text | some day in updated})
	found := violations.warn("not_updated_since_training", record, "sections/updated_on", days, moments.trained)
}

violation contains found if {
	some record in _records
	not fields.has_document(record.predicate, "index")
	found := violations.warn("index_missing", record, "index", "", "uri, sha256")
}

# The sections that name a document.
_held(record) := [fields.text(section, "code") |
	some section in fields.list(record.predicate, "sections")
	fields.has_document(section, "document")
]

# A prohibited class is stricter than high, so it owes no less.
_eu_high_risk if {
	"EU" in context.jurisdictions
	context.eu_class in ["high_risk_annex_i", "high_risk_annex_iii", "prohibited"]
}
