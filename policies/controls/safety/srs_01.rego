# METADATA
# title: SRS-01 Current risk-management file
# description: |
#   The register of risks covers foreseeable misuse, was reviewed lately, and leaves no risk that nobody may bear.
package qaqpa.controls.srs_01

import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_files := evidence.judged("risk_file")

# What is left of a risk may be one of these; what somebody leaves out may be anything.
_residuals := ["high", "low", "medium", "unacceptable"]

_parts := ["affected", "description", "impact", "likelihood", "owner", "treatment"]

# METADATA
# description: Empty, for the control applies to every system.
not_applicable_because := set()

# METADATA
# description: What is wrong.
violation contains found if {
	some file in _files
	not fields.has_document(file.predicate, "register")
	found := violations.deny("register_missing", file, "register", "", "uri, sha256")
}

violation contains found if {
	some file in _files
	reviewed := fields.moment(file.predicate, "last_review")
	days := threshold.value("SRS-01", "max_age_days")
	not dates.within_days(reviewed, days)
	found := violations.deny("review_out_of_date", file, "last_review", reviewed.text, days)
}

violation contains found if {
	some file in _files
	count(_items(file)) == 0
	found := violations.deny("items_missing", file, "items", [], "at least one")
}

violation contains found if {
	some file in _files
	misuses := [item | some item in _items(file); item.misuse == true]
	count(misuses) == 0
	found := violations.deny("misuse_missing", file, "items/misuse", [], "at least one")
}

violation contains found if {
	some file in _files
	unknown := [fields.text(item, "id") |
		some item in _items(file)
		not fields.text(item, "residual") in _residuals
	]
	count(unknown) > 0
	found := violations.deny("residual_unknown", file, "items/residual", sort(unknown), _residuals)
}

violation contains found if {
	some file in _files
	unacceptable := _left(file, "unacceptable")
	count(unacceptable) > 0
	found := violations.deny("residual_unacceptable", file, "items/residual", unacceptable, "high or lower")
}

violation contains found if {
	some file in _files
	high := _left(file, "high")
	count(high) > 0
	fields.text(file.predicate, "residual_accepted_by") == ""
	found := violations.deny("residual_not_accepted", file, "residual_accepted_by", high, "a person")
}

violation contains found if {
	some file in _files
	some item in _items(file)
	lacking := [part | some part in _parts; fields.text(item, part) == ""]
	count(lacking) > 0
	value := {"id": fields.text(item, "id"), "lacking": lacking}
	found := violations.warn("item_incomplete", file, "items", value, _parts)
}

_items(file) := fields.list(file.predicate, "items")

# The ids of the risks of which this much is left.
_left(file, residual) := sort([fields.text(item, "id") |
	some item in _items(file)
	fields.text(item, "residual") == residual
])
